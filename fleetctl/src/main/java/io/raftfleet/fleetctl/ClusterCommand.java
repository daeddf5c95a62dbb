package io.raftfleet.fleetctl;

import io.raftfleet.fleetctl.client.Endpoint;
import io.raftfleet.fleetctl.client.FleetClient;
import io.raftfleet.fleetctl.client.FleetClientException;
import io.raftfleet.proto.cluster.EngineInfo;
import io.raftfleet.proto.cluster.EngineRole;
import io.raftfleet.proto.cluster.StatusResponse;
import io.raftfleet.proto.cluster.TakeSnapshotResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code cluster}: for operators of the engines. Not in fleet, whose engines had no cluster of their own. */
@Command(
        name = "cluster",
        abbreviateSynopsis = true,
        description = "Look at and operate the engines: status, transfer-leader, snapshot",
        synopsisSubcommandLabel = "COMMAND")
final class ClusterCommand extends FleetCommand {
    ClusterCommand(Session session) {
        super(session);
    }

    @Override
    public Integer call() {
        session.err(
                "Which one? fleetctl cluster status, fleetctl cluster transfer-leader, or fleetctl cluster snapshot");
        return 2;
    }

    /** How each endpoint's engine sees the cluster. Exit code 1 when an endpoint does not answer, or none of them leads. */
    @Command(
            name = "status",
            abbreviateSynopsis = true,
            description = {
                "Show every engine: its role, how far it is, and a digest of its registry",
                "",
                "Asks each endpoint by itself, so it works without a quorum. The exit code is 1 when an endpoint does not answer or"
                        + " when no engine leads."
            })
    static final class StatusOfEngines extends FleetCommand {
        private static final int DIGEST_BYTES = 6;

        @Option(
                names = "--json",
                arity = "0..1",
                fallbackValue = "true",
                paramLabel = "",
                hideParamSyntax = true,
                description = "Print everything known as a JSON array, one object an endpoint.")
        boolean json;

        StatusOfEngines(Session session) {
            super(session);
        }

        @Override
        public Integer call() {
            var asked = new LinkedHashMap<Endpoint, CompletableFuture<StatusResponse>>();
            FleetClient client = session.client();
            for (Endpoint endpoint : client.options().endpoints()) {
                asked.put(endpoint, client.statusAsync(endpoint));
            }
            var rows = new ArrayList<Map<String, @Nullable Object>>();
            var table = new Table();
            table.add(
                    "ENGINE",
                    "ENDPOINT",
                    "ROLE",
                    "TERM",
                    "COMMIT",
                    "APPLIED",
                    "SNAPSHOT",
                    "UNITS",
                    "MACHINES",
                    "DIGEST");
            boolean led = false;
            boolean allAnswered = true;
            for (var entry : asked.entrySet()) {
                String endpoint = entry.getKey().toString();
                try {
                    StatusResponse status = FleetClient.join(entry.getValue());
                    led |= status.getSelf().getRole() == EngineRole.ENGINE_ROLE_LEADER;
                    rows.add(row(endpoint, status));
                    table.add(cells(endpoint, status));
                } catch (FleetClientException e) {
                    allAnswered = false;
                    var row = new LinkedHashMap<String, @Nullable Object>();
                    row.put("endpoint", endpoint);
                    row.put("error", e.getMessage());
                    rows.add(row);
                    table.add("-", endpoint, "unreachable", "-", "-", "-", "-", "-", "-", "-");
                    if (!json) {
                        session.err(String.valueOf(e.getMessage()));
                    }
                }
            }
            if (json) {
                JsonOutput.print(session.terminal().out(), rows);
            } else {
                table.print(session.terminal().out());
                if (!led) {
                    session.err("None of these engines leads: writes wait until a majority of the engines is up");
                }
            }
            return led && allAnswered ? 0 : 1;
        }

        private static String role(EngineInfo engine) {
            return engine.getRole().name().substring("ENGINE_ROLE_".length()).toLowerCase(Locale.ROOT);
        }

        private static String[] cells(String endpoint, StatusResponse status) {
            String digest = Words.hash(status.getRegistryDigest(), true);
            return new String[] {
                status.getSelf().getId(),
                endpoint,
                role(status.getSelf()),
                Long.toString(status.getTerm()),
                Long.toString(status.getCommitIndex()),
                Long.toString(status.getAppliedIndex()),
                Long.toString(status.getSnapshotIndex()),
                Integer.toString(status.getUnits()),
                Integer.toString(status.getMachines()),
                digest.substring(0, Math.min(2 * DIGEST_BYTES, digest.length()))
            };
        }

        private static Map<String, @Nullable Object> row(String endpoint, StatusResponse status) {
            var row = new LinkedHashMap<String, @Nullable Object>();
            row.put("endpoint", endpoint);
            row.put("id", status.getSelf().getId());
            row.put("role", role(status.getSelf()));
            row.put("clusterId", status.getClusterId());
            row.put("incarnation", Long.toUnsignedString(status.getIncarnation(), 16));
            row.put("term", status.getTerm());
            row.put("commitIndex", status.getCommitIndex());
            row.put("appliedIndex", status.getAppliedIndex());
            row.put("snapshotIndex", status.getSnapshotIndex());
            row.put("registryDigest", Words.hash(status.getRegistryDigest(), true));
            row.put("units", status.getUnits());
            row.put("machines", status.getMachines());
            row.put("unitStates", status.getUnitStates());
            row.put(
                    "engines",
                    status.getEnginesList().stream()
                            .map(StatusOfEngines::engine)
                            .toList());
            return row;
        }

        private static Map<String, Object> engine(EngineInfo engine) {
            var row = new LinkedHashMap<String, Object>();
            row.put("id", engine.getId());
            row.put("role", role(engine));
            row.put("raft", engine.getRaftAddress());
            row.put("grpc", engine.getGrpcAddress());
            row.put("http", engine.getHttpAddress());
            row.put("matchIndex", engine.getMatchIndex());
            return row;
        }
    }

    /** Hands leadership over. */
    @Command(
            name = "transfer-leader",
            abbreviateSynopsis = true,
            description = "Hand leadership to an engine, or to whichever is most up to date when none is named")
    static final class TransferLeader extends FleetCommand {
        @Parameters(paramLabel = "ENGINE", arity = "0..1")
        @Nullable
        String engine;

        TransferLeader(Session session) {
            super(session);
        }

        @Override
        public Integer call() {
            String wanted = engine == null ? "" : engine;
            try {
                session.out("Engine " + session.client().transferLeader(wanted).getLeaderId() + " leads");
                return 0;
            } catch (FleetClientException e) {
                throw new CommandException("Error transferring leadership: " + e.getMessage(), e);
            }
        }
    }

    /** Takes checkpoints. */
    @Command(
            name = "snapshot",
            abbreviateSynopsis = true,
            description = "Take a checkpoint on every endpoint's engine now, and purge the log behind it")
    static final class Snapshot extends FleetCommand {
        /** A checkpoint of a million units takes a while. */
        private static final Duration TIMEOUT = Duration.ofMinutes(2);

        Snapshot(Session session) {
            super(session);
        }

        @Override
        public Integer call() {
            FleetClient client = session.client();
            var asked = new LinkedHashMap<Endpoint, CompletableFuture<TakeSnapshotResponse>>();
            List<Endpoint> endpoints = client.options().endpoints();
            endpoints.forEach(endpoint -> asked.put(endpoint, client.takeSnapshotAsync(endpoint, TIMEOUT)));
            int exit = 0;
            for (var entry : asked.entrySet()) {
                try {
                    session.out("Engine at " + entry.getKey() + " has a checkpoint at index "
                            + FleetClient.join(entry.getValue()).getIndex());
                } catch (FleetClientException e) {
                    exit = 1;
                    session.err("Engine at " + entry.getKey() + " took no checkpoint: " + e.getMessage());
                }
            }
            return exit;
        }
    }
}
