package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.JoinToken;
import io.raftfleet.proto.cluster.ListRevokedRequest;
import io.raftfleet.proto.cluster.Revocation;
import io.raftfleet.proto.cluster.RevokeRequest;
import io.raftfleet.proto.model.Principal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Whose certificates count no more. */
final class ClusterAccess {
    /** So many of those who have used a token are named. */
    private static final int MOST_NAMES = 5;

    private ClusterAccess() {}

    static final class Revoke extends FleetCommand {
        List<String> identities = List.of();

        Revoke(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "revoke",
                    "Take no certificate any more that somebody has had so far",
                    "",
                    "Who is revoked is cut off within 20 seconds, units run on, and joins again only with a new token, made for it alone. Open"
                            + " tokens that are for it, or that it has used, are taken away: who else was to use one of those needs another.");
            syntax.add(Syntax.arguments(given -> identities = given)
                    .arity("1..*")
                    .paramLabel("IDENTITY")
                    .description("engine/ID, agent/MACHINE-ID or user/NAME."));
        }

        @Override
        public Integer call() {
            int failures = 0;
            for (var who : identities.stream().map(Principals::parse).toList()) {
                failures += revoke(who) ? 0 : 1;
            }
            return failures == 0 ? 0 : 1;
        }

        private boolean revoke(Principal who) {
            try {
                var answer = session.client()
                        .access(
                                AccessGrpc.getRevokeMethod(),
                                RevokeRequest.newBuilder().setWho(who).build());
                session.out("Revoked all certificates of " + Principals.text(who) + " from before "
                        + Principals.time(answer.getRevocation().getBeforeMs()));
                answer.getRemovedTokensList().forEach(this::tell);
                return true;
            } catch (FleetClientException e) {
                session.err("Error revoking " + Principals.text(who) + ": " + e.getMessage());
                return false;
            }
        }

        private void tell(JoinToken token) {
            String used = token.getUsedList().stream()
                    .limit(MOST_NAMES)
                    .map(Principals::text)
                    .collect(Collectors.joining(", "));
            int more = token.getUsedCount() - MOST_NAMES;
            session.out("Took token " + token.getId() + " of " + token.getCreatedBy() + " away, used "
                    + token.getUsedCount() + " of " + token.getUses() + " times"
                    + (used.isEmpty() ? "" : ", by " + used)
                    + (more > 0 ? " and " + more + " more" : ""));
        }
    }

    static final class ListRevoked extends FleetCommand {
        boolean json;

        ListRevoked(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command("revoked", "List whose certificates are revoked, and since when");
            syntax.add(Syntax.flag(given -> json = given, "--json").description("Print a JSON array."));
        }

        @Override
        public Integer call() {
            var revoked = new ArrayList<>(session.client()
                    .access(AccessGrpc.getListRevokedMethod(), ListRevokedRequest.getDefaultInstance())
                    .getRevokedList());
            revoked.sort(Comparator.comparing((Revocation each) -> Principals.text(each.getWho())));
            if (json) {
                var rows = new ArrayList<Map<String, @Nullable Object>>();
                for (var each : revoked) {
                    var row = new LinkedHashMap<String, @Nullable Object>();
                    row.put("identity", Principals.text(each.getWho()));
                    row.put("before", Principals.time(each.getBeforeMs()));
                    rows.add(row);
                }
                JsonOutput.print(session.terminal().out(), rows);
                return 0;
            }
            var table = new Table();
            table.add("IDENTITY", "CERTIFICATES FROM BEFORE");
            revoked.forEach(each -> table.add(Principals.text(each.getWho()), Principals.time(each.getBeforeMs())));
            table.print(session.terminal().out());
            return 0;
        }
    }
}
