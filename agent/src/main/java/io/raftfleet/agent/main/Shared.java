package io.raftfleet.agent.main;

import io.raftfleet.agent.loop.Loop;
import io.raftfleet.agent.loop.SharedLoop;
import io.raftfleet.agent.session.ChannelFactory;
import io.raftfleet.agent.session.ContentsStore;
import io.raftfleet.agent.session.EngineChannels;
import io.raftfleet.agent.session.LeaderFinder;
import io.raftfleet.agent.session.LeaderNews;
import io.raftfleet.unit.tasks.WatchedTimer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
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
    private final ContentsStore contents = new ContentsStore(MAX_CONTENTS);
    private final ExecutorService pool;
    private final WatchedTimer scheduler;
    private final ExecutorService files;
    private final SplittableRandom seeds;

    /**
     * Threads are made as they are needed.
     *
     * @param engines addresses, each {@code host:port}
     * @param threads that the machines' loops run on
     */
    public Shared(ChannelFactory channels, List<String> engines, int threads) {
        this.engines = new EngineChannels(channels, engines);
        this.finder = new LeaderFinder(this.engines, FIND_LIMIT);
        this.pool = Executors.newFixedThreadPool(
                threads, Thread.ofPlatform().name("machine-", 0).daemon(true).factory());
        this.scheduler = new WatchedTimer(
                Thread.ofPlatform().name("timer").daemon(true).factory(),
                defect -> log.error("a timer of the agent failed; please report this", defect));
        ThreadPoolExecutor writer = new ThreadPoolExecutor(
                1,
                1,
                10,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                Thread.ofPlatform().name("files").daemon(true).factory());
        writer.allowCoreThreadTimeOut(true);
        this.files = writer;
        this.seeds = new SplittableRandom(new SecureRandom().nextLong());
        this.news = new LeaderNews(this.engines, scheduler, seeds.split());
    }

    /** Begins to listen to the engines. To be called once. */
    public void start() {
        news.start();
    }

    /** A loop for one more machine. */
    public Loop newLoop() {
        return new SharedLoop(pool, scheduler);
    }

    EngineChannels engines() {
        return engines;
    }

    LeaderFinder finder() {
        return finder;
    }

    LeaderNews news() {
        return news;
    }

    ContentsStore contents() {
        return contents;
    }

    /** Writes small files, one after the other, off the loops. Few, one for each leader that a machine sees. */
    Executor files() {
        return files;
    }

    /** For one machine. */
    synchronized RandomGenerator random() {
        return seeds.split();
    }

    @Override
    public void close() {
        engines.close();
        scheduler.shutdownNow();
        files.shutdown();
        pool.shutdownNow();
    }
}
