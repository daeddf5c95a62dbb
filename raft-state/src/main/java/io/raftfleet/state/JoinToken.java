package io.raftfleet.state;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.raftfleet.proto.log.JoinTokenCreated;
import io.raftfleet.proto.log.JoinTokenRow;
import io.raftfleet.proto.log.JoinTokenUse;
import io.raftfleet.proto.log.JoinTokenUsed;
import io.raftfleet.proto.model.Principal;
import io.raftfleet.proto.model.PrincipalKind;
import java.security.MessageDigest;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A token, by whose secret somebody may have a certificate.
 *
 * @param id names it
 * @param secretHash SHA-256 of its secret
 * @param who what it makes of somebody; without a name: whoever is new
 * @param role a user's; empty for others
 * @param uses how often it may be used
 * @param expiresMs registry clock at which it is forgotten
 * @param createdBy who made it, for people
 * @param used who has used it, with the digest of the key
 */
public record JoinToken(
        String id,
        ByteString secretHash,
        Principal who,
        String role,
        int uses,
        long expiresMs,
        String createdBy,
        List<JoinTokenUse> used)
        implements StoredRow {

    public JoinToken {
        used = List.copyOf(used);
    }

    JoinToken expiringAt(long ms) {
        return new JoinToken(id, secretHash, who, role, uses, ms, createdBy, used);
    }

    static JoinToken of(JoinTokenCreated record) {
        return new JoinToken(
                record.getId(),
                record.getSecretHash(),
                record.getWho(),
                record.getRole(),
                record.getUses(),
                record.getExpiresMs(),
                record.getCreatedBy(),
                List.of());
    }

    /** Why it won't do for this use; null when it does. */
    @Nullable
    String objection(JoinTokenUsed use, boolean known) {
        var name = use.getWho().getName();
        if (!MessageDigest.isEqual(secretHash.toByteArray(), use.getSecretHash().toByteArray())) {
            return "its secret is not the one of token " + id + ": paste the whole line again";
        }
        if (use.getWho().getKind() != who.getKind()) {
            return "token " + id + " is for " + word(who.getKind()) + "s, not for an "
                    + word(use.getWho().getKind());
        }
        if (!who.getName().isEmpty() && !who.getName().equals(name)) {
            return "token " + id + " is for " + word(who.getKind()) + " " + who.getName() + " alone, not for " + name;
        }
        if (isUsedBy(use)) {
            return null;
        }
        boolean isFree = who.getName().isEmpty();
        if (isFree && (known || used.stream().anyMatch(before -> before.getWho().equals(use.getWho())))) {
            return word(who.getKind()) + " " + name
                    + " belongs to the cluster already: it joins again, with another key,"
                    + " only with a token that was made for it alone";
        }
        return used.size() < uses
                ? null
                : "token " + id + " has been used as often as it may, " + uses + " times: make another";
    }

    /** By the same somebody, with the same key. */
    boolean isUsedBy(JoinTokenUsed use) {
        return used.contains(use(use));
    }

    JoinToken usedBy(JoinTokenUsed use) {
        return new JoinToken(
                id,
                secretHash,
                who,
                role,
                uses,
                expiresMs,
                createdBy,
                Stream.concat(used.stream(), Stream.of(use(use))).toList());
    }

    private static JoinTokenUse use(JoinTokenUsed record) {
        return JoinTokenUse.newBuilder()
                .setWho(record.getWho())
                .setKeyDigest(record.getKeyDigest())
                .build();
    }

    private static String word(PrincipalKind kind) {
        return switch (kind) {
            case PRINCIPAL_KIND_ENGINE -> "engine";
            case PRINCIPAL_KIND_AGENT -> "agent";
            case PRINCIPAL_KIND_USER -> "user";
            case PRINCIPAL_KIND_UNSPECIFIED, UNRECOGNIZED -> "nobody";
        };
    }

    @Override
    public char table() {
        return 't';
    }

    @Override
    public ByteString rowKey() {
        return StoredRow.key('t', id);
    }

    @Override
    public MessageLite rowValue() {
        return JoinTokenRow.newBuilder()
                .setId(id)
                .setSecretHash(secretHash)
                .setWho(who)
                .setRole(role)
                .setUses(uses)
                .setExpiresMs(expiresMs)
                .setCreatedBy(createdBy)
                .addAllUsed(used)
                .build();
    }

    @Override
    public long heapBytes() {
        return 500 + used.size() * 300L;
    }

    static JoinToken from(JoinTokenRow row) {
        return new JoinToken(
                row.getId(),
                row.getSecretHash(),
                row.getWho(),
                row.getRole(),
                row.getUses(),
                row.getExpiresMs(),
                row.getCreatedBy(),
                row.getUsedList());
    }
}
