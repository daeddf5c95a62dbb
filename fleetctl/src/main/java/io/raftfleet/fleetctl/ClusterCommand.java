package io.raftfleet.fleetctl;

import io.raftfleet.client.Endpoint;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.cluster.EngineInfo;
import io.raftfleet.proto.cluster.EngineRole;
import io.raftfleet.proto.cluster.StatusResponse;
import io.raftfleet.proto.cluster.TakeSnapshotResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** {@code cluster}: for operators of the engines. Not in fleet, whose engines had no cluster of their own. */
final class ClusterCommand extends CommandGroup {
    ClusterCommand(Session session) {
        super(session);
    }

    /** How each engine, of the endpoints and of the members that these name, sees the cluster. Exit code 1 when an engine does not answer, or none leads. */
    static final class StatusOfEngines extends FleetCommand {
        private static final int DIGEST_BYTES = 6;

        boolean json;

        StatusOfEngines(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "status",
                    "Show every engine: its role, how far it is, how much it keeps, and a digest of its registry",
                    "",
                    "Asks each endpoint, and each other member that they name, by itself, so it works without a quorum. The exit code is 1"
                            + " when an engine does not answer or when none leads.");
            syntax.add(Syntax.yesOrNo(given -> json = given, "--json")
                    .description("Print everything known as a JSON array, one object an endpoint."));
        }

        @Override
        public Integer call() {
            var answers = new LinkedHashMap<Endpoint, StatusResponse>();
            var refusals = new LinkedHashMap<Endpoint, String>();
            FleetClient client = session.client();
            ask(client, answers, refusals);
            var others = membersNotAsked(answers, refusals.keySet());
            if (!others.isEmpty()) {
                try (var more = session.client(List.copyOf(others.keySet()))) {
                    ask(more, answers, refusals);
                }
            }
            var asked = new ArrayList<Endpoint>(client.options().endpoints());
            asked.addAll(others.keySet());
            var ids = new HashMap<Endpoint, String>(others);
            members(answers.values()).forEach(member -> endpoint(member).ifPresent(at -> ids.put(at, member.getId())));
            var rows = new ArrayList<Map<String, @Nullable Object>>();
            var table = new Table();
            // How far the cluster is, as far as those that answer know.
            long commit = answers.values().stream()
                    .mapToLong(StatusResponse::getCommitIndex)
                    .max()
                    .orElse(0);
            table.add(
                    "ENGINE",
                    "ENDPOINT",
                    "VERSION",
                    "FORMAT",
                    "ROLE",
                    "TERM",
                    "COMMIT",
                    "APPLIED",
                    "LAG",
                    "SNAPSHOT",
                    "DISK",
                    "MEMORY",
                    "UNITS",
                    "MACHINES",
                    "DIGEST");
            boolean led = false;
            for (Endpoint asking : asked) {
                String endpoint = asking.toString();
                StatusResponse status = answers.get(asking);
                if (status != null) {
                    led |= status.getSelf().getRole() == EngineRole.ENGINE_ROLE_LEADER;
                    rows.add(row(endpoint, status, commit));
                    table.add(cells(endpoint, status, commit));
                } else {
                    var row = new LinkedHashMap<String, @Nullable Object>();
                    row.put("endpoint", endpoint);
                    if (ids.containsKey(asking)) {
                        row.put("id", ids.get(asking));
                    }
                    row.put("error", refusals.get(asking));
                    rows.add(row);
                    table.add(
                            ids.getOrDefault(asking, "-"),
                            endpoint,
                            "-",
                            "-",
                            "unreachable",
                            "-",
                            "-",
                            "-",
                            "-",
                            "-",
                            "-",
                            "-",
                            "-",
                            "-",
                            "-");
                    if (!json) {
                        session.err(String.valueOf(refusals.get(asking)));
                    }
                }
            }
            if (json) {
                JsonOutput.print(session.terminal().out(), rows);
            } else {
                table.print(session.terminal().out());
                heldBack(answers.values()).ifPresent(session::out);
                awaited(answers.values()).ifPresent(session::out);
                MemoryWords.near(answers.values()).ifPresent(session::out);
                answers.values().forEach(status -> MirrorWords.of(status).ifPresent(session::out));
                if (!led) {
                    session.err("None of these engines leads: writes wait until a majority of the engines is up");
                }
            }
            return led && refusals.isEmpty() ? 0 : 1;
        }

        private static void ask(
                FleetClient client, Map<Endpoint, StatusResponse> answers, Map<Endpoint, String> refusals) {
            var asked = new LinkedHashMap<Endpoint, CompletableFuture<StatusResponse>>();
            client.options().endpoints().forEach(endpoint -> asked.put(endpoint, client.statusAsync(endpoint)));
            asked.forEach((endpoint, answer) -> {
                try {
                    answers.put(endpoint, FleetClient.join(answer));
                } catch (FleetClientException e) {
                    refusals.put(endpoint, String.valueOf(e.getMessage()));
                }
            });
        }

        /** The cluster's engines as the one says that is furthest. */
        private static List<EngineInfo> members(Collection<StatusResponse> answers) {
            return answers.stream()
                    .max(Comparator.comparingLong(StatusResponse::getTerm)
                            .thenComparingLong(StatusResponse::getCommitIndex))
                    .map(StatusResponse::getEnginesList)
                    .orElse(List.of());
        }

        /** Engines that belong to the cluster, too, with their ids. */
        private static Map<Endpoint, String> membersNotAsked(
                Map<Endpoint, StatusResponse> answers, Collection<Endpoint> silent) {
            var answered = answers.values().stream()
                    .map(status -> status.getSelf().getId())
                    .collect(Collectors.toSet());
            var others = new LinkedHashMap<Endpoint, String>();
            for (EngineInfo member : members(answers.values())) {
                if (!answered.contains(member.getId())) {
                    endpoint(member).filter(at -> !silent.contains(at)).ifPresent(at -> others.put(at, member.getId()));
                }
            }
            return others;
        }

        private static Optional<Endpoint> endpoint(EngineInfo member) {
            try {
                return Optional.of(Endpoint.parse(member.getGrpcAddress()));
            } catch (IllegalArgumentException e) {
                return Optional.empty();
            }
        }

        /** An engine that does not say which format it reads is of the time when there was one. */
        private static int format(StatusResponse status) {
            return Math.max(1, status.getEntryFormat());
        }

        /** What the cluster writes, when an engine could read more. */
        private static Optional<String> heldBack(Collection<StatusResponse> answers) {
            int agreed = answers.stream()
                    .mapToInt(StatusResponse::getAgreedEntryFormat)
                    .max()
                    .orElse(0);
            int newest =
                    answers.stream().mapToInt(StatusOfEngines::format).max().orElse(0);
            return agreed == 0 || agreed >= newest
                    ? Optional.empty()
                    : Optional.of("The cluster writes entry format " + agreed + ", as not all its engines read "
                            + newest + ": what needs that is refused until they do");
        }

        /** For whom starts wait, as the engine says that is furthest. */
        private static Optional<String> awaited(Collection<StatusResponse> answers) {
            return answers.stream()
                    .max(Comparator.comparingLong(StatusResponse::getAppliedIndex))
                    .filter(status -> status.getAwaitedMachines() > 0)
                    .map(status -> "The registry was restored: units that do not run are started once "
                            + status.getAwaitedMachines() + " machines have told what they run, or count as lost: "
                            + String.join(", ", status.getAwaitedList())
                            + (status.getAwaitedMachines() > status.getAwaitedCount() ? ", ..." : ""));
        }

        private static String role(EngineInfo engine) {
            return engine.getRole().name().substring("ENGINE_ROLE_".length()).toLowerCase(Locale.ROOT);
        }

        private static String[] cells(String endpoint, StatusResponse status, long commit) {
            String digest = Words.hash(status.getRegistryDigest(), true);
            return new String[] {
                status.getSelf().getId(),
                endpoint,
                status.getVersion().isEmpty() ? "-" : status.getVersion(),
                Integer.toString(format(status)),
                role(status.getSelf()),
                Long.toString(status.getTerm()),
                Long.toString(status.getCommitIndex()),
                Long.toString(status.getAppliedIndex()),
                Long.toString(lag(status, commit)),
                Long.toString(status.getSnapshotIndex()),
                mebibytes(status.getLogBytes() + status.getSnapshotBytes()),
                MemoryWords.cell(status),
                Integer.toString(status.getUnits()),
                Integer.toString(status.getMachines()),
                digest.substring(0, Math.min(2 * DIGEST_BYTES, digest.length()))
            };
        }

        /** Entries that the cluster has committed and this engine has yet to apply. */
        private static long lag(StatusResponse status, long commit) {
            long applied = Math.max(status.getAppliedIndex(), status.getLogAppliedIndex());
            return Math.max(0, commit - applied);
        }

        private static String mebibytes(long bytes) {
            return String.format(Locale.ROOT, "%.1fM", bytes / (double) (1 << 20));
        }

        private static Map<String, @Nullable Object> row(String endpoint, StatusResponse status, long commit) {
            var row = new LinkedHashMap<String, @Nullable Object>();
            row.put("endpoint", endpoint);
            row.put("id", status.getSelf().getId());
            row.put("version", status.getVersion());
            row.put("entryFormat", format(status));
            row.put("agreedEntryFormat", status.getAgreedEntryFormat());
            row.put("role", role(status.getSelf()));
            row.put("clusterId", status.getClusterId());
            row.put("incarnation", Long.toUnsignedString(status.getIncarnation(), 16));
            row.put("term", status.getTerm());
            row.put("commitIndex", status.getCommitIndex());
            row.put("appliedIndex", status.getAppliedIndex());
            row.put("lag", lag(status, commit));
            row.put("snapshotIndex", status.getSnapshotIndex());
            row.put("logBytes", status.getLogBytes());
            row.put("snapshotBytes", status.getSnapshotBytes());
            row.put("registryDigest", Words.hash(status.getRegistryDigest(), true));
            row.put("units", status.getUnits());
            row.put("machines", status.getMachines());
            row.put("unitStates", status.getUnitStates());
            if (status.hasMemory()) {
                row.put("memory", MemoryWords.row(status.getMemory()));
            }
            if (status.hasMirror()) {
                row.put("mirror", MirrorWords.row(status.getMirror()));
            }
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
            if (engine.hasSilentMs()) {
                row.put("silentMs", engine.getSilentMs());
            }
            return row;
        }
    }

    /** Hands leadership over. */
    static final class TransferLeader extends FleetCommand {
        @Nullable
        String engine;

        TransferLeader(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "transfer-leader",
                    "Hand leadership to an engine, or to whichever is most up to date when none is named");
            syntax.add(Syntax.argument(String.class, given -> engine = given)
                    .arity("0..1")
                    .paramLabel("ENGINE"));
        }

        @Override
        public Integer call() {
            String wanted = engine == null ? "" : engine;
            if (engine != null && engine.isEmpty()) {
                throw new CommandException(
                        "an empty word names no engine: leave it out for whichever is most up to date");
            }
            String before = "";
            try {
                before = session.client().version().getLeaderId();
                session.out("Engine "
                        + session.client().transferLeader(wanted, before).getLeaderId() + " leads");
                return 0;
            } catch (FleetClientException e) {
                String now = leaderNow();
                // The answer may have been lost, and the engine asked again may not lead any more.
                if (!now.isEmpty()
                        && !before.isEmpty()
                        && (wanted.isEmpty() ? !now.equals(before) : now.equals(wanted))) {
                    session.out("Engine " + now + " leads");
                    return 0;
                }
                throw new CommandException(
                        "Error transferring leadership: " + e.getMessage()
                                + (now.isEmpty()
                                        ? "; which engine leads now is not known"
                                        : "; engine " + now + " leads"),
                        e);
            }
        }

        private String leaderNow() {
            try {
                return session.client().version().getLeaderId();
            } catch (FleetClientException unknown) {
                return "";
            }
        }
    }

    /** Takes checkpoints. */
    static final class Snapshot extends FleetCommand {
        /** A checkpoint of a million units takes a while. */
        private static final Duration TIMEOUT = Duration.ofMinutes(2);

        Snapshot(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command("snapshot", "Take a checkpoint on every endpoint's engine now, and purge the log behind it");
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

    @Override
    void describe(Syntax syntax) {
        syntax.command("cluster", "Look at and operate the engines, and say who may use them no more");
    }
}
