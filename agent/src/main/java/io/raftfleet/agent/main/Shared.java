package io.raftfleet.agent.main;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.raftfleet.agent.loop.Loop;
import io.raftfleet.agent.loop.SharedLoop;
import io.raftfleet.agent.session.ChannelFactory;
import io.raftfleet.agent.session.ContentsStore;
import io.raftfleet.agent.session.EngineChannels;
import io.raftfleet.agent.session.LeaderFinder;
import io.raftfleet.agent.session.LeaderNews;
import io.raftfleet.traces.Traces;
import io.raftfleet.unit.tasks.WatchedTimer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What all machines of a process share: channels, threads, unit files. Safe for use by any thread. */
public final class Shared implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Shared.class);

    private static final Duration FIND_LIMIT = Duration.ofSeconds(1);

    /** Of unit files held in memory; 8 MiB of text in all. */
    private static final long MAX_CONTENTS = 8L << 20;

    private final EngineChannels engines;
    private final LeaderFinder finder;
    private final LeaderNews news;
    private final ContentsStore contents;
    private final ExecutorService pool;
    private final WatchedTimer scheduler;
    private final ExecutorService files;
    private final boolean ownsThreads;
    private final Optional<Traces> traces;

    @GuardedBy("this")
    private final SplittableRandom seeds;

    /** Without traces. */
    public Shared(ChannelFactory channels, List<String> engines, int threads) {
        this(channels, engines, threads, Optional.empty());
    }

    /**
     * Threads are made as they are needed.
     *
     * @param engines addresses, each {@code host:port}
     * @param threads that the machines' loops run on
     * @param traces of what the machines are ordered; empty for none
     */
    public Shared(ChannelFactory channels, List<String> engines, int threads, Optional<Traces> traces) {
        this.traces = traces;
        this.engines = new EngineChannels(channels, engines);
        this.finder = new LeaderFinder(this.engines, FIND_LIMIT);
        this.contents = new ContentsStore(MAX_CONTENTS);
        this.ownsThreads = true;
        this.pool = pool(threads);
        this.scheduler = new WatchedTimer(
                Thread.ofPlatform().name("timer").daemon(true).factory(),
                defect -> log.error("a timer of the agent failed; please report this", defect));
        this.files = latestWins();
        this.seeds = new SplittableRandom(new SecureRandom().nextLong());
        this.news = new LeaderNews(this.engines, scheduler, seeds.split());
    }

    private Shared(Shared with, ChannelFactory channels) {
        this.engines = new EngineChannels(channels, with.engines.configured());
        this.finder = new LeaderFinder(this.engines, FIND_LIMIT);
        this.traces = with.traces;
        this.contents = with.contents;
        this.ownsThreads = false;
        this.pool = with.pool;
        this.scheduler = with.scheduler;
        this.files = with.files;
        this.seeds = with.split();
        this.news = new LeaderNews(this.engines, scheduler, seeds.split());
    }

    /** For a machine that has a certificate of its own, and so channels of its own; all else it shares. To be closed first. */
    Shared with(ChannelFactory channels) {
        return new Shared(this, channels);
    }

    private synchronized SplittableRandom split() {
        return seeds.split();
    }

    /**
     * The threads of loops. Its queue has no bound of its own, and must not: a loop waits in it once, or once more for each thread
     * that hands in a task at the same moment, and a loop that is refused has lost that task.
     */
    static ExecutorService pool(int threads) {
        return Executors.newFixedThreadPool(
                threads, Thread.ofPlatform().name("machine-", 0).daemon(true).factory());
    }

    /** One thread that writes what it was given last: while it is busy, what comes later takes the place of what waits. */
    static ExecutorService latestWins() {
        ThreadPoolExecutor writer = new ThreadPoolExecutor(
                1,
                1,
                10,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(1),
                Thread.ofPlatform().name("files").daemon(true).factory(),
                new ThreadPoolExecutor.DiscardOldestPolicy());
        writer.allowCoreThreadTimeOut(true);
        return writer;
    }

    EngineChannels engines() {
        return engines;
    }

    /** Begins to listen to the engines. To be called once. */
    public void start() {
        news.start();
    }

    /** A loop for one more machine. */
    public Loop newLoop() {
        return new SharedLoop(pool, scheduler);
    }

    LeaderFinder finder() {
        return finder;
    }

    LeaderNews news() {
        return news;
    }

    Optional<Traces> traces() {
        return traces;
    }

    ContentsStore contents() {
        return contents;
    }

    /** Writes the one file in which this machine remembers its cluster, off the loops; the latest wins. */
    Executor files() {
        return files;
    }

    /** For one machine. */
    RandomGenerator random() {
        return split();
    }

    @Override
    public void close() {
        engines.close();
        if (!ownsThreads) {
            return;
        }
        scheduler.shutdownNow();
        files.shutdown();
        pool.shutdownNow();
    }
}
