package io.raftfleet.etcd;

import io.etcd.jetcd.Watch;
import io.raftfleet.etcd.MirrorWriter.Outpaced;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps etcd a copy of what is persistent in the registry, while this engine leads. One thread does all of it, and nothing
 * waits for that thread but who asks to: the registry tells only that there is something new. What is to be written is
 * always the difference to the watermark in etcd, so an outage of whatever length queues nothing. After any failure the
 * connection is made anew, after a pause that grows, and the watermark read again.
 */
public final class Mirror implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Mirror.class);

    /** Longest pause after a failure while writes wait for etcd: it should be found back soon. */
    private static final Duration LONGEST_SYNC_RETRY = Duration.ofSeconds(1);

    /**
     * How long things take.
     *
     * @param call how long etcd may take for an answer
     * @param linger changes within this time go together; of no effect in {@code sync} mode
     * @param verify how often all keys are compared
     * @param firstRetry pause after a failure
     * @param longestRetry longest pause between two tries
     */
    public record Timing(Duration call, Duration linger, Duration verify, Duration firstRetry, Duration longestRetry) {
        /** What an engine uses. */
        public static final Timing DEFAULT = new Timing(
                Duration.ofSeconds(10),
                Duration.ofMillis(100),
                Duration.ofMinutes(10),
                Duration.ofMillis(200),
                Duration.ofSeconds(30));
    }

    private final String clusterId;
    private final EtcdSettings settings;
    private final MirrorSource source;
    private final Timing timing;
    private final RandomGenerator random;
    private final Keys keys;
    private final EtcdClients clients;
    private final MirrorMonitor monitor;
    private final Thread thread;
    private final CatchUp catchUp;
    private final Comparison comparison;
    private volatile long term;
    private volatile boolean closed;

    // The thread's own.
    private long servedTerm;
    private @Nullable EtcdStore store;
    private @Nullable MirrorWriter writer;
    private @Nullable ForeignChanges foreign;
    private Watch.@Nullable Watcher watcher;
    private long watchedSince;
    private List<FileTime> credentials = List.of();
    private long verifiedAt;
    private boolean verify;
    private int failures;

    /** A mirror that does nothing before {@link #start}. */
    public Mirror(
            String clusterId,
            EtcdSettings settings,
            MirrorSource source,
            Timing timing,
            InstantSource clock,
            RandomGenerator random) {
        this.clusterId = clusterId;
        this.settings = settings;
        this.source = source;
        this.timing = timing;
        this.random = random;
        this.keys = new Keys(settings.prefix());
        this.clients = new EtcdClients(settings, timing.call());
        this.monitor = new MirrorMonitor(clock);
        this.catchUp = new CatchUp(source, monitor, this::goOn);
        this.comparison = new Comparison(source, catchUp, this::goOn);
        this.thread = Thread.ofPlatform().daemon().name("etcd-mirror").unstarted(this::run);
    }

    /** Begins, and says so if it will be of no use when its turn comes, as its certificates or password can't be used. */
    public void start() {
        try {
            clients.checkCredentials();
        } catch (EtcdException e) {
            log.warn("Nothing can be written to etcd by this engine until this is mended: {}", e.getMessage());
        }
        thread.start();
    }

    /** This engine leads: it writes the mirror from now on. */
    public void leading(long newTerm) {
        term = newTerm;
        LockSupport.unpark(thread);
    }

    /** Another engine's turn. A write that is under way holds only if no other leader has written yet. */
    public void resigned() {
        term = 0;
        monitor.resigned();
        LockSupport.unpark(thread);
    }

    /** The registry has changed. Returns at once. */
    public void changed() {
        LockSupport.unpark(thread);
    }

    public MirrorStatus status() {
        return monitor.status();
    }

    /** Whether writes are to be acknowledged only once they are mirrored. */
    public boolean sync() {
        return settings.sync();
    }

    /**
     * Completes once all up to a version is in etcd; fails with {@link TimeoutException} after {@code patience}, which
     * changes nothing: the mirror goes on. Fails with {@link ResignedException} where another engine leads.
     */
    public CompletableFuture<Void> await(long version, Duration patience) {
        var mirrored = monitor.await(version, patience);
        if (term == 0) {
            monitor.resigned(); // Asked after the others were told.
        }
        LockSupport.unpark(thread);
        return mirrored;
    }

    /** What etcd was asked when it ended is left to its guard: nobody waits for it. */
    @Override
    public void close() {
        closed = true;
        term = 0;
        thread.interrupt();
        try {
            thread.join(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean goOn() {
        return servedTerm != 0 && servedTerm == term;
    }

    private void run() {
        while (!closed) {
            try {
                serve();
            } catch (InterruptedException e) {
                // Closing: the loop's condition says so.
            } catch (RuntimeException e) {
                log.error("mirroring to etcd {} failed in an unforeseen way; it begins anew", settings, e);
                disconnect();
                pause();
            }
        }
        disconnect();
    }

    private void serve() throws InterruptedException {
        if (servedTerm != term) {
            servedTerm = term;
            disconnect();
            failures = 0;
            monitor.active(servedTerm != 0);
        }
        if (servedTerm == 0) {
            LockSupport.park(this);
            return;
        }
        try {
            work();
            if (watchHolds()) {
                failures = 0;
            }
        } catch (Outpaced e) {
            log.info("the mirror's watermark in etcd {} has moved: it is read again", settings);
            writer = null;
        } catch (EtcdException e) {
            disconnect();
            if (goOn()
                    && monitor.failed(
                            String.valueOf(e.getMessage()), source.head().last())) {
                log.warn(
                        "the mirror in etcd {} falls behind: {}; the cluster goes on without",
                        settings,
                        e.getMessage());
            }
            pause();
            return;
        }
        rest();
    }

    private void work() throws EtcdException, InterruptedException, Outpaced {
        var files = clients.credentials();
        if (!files.equals(credentials)) {
            disconnect();
            credentials = files;
        }
        var connection = store;
        if (connection == null) {
            connection = clients.open();
            store = connection;
        }
        var current = writer;
        if (current == null) {
            current = locate(connection);
            writer = current;
        }
        if (current.mark().comparing() || forgotten(current.mark())) {
            log.info("all keys of the mirror in etcd {} are compared with the registry", settings);
            // Removals that are merely forgotten are nothing to tell.
            boolean newer = current.mark().comparing()
                    || current.mark().to() > source.head().last();
            var superseded = new Superseded(settings.toString());
            comparison.rebuild(current, newer ? superseded::key : key -> {});
            superseded.end();
            verifiedAt = System.nanoTime();
        }
        catchUp.run(current);
        if (goOn() && current.mark().complete()) {
            lookForForeignChanges(connection, current);
        }
        long since = monitor.well();
        if (since != 0) {
            log.info("the mirror in etcd {} has caught up", settings);
        }
    }

    /** Whether the difference can't be told: removals are forgotten, or the registry was put back to an earlier state. */
    private boolean forgotten(Watermark mark) {
        var head = source.head();
        return Math.min(mark.from(), mark.unusedFrom()) < head.removalsForgotten() || mark.to() > head.last();
    }

    /** Reads how far the mirror is, and whether it is ours to write. */
    private MirrorWriter locate(EtcdStore connection) throws EtcdException, InterruptedException {
        var head = source.head();
        var entry = connection.get(keys.watermark());
        if (entry == null) {
            var mark = Watermark.first(clusterId, head, servedTerm);
            return new MirrorWriter(connection, keys, monitor, mark, 0);
        }
        var found = Documents.watermark(entry.value());
        if (found == null) {
            log.warn("{} was changed to something unreadable: the mirror is rebuilt", keys.watermark());
            var mark = Watermark.first(clusterId, head, servedTerm);
            return new MirrorWriter(connection, keys, monitor, mark, entry.modRevision());
        }
        if (!found.cluster().equals(clusterId)) {
            throw new EtcdException(keys.watermark() + " is of cluster " + found.cluster() + ", not of this one, "
                    + clusterId + ": give each cluster its own etcd_key_prefix; or, if that cluster is no more, delete"
                    + " the keys below " + keys.prefix());
        }
        if (found.incarnationNumber() == head.incarnation()) {
            if (found.term() > servedTerm) {
                throw new EtcdException(keys.watermark() + " was written by the leader of term " + found.term()
                        + ", after this engine's term " + servedTerm
                        + ", and is that one's to write. Should there be no"
                        + " such leader, the engines were put back to an earlier state: then delete the keys below "
                        + keys.prefix() + ", and the mirror is built anew");
            }
            var mark = found.by(head, servedTerm);
            return new MirrorWriter(connection, keys, monitor, mark, entry.modRevision());
        }
        if (head.restoredFrom() != 0 && found.incarnationNumber() == head.restoredFrom()) {
            log.info(
                    "the mirror in etcd {} is of incarnation {}, which was restored as {}: it is made equal to the registry",
                    settings,
                    found.incarnation(),
                    Long.toHexString(head.incarnation()));
            var mark = found.by(head, servedTerm).compare();
            return new MirrorWriter(connection, keys, monitor, mark, entry.modRevision());
        }
        throw new EtcdException(keys.watermark() + " is of another life of this cluster, incarnation "
                + found.incarnation() + ", not " + Long.toHexString(head.incarnation())
                + ", and may be the only copy of its units: restore from it with --restore-from-etcd, or, if they are not"
                + " needed, delete the keys below " + keys.prefix() + ", and the mirror is built anew");
    }

    private void lookForForeignChanges(EtcdStore connection, MirrorWriter current)
            throws EtcdException, InterruptedException, Outpaced {
        var watch = foreign;
        if (watch == null) {
            watch = watch(connection, current);
        }
        var failure = watch.failure();
        if (failure != null) {
            throw new EtcdException("the watch of etcd's keys ended: " + failure.getMessage(), failure);
        }
        for (var suspect : watch.take().entrySet()) {
            if (!suspect.getKey().equals(keys.watermark())) {
                putRight(current, suspect.getKey());
            } else if (suspect.getValue() > current.revision()) {
                throw watermarkChanged();
            }
        }
        boolean due = System.nanoTime() - verifiedAt > timing.verify().toNanos();
        verify |= watch.takeEverything() || due;
        if (verify) {
            verifiedAt = System.nanoTime();
            var report = new ForeignReport(monitor);
            comparison.verify(current, report::foreign);
            report.end();
            verify = false;
        }
    }

    /**
     * Begins to watch right behind the present, which etcd has not compacted, however old the watermark is. What was before
     * is seen by the comparison that a new watch asks for; the watermark, which that leaves out, is looked at here.
     */
    private ForeignChanges watch(EtcdStore connection, MirrorWriter current)
            throws EtcdException, InterruptedException, Outpaced {
        var now = connection.range(keys.watermark(), keys.watermark() + "\0", 1, true, 0);
        long there = now.entries().isEmpty() ? 0 : now.entries().getFirst().modRevision();
        if (there != current.revision()) {
            throw watermarkChanged();
        }
        var watch = new ForeignChanges(keys, this::changed);
        foreign = watch;
        watchedSince = System.nanoTime();
        watcher = connection.watch(keys.prefix(), now.revision() + 1, watch);
        return watch;
    }

    private Outpaced watermarkChanged() {
        log.warn("{} was changed by somebody else", keys.watermark());
        return new Outpaced();
    }

    /** Whether the next failure is a first one: a watch may fail, again and again, while calls go well. */
    private boolean watchHolds() {
        var watch = foreign;
        return watch != null && watch.failure() == null && System.nanoTime() - watchedSince > longestPause();
    }

    private void putRight(MirrorWriter current, String key) throws EtcdException, InterruptedException, Outpaced {
        var parsed = keys.parse(key);
        if (parsed.isEmpty()) {
            return;
        }
        var fact = source.find(parsed.get().kind(), parsed.get().id());
        if (fact.version() > current.mark().to()) {
            return; // The next catch-up writes it anyway.
        }
        var should = current.write(fact);
        var entry = current.store().get(key);
        if (Objects.equals(should.value(), entry == null ? null : entry.value())) {
            return;
        }
        var report = new ForeignReport(monitor);
        report.foreign(key);
        current.commit(current.mark(), List.of(should));
        report.end();
    }

    /** Until there is something new, or all keys are to be compared again. */
    private void rest() {
        var watch = foreign;
        var current = writer;
        if (!goOn() || current == null || (watch != null && watch.waiting())) {
            return;
        }
        if (!settings.sync()) {
            long until = System.nanoTime() + timing.linger().toNanos();
            while (goOn() && System.nanoTime() - until < 0) {
                LockSupport.parkNanos(this, until - System.nanoTime());
            }
        }
        var head = source.head();
        if (goOn() && current.mark().complete() && head.last() <= current.mark().to()) {
            monitor.covered(current.mark().to(), head.asOf());
            LockSupport.parkNanos(this, Math.min(timing.verify().toNanos(), TimeUnit.SECONDS.toNanos(5)));
        }
    }

    private void pause() {
        long full = Math.min(longestPause(), timing.firstRetry().toNanos() << Math.min(failures, 20));
        failures++;
        long until = System.nanoTime() + full / 2 + random.nextLong(full / 2 + 1);
        while (goOn() && System.nanoTime() - until < 0) {
            LockSupport.parkNanos(this, until - System.nanoTime());
        }
    }

    private long longestPause() {
        var limit = timing.longestRetry();
        return (settings.sync() && limit.compareTo(LONGEST_SYNC_RETRY) > 0 ? LONGEST_SYNC_RETRY : limit).toNanos();
    }

    private void disconnect() {
        writer = null;
        if (foreign != null) {
            foreign.close();
            foreign = null;
        }
        var watching = watcher;
        watcher = null;
        var connection = store;
        store = null;
        if (watching != null) {
            watching.close();
        }
        if (connection != null) {
            connection.close();
        }
    }
}
