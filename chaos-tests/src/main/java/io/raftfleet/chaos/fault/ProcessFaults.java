package io.raftfleet.chaos.fault;

import io.grpc.StatusRuntimeException;
import io.raftfleet.chaos.cluster.AgentNode;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.Daemon;
import io.raftfleet.chaos.cluster.Needs;
import io.raftfleet.client.FleetClientException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/** Processes are killed, paused, stopped in order, told to hand over; machines lose their bus. */
final class ProcessFaults {
    private static final Duration STOP_LIMIT = Duration.ofSeconds(30);

    private final Targets targets;
    private final Consumer<String> crashed;

    /** @param crashed told of each machine in memory that ends with its agent */
    ProcessFaults(Targets targets, Consumer<String> crashed) {
        this.targets = targets;
        this.crashed = crashed;
    }

    List<FaultSource> sources() {
        var cluster = targets.cluster();
        var noBus = cluster.agents().stream().allMatch(AgentNode::hollow) ? noBus() : "";
        return List.of(
                new SimpleSource("kill", "", this::kill),
                new SimpleSource("pause", "", this::pause),
                new SimpleSource("stop", "", this::stop),
                new SimpleSource("hand-over", "", random -> handOver(cluster, random)),
                new SimpleSource("agent-kill", "", this::agentKill),
                new SimpleSource("agent-pause", "", this::agentPause),
                new SimpleSource("bus-restart", noBus, this::busRestart));
    }

    private static String noBus() {
        var why = Cluster.systemdObstacle();
        return "machines in memory have no bus; "
                + (why.isEmpty() ? "use --unit-manager systemd" : "others can't run here: " + Needs.explained(why));
    }

    private Fault kill(RandomGenerator random) {
        var engine = targets.engine(random);
        return new SimpleFault(
                List.of(engine.id()),
                Set.of(engine.id()),
                "SIGKILL " + targets.show(engine),
                e -> engine.kill(),
                e -> engine.start());
    }

    private Fault pause(RandomGenerator random) {
        var engine = targets.engine(random);
        return paused(engine.id(), engine.daemon(), targets.show(engine));
    }

    private static Fault paused(String host, Daemon daemon, String shown) {
        long pid = daemon.pid();
        return new SimpleFault(List.of(host), Set.of(host), "SIGSTOP " + shown, e -> daemon.pause(), e -> {
            if (daemon.running() && daemon.pid() == pid) {
                daemon.resume();
            }
        });
    }

    private Fault stop(RandomGenerator random) {
        var engine = targets.engine(random);
        return new SimpleFault(
                List.of(engine.id()),
                Set.of(engine.id()),
                "SIGTERM " + targets.show(engine),
                e -> engine.stop(STOP_LIMIT),
                e -> engine.start());
    }

    private Fault handOver(Cluster cluster, RandomGenerator random) {
        var to = cluster.engines().get(random.nextInt(cluster.engines().size()));
        return new SimpleFault(
                List.of(),
                Set.of(),
                "leadership to " + to.id(),
                e -> {
                    try {
                        var unused = cluster.client().transferLeader(to.id());
                    } catch (FleetClientException | StatusRuntimeException refused) {
                        // It leads already, or is behind: then nothing happens, which is all right.
                    }
                },
                e -> {});
    }

    private Fault agentKill(RandomGenerator random) {
        var agent = targets.agent(random);
        return new SimpleFault(
                List.of(agent.name()),
                Set.of(agent.name()),
                "SIGKILL agent " + agent.name(),
                e -> {
                    agent.kill();
                    if (agent.hollow()) {
                        agent.machineIds().forEach(crashed);
                    }
                },
                e -> agent.start());
    }

    private Fault agentPause(RandomGenerator random) {
        var agent = targets.agent(random);
        return paused(agent.name(), agent.daemon(), "agent " + agent.name());
    }

    private Fault busRestart(RandomGenerator random) {
        var agent = targets.agent(random);
        return new SimpleFault(
                List.of(agent.name()),
                Set.of(),
                "SIGKILL the bus of " + agent.name(),
                e -> {
                    if (!agent.hollow()) {
                        var pid = agent.machine()
                                .property("MainPID", List.of("dbus.service"))
                                .getOrDefault("dbus.service", "0");
                        ProcessHandle.of(Long.parseLong(pid)).ifPresent(ProcessHandle::destroyForcibly);
                    }
                },
                e -> {});
    }
}
