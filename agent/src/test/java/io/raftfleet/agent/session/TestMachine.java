package io.raftfleet.agent.session;

import io.raftfleet.agent.hollow.HollowUnitManager;
import io.raftfleet.agent.loop.Loop;
import io.raftfleet.agent.loop.SharedLoop;
import io.raftfleet.agent.reconcile.FileJournal;
import io.raftfleet.agent.reconcile.Reconciler;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A machine with a real session over the loopback. Its agent can be ended and started again; the machine stays. */
final class TestMachine implements AutoCloseable {
    static final String ID = "0123456789abcdef0123456789abcdef";
    static final SessionConfig.Limits LIMITS = new SessionConfig.Limits(
            Duration.ofMillis(5),
            Duration.ofMillis(50),
            Duration.ofMillis(50),
            Duration.ofSeconds(3),
            Duration.ZERO,
            3,
            Duration.ofMillis(10),
            Duration.ofSeconds(5),
            4,
            2);

    final HollowUnitManager manager;
    final List<String> fatal = new CopyOnWriteArrayList<>();
    final ClusterMemory.Keeper memory = ClusterMemory.Keeper.inMemory();
    private final Path journalFile;
    List<String> engines;
    private final Loop managerLoop;
    private final ExecutorService pool = Executors.newFixedThreadPool(2);
    private final ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();
    private final List<Closeable> held = new ArrayList<>();

    @Nullable
    SessionKeeper session;

    private long instance;
    private Duration welcome = LIMITS.welcome();

    private static final DialedChannels CHANNELS = new DialedChannels(Optional.empty());

    TestMachine(Path folder, List<String> engines) {
        this.journalFile = folder.resolve("journal");
        this.engines = engines;
        this.managerLoop = new SharedLoop(pool, scheduler);
        this.manager = new HollowUnitManager(managerLoop, "b".repeat(32), Clock.systemUTC());
    }

    /** How long an engine may take to answer, for agents that are started from now on. */
    void welcomeWithin(Duration limit) {
        welcome = limit;
    }

    SessionKeeper startAgent() throws IOException {
        instance++;
        EngineChannels channels = new EngineChannels(CHANNELS, engines);
        FileJournal journal = FileJournal.open(journalFile);
        ReportQueue reports = new ReportQueue(4);
        SplittableRandom random = new SplittableRandom(instance);
        CompletableFuture<SessionKeeper> keeper = new CompletableFuture<>();
        Reconciler reconciler = new Reconciler(
                managerLoop,
                manager,
                journal,
                reports,
                new ContentsStore(1 << 20),
                hashes -> keeper.join().fetch(hashes),
                random);
        SessionKeeper started = new SessionKeeper(
                managerLoop,
                new LeaderFinder(channels, Duration.ofSeconds(1)),
                new SessionConfig(ID, "127.0.0.1", Map.of("host", "h1"), "test", instance, limits()),
                new MachineSide(reconciler, reports, manager),
                memory,
                fatal::add,
                random);
        keeper.complete(started);
        session = started;
        held.add(journal::close);
        held.add(channels::close);
        LeaderNews news = new LeaderNews(channels, scheduler, random.split());
        news.add(started::heard);
        reconciler.start(() -> {
            started.start();
            news.start();
        });
        return started;
    }

    private SessionConfig.Limits limits() {
        return new SessionConfig.Limits(
                LIMITS.retryFirst(),
                LIMITS.retryLimit(),
                LIMITS.foreignRetry(),
                welcome,
                LIMITS.settled(),
                LIMITS.duplicateTries(),
                LIMITS.duplicateRetry(),
                LIMITS.fetch(),
                LIMITS.reportsInFlight(),
                LIMITS.logs());
    }

    /** Ends the agent; units keep running. */
    void stopAgent() throws IOException {
        if (session != null) {
            session.stop().orTimeout(10, TimeUnit.SECONDS).join();
            session = null;
        }
        for (Closeable resource : held.reversed()) {
            resource.close();
        }
        held.clear();
    }

    int pid(String unit) throws Exception {
        return manager.states()
                .thenApply(states -> {
                    var state = states.get(unit);
                    return state == null ? 0 : state.mainPid();
                })
                .get();
    }

    @Override
    public void close() throws IOException {
        stopAgent();
        scheduler.shutdownNow();
        pool.shutdownNow();
    }
}
