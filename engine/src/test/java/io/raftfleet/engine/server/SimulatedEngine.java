package io.raftfleet.engine.server;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessServerBuilder;
import io.raftfleet.engine.access.Authorization;
import io.raftfleet.engine.control.Controller;
import io.raftfleet.engine.control.DecisionThread;
import io.raftfleet.engine.control.LocalWrites;
import io.raftfleet.engine.control.NoMetrics;
import io.raftfleet.engine.session.AgentGatewayService;
import io.raftfleet.engine.session.LeadershipCheck;
import io.raftfleet.engine.session.LivenessMonitor;
import io.raftfleet.engine.session.LogBroker;
import io.raftfleet.engine.session.Sessions;
import io.raftfleet.engine.session.SharedConfirmations;
import io.raftfleet.proto.fleet.VersionResponse;
import io.raftfleet.state.Registry;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.unit.tasks.Ticker;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** An engine put together as {@link Engine} does it, on a log, a clock and an executor that a simulation gives it. */
public final class SimulatedEngine {
    public static final Duration TTL = Duration.ofSeconds(6);
    private static final Duration HEARTBEAT = Duration.ofSeconds(1);
    private static final Duration SILENCE = Duration.ofMillis(2500);

    /** What Raft does for an engine. */
    public interface Raft extends Controller.Proposer {
        CompletableFuture<?> confirm();

        CompletableFuture<Long> readIndex();

        @Nullable
        EnginePeer leader();

        long term();

        void handOver();
    }

    private final Registry registry = new Registry(1 << 16);
    private final LeaderRoute route;
    private final Controller controller;
    private final DecisionThread decisions;
    private final Sessions sessions;
    private final AgentGatewayService gateway;
    private final Server server;

    /**
     * An engine that answers at the in-process server {@code name}.
     *
     * @param tasks of its process, in which all but its decisions is done
     * @param wire the same for calls
     */
    public SimulatedEngine(
            EnginePeer self,
            String name,
            Raft raft,
            ScheduledExecutorService tasks,
            Executor wire,
            LongSupplier nanos,
            LongSupplier millis,
            RandomGenerator random,
            Function<String, ManagedChannel> channels) {
        route = new LeaderRoute(self.id(), channels);
        controller = new Controller(
                new Controller.Inputs(
                        self.id(), registry, raft, () -> Instant.ofEpochMilli(millis.getAsLong()), random),
                new Leadership(tasks),
                new NoMetrics(),
                tasks);
        decisions = new DecisionThread(controller);
        var timing = new Sessions.Timing(TTL, HEARTBEAT, SILENCE);
        var check = new SharedConfirmations(new Check(raft), timing.betweenConfirmations(), tasks);
        sessions = new Sessions("sim", registry, controller, check, timing, nanos, tasks);
        Reads.ReadIndex readIndex = deadline -> raft.readIndex();
        var watches = new Watches(registry, readIndex, tasks);
        var logs = new LogBroker(sessions, random, tasks);
        var api = new RoutedFleetApi(
                new LocalWrites(controller, LocalWrites.AfterCommit.NOTHING),
                new Reads(registry, readIndex, controller::explain, tasks),
                route,
                () -> null,
                tasks,
                tasks,
                random);
        gateway = new AgentGatewayService("sim", registry, sessions, logs, check);
        server = InProcessServerBuilder.forName(name)
                .executor(wire)
                .scheduledExecutorService(tasks)
                .intercept(FleetService.interceptor())
                .intercept(Authorization.none())
                .addService(new FleetService(
                        api, watches, new UnitLogs(registry, logs, route), VersionResponse::getDefaultInstance))
                .addService(gateway)
                .build();
        registry.addListener(sessions);
        registry.addListener(watches);
        var ticker = new Ticker(tasks, nanos);
        watches.start(ticker);
        new LivenessMonitor(registry, controller, sessions, nanos, raft::handOver).start(ticker);
        ticker.start();
    }

    public void start() {
        try {
            server.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        controller.start();
    }

    public Registry registry() {
        return registry;
    }

    /** Its decision thread, to be held while something is done to the engine. */
    public DecisionThread decisions() {
        return decisions;
    }

    public void leaderChanged(EnginePeer leader) {
        route.leaderChanged(leader);
    }

    public void leaderStarted(long term) {
        controller.leaderStarted(term);
        route.ready();
    }

    public void leaderStopped() {
        controller.leaderStopped();
    }

    /** Its process is gone. */
    public void kill() {
        decisions.release();
        server.shutdownNow();
        controller.close();
    }

    private final class Leadership implements Controller.LeadershipListener {
        private final ScheduledExecutorService tasks;

        Leadership(ScheduledExecutorService tasks) {
            this.tasks = tasks;
        }

        @Override
        public void leading(long term) {
            sessions.begin(term);
            tasks.execute(gateway::announceLeadership);
        }

        @Override
        public void resigned(long term) {
            sessions.end();
        }
    }

    private record Check(Raft raft) implements LeadershipCheck {
        @Override
        public CompletableFuture<?> confirm() {
            return raft.confirm();
        }

        @Override
        public String leaderGrpc() {
            var leader = raft.leader();
            return leader == null ? "" : leader.grpcAddress();
        }

        @Override
        public long term() {
            return raft.term();
        }
    }
}
