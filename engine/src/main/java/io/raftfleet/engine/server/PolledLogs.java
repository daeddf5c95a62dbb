package io.raftfleet.engine.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.engine.api.JournalFeed;
import io.raftfleet.proto.fleet.JournalRequest;
import io.raftfleet.proto.fleet.LogChunk;
import io.raftfleet.unit.tasks.Ticker;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Journals for those who ask again and again, over HTTP: each is a reader of {@link UnitLogs} that keeps what comes until it is asked for,
 * and takes no more while it has {@value #BUFFER} bytes. Lines are passed on as they come; once a second it is seen
 * whose wait is over. Thread-safe; each log is guarded by its monitor, and tells whoever waits, and whoever it reads from, without holding
 * it.
 */
final class PolledLogs implements JournalFeed {
    /** Journals that are open. */
    static final int MOST = 64;

    /** Of these, of one that is known: whoever follows without end leaves others theirs. */
    static final int MOST_OF_ONE = 16;

    /** Of each; a chunk more may come. */
    static final int BUFFER = 128 * 1024;

    static final Duration FORGOTTEN = Duration.ofSeconds(20);
    private static final Duration EVERY = Duration.ofSeconds(1);

    /** Opens a journal. */
    @FunctionalInterface
    interface Source {
        /** Has a reader read it. */
        void open(JournalRequest request, ServerCallStreamObserver<LogChunk> reader);
    }

    private final Source source;
    private final RandomGenerator random;
    private final Executor executor;
    private final LongSupplier nanoClock;
    private final Map<String, Log> logs = new ConcurrentHashMap<>();
    private final AtomicInteger open = new AtomicInteger();

    /**
     * @param random makes names that nobody guesses
     * @param executor tells those who wait
     */
    PolledLogs(Source source, RandomGenerator random, Executor executor, LongSupplier nanoClock) {
        this.source = source;
        this.random = random;
        this.executor = executor;
        this.nanoClock = nanoClock;
    }

    void start(Ticker ticker) {
        ticker.every(EVERY, this::look);
    }

    /** Closes those that nobody asks after, and answers those whose wait is over. */
    void look() {
        long now = nanoClock.getAsLong();
        logs.values().forEach(log -> log.look(now));
    }

    /** Closes all: the engine stops. */
    void end() {
        logs.values()
                .forEach(log -> log.close(Status.UNAVAILABLE
                        .withDescription("the engine is stopping: ask another one")
                        .asRuntimeException()));
    }

    @Override
    public CompletableFuture<Lines> open(JournalRequest request, Duration wait) {
        var caller = Caller.current();
        if (!caller.name().isEmpty()
                && logs.values().stream()
                                .filter(other -> other.caller.equals(caller))
                                .count()
                        >= MOST_OF_ONE) {
            return CompletableFuture.failedFuture(Status.RESOURCE_EXHAUSTED
                    .withDescription(MOST_OF_ONE + " journals are followed by " + caller.words()
                            + " on this engine's page, as many as may: close some, or use another engine's")
                    .asRuntimeException());
        }
        if (open.incrementAndGet() > MOST) {
            open.decrementAndGet();
            return CompletableFuture.failedFuture(Status.RESOURCE_EXHAUSTED
                    .withDescription("as many journals are followed on this engine's page as may: use another engine's")
                    .asRuntimeException());
        }
        var log = new Log(
                Long.toHexString(random.nextLong()) + "-" + Long.toHexString(random.nextLong()),
                caller,
                nanoClock.getAsLong());
        logs.put(log.id, log);
        var lines = log.next(wait);
        source.open(request, log);
        return lines;
    }

    @Override
    public CompletableFuture<Lines> more(String id, Duration wait) {
        var log = logs.get(id);
        return log != null && log.caller.equals(Caller.current())
                ? log.next(wait)
                : CompletableFuture.failedFuture(Status.NOT_FOUND
                        .withDescription("that journal is not followed here any more: open it again")
                        .asRuntimeException());
    }

    /** One journal that is open. */
    private final class Log extends ServerCallStreamObserver<LogChunk> {
        private final String id;
        private final Caller caller;

        @GuardedBy("this")
        private ByteString kept = ByteString.EMPTY;

        @GuardedBy("this")
        private @Nullable CompletableFuture<Lines> asked;

        @GuardedBy("this")
        private long until;

        @GuardedBy("this")
        private boolean ended;

        @GuardedBy("this")
        private @Nullable Throwable failure;

        @GuardedBy("this")
        private Runnable onReady = () -> {};

        @GuardedBy("this")
        private Runnable onCancel = () -> {};

        Log(String id, Caller caller, long now) {
            this.id = id;
            this.caller = caller;
            this.until = now;
        }

        CompletableFuture<Lines> next(Duration wait) {
            var next = new CompletableFuture<Lines>();
            CompletableFuture<Lines> before;
            synchronized (this) {
                before = asked;
                asked = next;
                until = nanoClock.getAsLong() + wait.toNanos();
            }
            if (before != null) {
                tell(before, new Lines(id, "", false));
            }
            tell(false);
            return next;
        }

        void look(long now) {
            boolean late;
            boolean forgotten;
            synchronized (this) {
                late = asked != null && now - until >= 0;
                forgotten = asked == null && now - until >= FORGOTTEN.toNanos();
            }
            if (late) {
                tell(true);
            }
            if (forgotten) {
                close(Status.CANCELLED
                        .withDescription("nobody asked after it any more")
                        .asRuntimeException());
            }
        }

        void close(StatusRuntimeException why) {
            Runnable cancel;
            synchronized (this) {
                cancel = ended ? () -> {} : onCancel;
                ended = true;
                failure = failure == null ? why : failure;
            }
            forget();
            executor.execute(cancel);
            tell(true);
        }

        private static int wholeLines(ByteString bytes) {
            for (int i = bytes.size(); i > 0; i--) {
                if (bytes.byteAt(i - 1) == '\n') {
                    return i;
                }
            }
            return 0;
        }

        private void forget() {
            if (logs.remove(id, this)) {
                open.decrementAndGet();
            }
        }

        /** Answers who has asked, if there is anything to say, or in any case; then more may come. */
        private void tell(boolean anyhow) {
            CompletableFuture<Lines> waiting;
            Lines lines;
            Throwable why;
            Runnable ready;
            synchronized (this) {
                int whole = ended || kept.size() >= BUFFER ? kept.size() : wholeLines(kept);
                if (asked == null || (whole == 0 && !ended && !anyhow)) {
                    return;
                }
                waiting = asked;
                asked = null;
                why = kept.isEmpty() ? failure : null;
                lines = new Lines(id, kept.substring(0, whole).toStringUtf8(), ended && failure == null);
                kept = kept.substring(whole);
                ready = onReady;
                until = nanoClock.getAsLong();
            }
            if (why != null || lines.ended()) {
                forget();
            }
            executor.execute(ready);
            if (why == null) {
                tell(waiting, lines);
            } else {
                executor.execute(() -> waiting.completeExceptionally(why));
            }
        }

        private void tell(CompletableFuture<Lines> waiting, Lines lines) {
            executor.execute(() -> waiting.complete(lines));
        }

        @Override
        public void onNext(LogChunk chunk) {
            synchronized (this) {
                if (ended) {
                    return;
                }
                kept = kept.concat(chunk.getData());
            }
            tell(false);
        }

        @Override
        public void onError(Throwable t) {
            synchronized (this) {
                ended = true;
                failure = failure == null ? t : failure;
            }
            tell(true);
        }

        @Override
        public void onCompleted() {
            synchronized (this) {
                ended = true;
            }
            tell(true);
        }

        @Override
        public synchronized boolean isCancelled() {
            return ended;
        }

        @Override
        public synchronized void setOnCancelHandler(Runnable handler) {
            onCancel = handler;
        }

        @Override
        public synchronized boolean isReady() {
            return kept.size() < BUFFER;
        }

        @Override
        public synchronized void setOnReadyHandler(Runnable handler) {
            onReady = handler;
        }

        @Override
        public void setCompression(String compression) {
            // There is no wire.
        }

        @Override
        public void disableAutoInboundFlowControl() {
            // It has one request.
        }

        @Override
        public void request(int count) {
            // The same.
        }

        @Override
        public void setMessageCompression(boolean enable) {
            // There is no wire.
        }
    }
}
