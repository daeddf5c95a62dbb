package io.raftfleet.state;

import io.raftfleet.proto.log.IdentityRevoked;
import io.raftfleet.proto.log.JoinTokenCreated;
import io.raftfleet.proto.log.JoinTokenRemoved;
import io.raftfleet.proto.log.JoinTokenUsed;
import io.raftfleet.proto.model.Principal;
import io.raftfleet.proto.model.PrincipalKind;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Tokens that may be used, and names whose certificates are revoked. Guarded by the registry's lock. */
final class AccessTable {
    /** Open tokens, and revoked names, that there may be. */
    static final int MAX_TOKENS = 1_000;

    static final int MAX_REVOKED = 10_000;

    private final Map<String, JoinToken> tokens = new TreeMap<>();
    private final Map<Principal, Revoked> revoked = new HashMap<>();
    private final MachineTable machines;
    private final RowLog rows;
    private long nextExpiryMs = Long.MAX_VALUE;

    AccessTable(MachineTable machines, RowLog rows) {
        this.machines = machines;
        this.rows = rows;
    }

    Collection<JoinToken> tokens() {
        return tokens.values();
    }

    Collection<Revoked> revoked() {
        return revoked.values();
    }

    /** Returns null, or why the record is dropped; as all of these. */
    @Nullable
    String apply(JoinTokenCreated record, long clockMs) {
        if (record.getExpiresMs() <= clockMs) {
            return "the time of token " + record.getId()
                    + " is over by the registry's clock: set the leader's clock right";
        }
        if (tokens.containsKey(record.getId())) {
            return "token " + record.getId() + " exists";
        }
        if (tokens.size() >= MAX_TOKENS) {
            return tokens.size() + " tokens are open, as many as there may be: fleetctl token rm takes one away";
        }
        put(null, JoinToken.of(record));
        return null;
    }

    @Nullable
    String apply(JoinTokenUsed record) {
        var objection = objection(record);
        var token = tokens.get(record.getId());
        if (objection == null && token != null && !token.isUsedBy(record)) {
            put(token, token.usedBy(record));
        }
        return objection;
    }

    /** Why a token won't do for this use; null when it does. */
    @Nullable
    String objection(JoinTokenUsed record) {
        var token = tokens.get(record.getId());
        if (token == null) {
            return "the cluster has no token " + record.getId()
                    + ": it has expired, or was taken away, or is another cluster's; make a new one with fleetctl token"
                    + " create";
        }
        boolean known = record.getWho().getKind() == PrincipalKind.PRINCIPAL_KIND_AGENT
                && machines.get(record.getWho().getName()) != null;
        return token.objection(record, known);
    }

    @Nullable
    String apply(JoinTokenRemoved record) {
        var token = tokens.get(record.getId());
        if (token == null) {
            return "the cluster has no token " + record.getId();
        }
        remove(token);
        return null;
    }

    @Nullable
    String apply(IdentityRevoked record) {
        var before = revoked.get(record.getWho());
        if (before == null && revoked.size() >= MAX_REVOKED) {
            return revoked.size() + " names are revoked, as many as there may be: change the authority";
        }
        if (before == null || before.beforeMs() < record.getBeforeMs()) {
            var after = new Revoked(record.getWho(), record.getBeforeMs());
            rows.touch();
            revoked.put(after.who(), after);
            rows.replaced(before, after);
        }
        return null;
    }

    /** Tokens whose time is over go. */
    void expire(long clockMs) {
        if (clockMs >= nextExpiryMs) {
            tokens.values().stream()
                    .filter(token -> token.expiresMs() <= clockMs)
                    .toList()
                    .forEach(this::remove);
        }
    }

    /** The clock is set back by so much: so are tokens, whose times nobody knows to be of before or of after it was ahead. */
    void setBack(long byMs) {
        List.copyOf(tokens.values()).forEach(token -> put(token, token.expiringAt(token.expiresMs() - byMs)));
    }

    void restore(JoinToken token) {
        tokens.put(token.id(), token);
        rows.restored(token);
        next();
    }

    void restore(Revoked row) {
        revoked.put(row.who(), row);
        rows.restored(row);
    }

    void clear() {
        tokens.clear();
        revoked.clear();
        next();
    }

    private void put(@Nullable JoinToken before, JoinToken after) {
        rows.touch();
        tokens.put(after.id(), after);
        rows.replaced(before, after);
        next();
    }

    private void remove(JoinToken token) {
        rows.touch();
        tokens.remove(token.id());
        rows.replaced(token, null);
        next();
    }

    private void next() {
        nextExpiryMs = tokens.values().stream()
                .map(JoinToken::expiresMs)
                .min(Comparator.naturalOrder())
                .orElse(Long.MAX_VALUE);
    }
}
