package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.cluster.Orphan;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Units that machines run and the cluster does not know, as after a restoration from an older mirror. */
final class ClusterOrphans {
    private ClusterOrphans() {}

    static final class ListOrphans extends FleetCommand {
        boolean json;

        ListOrphans(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "orphans",
                    "List units that machines run and the cluster does not know; they are left alone until adopted or dropped");
            syntax.add(Syntax.flag(given -> json = given, "--json")
                    .description("Print a JSON array, with whole ids and hashes."));
        }

        @Override
        public Integer call() {
            if (json) {
                var rows = new ArrayList<Map<String, @Nullable Object>>();
                for (var orphan : session.client().listOrphans().getOrphansList()) {
                    var row = new LinkedHashMap<String, @Nullable Object>();
                    row.put("unit", orphan.getName());
                    row.put("machine", orphan.getMachineId());
                    row.put("active", orphan.getActiveState());
                    row.put("sub", orphan.getSubState());
                    row.put("hash", Words.hash(orphan.getHash(), true));
                    rows.add(row);
                }
                JsonOutput.print(session.terminal().out(), rows);
                return 0;
            }
            var table = new Table();
            table.add("UNIT", "MACHINE", "ACTIVE", "SUB", "HASH");
            for (var orphan : session.client().listOrphans().getOrphansList()) {
                table.add(
                        orphan.getName(),
                        orphan.getMachineId(),
                        orphan.getActiveState(),
                        orphan.getSubState(),
                        Words.hash(orphan.getHash(), false));
            }
            table.print(session.terminal().out());
            return 0;
        }
    }

    /** What adopt and drop have in common. */
    abstract static class Settle extends FleetCommand {
        List<String> units = List.of();

        @Nullable
        String machine;

        Settle(Session session) {
            super(session);
        }

        abstract boolean adopts();

        @Override
        void describe(Syntax syntax) {
            syntax.add(Syntax.arguments(given -> units = given).arity("1..*").paramLabel("UNIT"));
            syntax.add(Syntax.value(String.class, given -> machine = given, "--machine")
                    .paramLabel("ID")
                    .description("Only on this machine, by its id or the start of it; else wherever they run."));
        }

        @Override
        public Integer call() {
            int failures = 0;
            String only = machine == null
                    ? null
                    : MachineLookup.known(session, machine).getId();
            var all = session.client().listOrphans().getOrphansList();
            for (var unit : units) {
                var found = all.stream()
                        .filter(orphan -> orphan.getName().equals(unit)
                                && (only == null || orphan.getMachineId().equals(only)))
                        .toList();
                if (found.isEmpty()) {
                    session.err("Unit " + unit + " is no orphan" + (only == null ? "" : " on that machine")
                            + "; see fleetctl cluster orphans");
                    failures++;
                }
                for (var orphan : found) {
                    failures += settle(orphan) ? 0 : 1;
                }
            }
            return failures == 0 ? 0 : 1;
        }

        private boolean settle(Orphan orphan) {
            try {
                session.client().settleOrphan(orphan.getMachineId(), orphan.getName(), adopts());
                session.out((adopts() ? "Adopted " : "Dropped ") + orphan.getName() + " on " + orphan.getMachineId());
                return true;
            } catch (FleetClientException e) {
                session.err("Error settling " + orphan.getName() + ": " + e.getMessage());
                return false;
            }
        }
    }

    static final class Adopt extends Settle {
        Adopt(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            super.describe(syntax);
            syntax.command("adopt", "Make orphans units of the cluster, where and as they run; nothing is restarted");
        }

        @Override
        boolean adopts() {
            return true;
        }
    }

    static final class Drop extends Settle {
        Drop(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            super.describe(syntax);
            syntax.command("drop", "Have orphans stopped and removed from their machines");
        }

        @Override
        boolean adopts() {
            return false;
        }
    }
}
