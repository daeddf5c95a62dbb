package io.raftfleet.chaos.cluster;

import io.grpc.InsecureChannelCredentials;
import io.grpc.StatusRuntimeException;
import io.raftfleet.client.ClientOptions;
import io.raftfleet.client.Endpoint;
import io.raftfleet.client.FleetClient;
import io.raftfleet.proto.cluster.EngineRole;
import io.raftfleet.proto.cluster.StatusResponse;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.model.Machine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A cluster of real processes on this machine. Unless its options say where, its data lies in a temporary directory that goes with
 * it, and its logs stay below {@code chaos-tests/target/clusters}. Whatever happens to the test, its processes end with this process.
 *
 * <p>Nodes are added by one thread; everything else is safe from any.
 */
public final class Cluster implements AutoCloseable {
    private static final Duration STATUS_LIMIT = Duration.ofSeconds(2);
    private static final Duration END_LIMIT = Duration.ofSeconds(15);
    private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(10);
    private static final int LOG_LINES = 60;

    private final Path dir;
    private final Path logs;
    private final boolean ownDir;
    private final ClusterDaemons daemons;
    private final String clusterId = UUID.randomUUID().toString();
    private final @Nullable EtcdNode etcd;
    private final List<EngineNode> engines;
    private final List<AgentNode> agents = new CopyOnWriteArrayList<>();
    private final List<Daemon> strangers = new CopyOnWriteArrayList<>();
    private final Map<String, FleetClient> clients = new HashMap<>();
    private final Thread lastResort = new Thread(this::killAll);

    private Cluster(ClusterOptions options) {
        var programs = Programs.find();
        try {
            var place = options.place();
            ownDir = place == null;
            if (place == null) {
                // Short: unix sockets lie in it.
                dir = Files.createTempDirectory("fleet").toRealPath();
                logs = programs.root().resolve("chaos-tests/target/clusters").resolve(options.name());
                deleteTree(logs);
                Files.createDirectories(logs);
            } else {
                dir = place.dir();
                logs = place.logs();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("no directory for the cluster", e);
        }
        daemons = new ClusterDaemons(options, programs, dir, logs, clusterId);
        etcd = options.etcd() ? EtcdNode.of(options.hosts().etcd(dir), log -> logs.resolve(log)) : null;
        if (etcd != null) {
            daemons.mirrorTo(etcd);
        }
        var credentials = daemons.certificates()
                .map(certificates -> Certificates.credentials(certificates.admin()))
                .orElse(InsecureChannelCredentials.create());
        var addresses = new ArrayList<EngineAddresses>();
        for (int i = 1; i <= options.engines(); i++) {
            var id = "e" + i;
            addresses.add(EngineAddresses.free(id, daemons.engineHost(id).address(), dir.resolve(id + ".sock")));
        }
        engines = addresses.stream()
                .map(own -> {
                    var data = daemons.engineHost(own.id()).dataDir();
                    return new EngineNode(
                            own, data, daemons.engine(own.id(), own, data, clusterId, addresses), credentials);
                })
                .toList();
        Runtime.getRuntime().addShutdownHook(lastResort);
    }

    /** Starts everything and waits until the cluster takes writes and hears all agents. */
    public static Cluster start(ClusterOptions options) {
        var cluster = new Cluster(options);
        boolean up = false;
        try {
            cluster.etcd().ifPresent(EtcdNode::startReady);
            cluster.engines.forEach(EngineNode::start);
            cluster.addAgents(options.agents());
            cluster.awaitReady(Duration.ofSeconds(90));
            up = true;
            return cluster;
        } catch (NotInTimeException | AssertionError e) {
            throw new IllegalStateException(e.getMessage() + "\n" + cluster.logTails(), e);
        } finally {
            if (!up) {
                cluster.close();
            }
        }
    }

    /** Why machines with a systemd of their own can't run on this host; empty where they can. */
    public static String systemdObstacle() {
        return Obstacle.WHY;
    }

    private static final class Obstacle {
        static final String WHY = SystemdMachine.obstacle(Programs.find().systemdMachine());
    }

    // --- engines ---------------------------------------------------------------------------------------------------

    public String clusterId() {
        return clusterId;
    }

    /** By which its processes know each other; empty in plaintext. */
    public Optional<Certificates> certificates() {
        return daemons.certificates();
    }

    public List<EngineNode> engines() {
        return engines;
    }

    /** What the registry is mirrored to, if the cluster was made with one. */
    public Optional<EtcdNode> etcd() {
        return Optional.ofNullable(etcd);
    }

    public EngineNode engine(String id) {
        return engines.stream()
                .filter(engine -> engine.id().equals(id))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no engine " + id + " among " + engines));
    }

    /** Those that do not lead. */
    public List<EngineNode> followersOf(EngineNode leader) {
        return engines.stream().filter(engine -> engine != leader).toList();
    }

    /** The engine that leads: it says so, in the highest term that any engine knows. */
    public EngineNode awaitLeader(Duration limit) {
        return Await.get("one engine leads", limit, () -> {
            var answers = new HashMap<EngineNode, StatusResponse>();
            for (var engine : engines) {
                status(engine).ifPresent(answer -> answers.put(engine, answer));
            }
            long term = answers.values().stream()
                    .mapToLong(StatusResponse::getTerm)
                    .max()
                    .orElse(0);
            return answers.entrySet().stream()
                    .filter(e -> e.getValue().getTerm() == term && leads(e.getValue()))
                    .map(Map.Entry::getKey)
                    .findFirst();
        });
    }

    /** One more engine process, not started, that is no member by itself: for starts that are to be refused. */
    public Daemon strangeEngine(
            String name, EngineAddresses addresses, Path dataDir, String cluster, List<EngineAddresses> peers) {
        var daemon = daemons.engine(name, addresses, dataDir, cluster, peers);
        strangers.add(daemon);
        return daemon;
    }

    /** An engine's process as it would start on an empty disk after its first start: it may not form a cluster. */
    public Daemon withoutBootstrap(EngineNode engine) {
        return variant(engine.daemon(), List.of("--bootstrap"), List.of());
    }

    /** A process as it would start without some options and with others, into the same log. */
    public Daemon variant(Daemon process, List<String> without, List<String> with) {
        var command = new ArrayList<>(process.command());
        command.removeAll(without);
        command.addAll(with);
        var daemon = new Daemon(process.name(), command, process.log());
        strangers.add(daemon);
        return daemon;
    }

    /** Addresses that nothing listens on, for {@link #strangeEngine}. */
    public EngineAddresses freeAddresses(String id) {
        return EngineAddresses.free(id, "127.0.0.1", dir.resolve(id + "-" + Ports.free() + ".sock"));
    }

    /** A directory for whatever a test needs, removed with the cluster. */
    public Path scratch() {
        return dir;
    }

    /** Waits until all running engines have applied the same entries to the same registry; the status of one of them. */
    public StatusResponse awaitEqual(Duration limit) {
        return Await.get("all engines hold the same registry at the same index", limit, () -> {
            var answers = engines.stream()
                    .filter(engine -> engine.daemon().running())
                    .map(engine -> engine.status(STATUS_LIMIT))
                    .toList();
            var views = answers.stream()
                    .map(answer -> "index " + answer.getAppliedIndex() + " digest "
                            + HexFormat.of()
                                    .formatHex(answer.getRegistryDigest().toByteArray()))
                    .collect(Collectors.toSet());
            if (views.size() != 1) {
                throw new IllegalStateException("engines differ: " + views);
            }
            return Optional.of(answers.getFirst());
        });
    }

    // --- agents ----------------------------------------------------------------------------------------------------

    public List<AgentNode> agents() {
        return List.copyOf(agents);
    }

    /** The agent whose machine this is. */
    public AgentNode agentOf(String machineId) {
        return agents.stream()
                .filter(agent -> agent.machineIds().contains(machineId))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no agent has machine " + machineId));
    }

    /** Starts one more agent, and its machine; does not wait for its session. */
    public AgentNode addAgent(AgentSpec spec) {
        return addAgents(List.of(spec)).getFirst();
    }

    /** Kills an agent, and its machine, for good. */
    public void remove(AgentNode agent) {
        agents.remove(agent);
        agent.kill();
        agent.close();
    }

    private List<AgentNode> addAgents(List<AgentSpec> specs) {
        var machines = new HashMap<String, SystemdMachine>();
        for (var spec : specs) {
            if (spec.hollowMachines() == 0) {
                var machine = daemons.machine(spec);
                machines.put(spec.name(), machine);
                machine.start();
            }
        }
        var added = new ArrayList<AgentNode>();
        for (var spec : specs) {
            var machine = machines.get(spec.name());
            added.add(
                    machine == null ? daemons.hollow(spec, addresses()) : daemons.systemd(spec, machine, addresses()));
            agents.add(added.getLast());
        }
        added.forEach(AgentNode::start);
        return added;
    }

    // --- clients ---------------------------------------------------------------------------------------------------

    /** A client of all engines. */
    public FleetClient client() {
        return client("all", engines);
    }

    /** A client of one engine alone. */
    public FleetClient client(EngineNode engine) {
        return client(engine.id(), List.of(engine));
    }

    /** A client of some engines, the first preferred. */
    public FleetClient client(List<EngineNode> some) {
        return client(some.toString(), some);
    }

    private FleetClient client(String key, List<EngineNode> some) {
        synchronized (clients) {
            return clients.computeIfAbsent(key, k -> {
                List<Endpoint> endpoints =
                        some.stream().map(EngineNode::endpoint).toList();
                return new FleetClient(ClientOptions.of(endpoints)
                        .withTls(certificates().map(Certificates::admin).orElse(null))
                        .withRequestTimeout(REQUEST_TIMEOUT));
            });
        }
    }

    // --- waiting ---------------------------------------------------------------------------------------------------

    /**
     * Waits until every engine runs, knows the leader and holds on its disk all that was committed when this began, and every machine
     * of every agent is present.
     */
    public void awaitReady(Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        long committed = Await.get("every engine runs and knows the leader", limit, () -> {
            requireRunning(engines.stream().map(EngineNode::daemon));
            var answers = answers();
            return answers.stream().allMatch(Cluster::knowsLeader)
                    ? Optional.of(answers.stream()
                            .mapToLong(StatusResponse::getCommitIndex)
                            .max()
                            .orElseThrow())
                    : Optional.empty();
        });
        Await.until("every engine holds what was committed up to " + committed, left(deadline), () -> {
            requireRunning(engines.stream().map(EngineNode::daemon));
            return answers().stream().filter(Cluster::leads).anyMatch(leader -> holdAll(leader, committed));
        });
        awaitMachines(left(deadline));
    }

    private List<StatusResponse> answers() {
        return engines.stream().map(engine -> engine.status(STATUS_LIMIT)).toList();
    }

    /** By what they told the leader. */
    private static boolean holdAll(StatusResponse leader, long committed) {
        var behind = leader.getEnginesList().stream()
                .filter(engine -> engine.getMatchIndex() < committed)
                .map(engine -> engine.getId() + " at " + engine.getMatchIndex())
                .toList();
        if (!behind.isEmpty()) {
            throw new IllegalStateException("behind are " + behind);
        }
        return true;
    }

    private static Duration left(long deadline) {
        return Duration.ofNanos(Math.max(deadline - System.nanoTime(), 1));
    }

    /** Waits until every machine of every agent is present. */
    public void awaitMachines(Duration limit) {
        Await.until("all agents are in session", limit, () -> {
            requireRunning(agents.stream().map(AgentNode::daemon));
            var present = client().listMachines(ListMachinesRequest.getDefaultInstance()).rows().stream()
                    .map(Machine::getId)
                    .collect(Collectors.toSet());
            var missing = agents.stream()
                    .filter(agent -> !present.containsAll(agent.machineIds()))
                    .map(AgentNode::name)
                    .toList();
            if (!missing.isEmpty()) {
                throw new IllegalStateException("missing are the machines of " + missing);
            }
            return true;
        });
    }

    private static void requireRunning(Stream<Daemon> daemons) {
        daemons.filter(daemon -> !daemon.running()).findFirst().ifPresent(daemon -> {
            // Not worth waiting any longer.
            throw new AssertionError(daemon.name() + " has ended: " + daemon.tail(10));
        });
    }

    // --- logs ------------------------------------------------------------------------------------------------------

    /** The end of every process' log, for the message of a test that failed. */
    public String logTails() {
        var text = new StringBuilder("logs in " + logs + "\n");
        processes()
                .forEach(daemon -> text.append("--- ")
                        .append(daemon.name())
                        .append(daemon.running() ? "" : " (not running)")
                        .append('\n')
                        .append(daemon.tail(LOG_LINES))
                        .append('\n'));
        return text.toString();
    }

    // --- end -------------------------------------------------------------------------------------------------------

    @Override
    public void close() {
        synchronized (clients) {
            clients.values().forEach(FleetClient::close);
            clients.clear();
        }
        engines.forEach(EngineNode::close);
        killAll();
        processes().filter(Daemon::hasStarted).forEach(daemon -> {
            var unused = daemon.awaitExit(END_LIMIT);
        });
        agents.forEach(AgentNode::close);
        try {
            Runtime.getRuntime().removeShutdownHook(lastResort);
        } catch (IllegalStateException e) {
            // The virtual machine is on its way down already, the hook with it.
        }
        if (ownDir) {
            deleteTree(dir);
        }
    }

    /** Machines aside, which end by themselves when their parent, this process, is gone. */
    private void killAll() {
        processes().filter(Daemon::running).forEach(Daemon::kill);
    }

    private Stream<Daemon> processes() {
        return Stream.of(
                        engines.stream().map(EngineNode::daemon),
                        agents.stream().map(AgentNode::daemon),
                        strangers.stream(),
                        etcd().stream().map(EtcdNode::daemon))
                .flatMap(stream -> stream);
    }

    private static void deleteTree(Path root) {
        try (var files = Files.walk(root)) {
            var all = new ArrayList<>(files.toList());
            Collections.reverse(all);
            for (var file : all) {
                Files.deleteIfExists(file);
            }
        } catch (NoSuchFileException e) {
            // Nothing there.
        } catch (IOException e) {
            throw new UncheckedIOException("can't remove " + root, e);
        }
    }

    // --- answers ---------------------------------------------------------------------------------------------------

    private static Optional<StatusResponse> status(EngineNode engine) {
        try {
            return engine.daemon().running() ? Optional.of(engine.status(STATUS_LIMIT)) : Optional.empty();
        } catch (StatusRuntimeException e) {
            return Optional.empty();
        }
    }

    private static boolean knowsLeader(StatusResponse answer) {
        return answer.getEnginesList().stream().anyMatch(e -> e.getRole() == EngineRole.ENGINE_ROLE_LEADER);
    }

    private List<EngineAddresses> addresses() {
        return engines.stream().map(EngineNode::addresses).toList();
    }

    private static boolean leads(StatusResponse answer) {
        return answer.getSelf().getRole() == EngineRole.ENGINE_ROLE_LEADER;
    }
}
