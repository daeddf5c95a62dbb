package io.raftfleet.agent.main;

import io.raftfleet.agent.loop.Loop;
import io.raftfleet.agent.manager.LogSource;
import io.raftfleet.agent.manager.UnitManager;
import io.raftfleet.agent.metrics.MachineStatus;
import io.raftfleet.agent.reconcile.Journal;
import io.raftfleet.agent.reconcile.OrderTraces;
import io.raftfleet.agent.reconcile.Reconciler;
import io.raftfleet.agent.session.ClusterMemory;
import io.raftfleet.agent.session.LeaderNews;
import io.raftfleet.agent.session.Lease;
import io.raftfleet.agent.session.MachineSide;
import io.raftfleet.agent.session.ReportQueue;
import io.raftfleet.agent.session.SessionConfig;
import io.raftfleet.agent.session.SessionKeeper;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/** One machine of the cluster: its units, its reconciler, its session. Safe for use by any thread. */
public final class Machine {
    private final Loop loop;
    private final UnitManager manager;
    private final Reconciler reconciler;
    private final ReportQueue reports;
    private final SessionKeeper session;
    private final LeaderNews news;

    /**
     * A machine that does nothing until {@link #start}.
     *
     * @param shared what it shares with the other machines of the process
     * @param onFatal told why the agent must end
     */
    public Machine(
            Shared shared,
            Loop loop,
            SessionConfig config,
            UnitManager manager,
            LogSource logs,
            Journal journal,
            ClusterMemory.Keeper memory,
            Consumer<String> onFatal) {
        RandomGenerator random = shared.random();
        this.reports = new ReportQueue(config.limits().reportsInFlight(), loop::nanoTime);
        this.loop = loop;
        this.manager = manager;
        this.reconciler = new Reconciler(
                loop,
                manager,
                journal,
                reports,
                shared.contents(),
                this::fetch,
                random,
                shared.traces()
                        .map(traces -> new OrderTraces(traces, config.machineId()))
                        .orElse(null));
        this.session = new SessionKeeper(
                loop,
                shared.finder(),
                config,
                new MachineSide(reconciler, reports, logs.with(manager)),
                memory,
                onFatal,
                random);
        this.news = shared.news();
    }

    private Map<UnitHash, CompletableFuture<UnitFile>> fetch(List<UnitHash> hashes) {
        return session.fetch(hashes);
    }

    /** Takes over what runs here, then looks for the leader. */
    public void start() {
        reconciler.start(() -> {
            session.start();
            news.add(session::heard);
        });
    }

    /** Announces another address and other metadata to the cluster from now on; units are left alone until the cluster decides. */
    public void announce(String primaryIp, Map<String, String> metadata) {
        session.announce(primaryIp, metadata);
    }

    /** Ends the session in order and leaves all units running. */
    public CompletableFuture<Void> stop() {
        return session.stop();
    }

    /** Lets go of the manager and the journal; after {@link #stop}. */
    public void close() {
        reconciler.close();
    }

    /** Completes when an engine has welcomed this machine for the first time. */
    public CompletableFuture<Void> firstSession() {
        return session.firstSession();
    }

    /** Completes once this machine's loop, and after it its manager, have come to it: neither stands still then. */
    CompletableFuture<Void> answers() {
        return CompletableFuture.runAsync(() -> {}, loop).thenCompose(done -> manager.answers());
    }

    /** How it does, as its loop sees it. */
    CompletableFuture<MachineStatus> status() {
        return CompletableFuture.supplyAsync(
                () -> new MachineStatus(
                        session.inSession(),
                        session.sessions(),
                        reports.unacknowledged(),
                        reports.lag(),
                        reconciler.activeStates(),
                        reconciler.restarts()),
                loop);
    }

    /** How long the leader certainly counts this machine as present. */
    public Lease lease() {
        return session.lease();
    }
}
