package io.raftfleet.agent.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import io.grpc.Channel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.raftfleet.agent.manager.LogSource;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.LogUpload;
import io.raftfleet.proto.agent.LogUploadDone;
import io.raftfleet.proto.agent.OpenLog;
import java.io.IOException;
import java.io.InputStream;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs on their way to readers: each is read on a virtual thread of its own and sent on a stream of its own, no faster than
 * the engine takes it. Safe for use by any thread; an upload's state is guarded by its lock.
 */
final class LogUploads implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(LogUploads.class);
    private static final int CHUNK = 32 * 1024;

    private final LogSource source;
    private final int limit;
    private final Semaphore free;
    private final Set<Upload> open = ConcurrentHashMap.newKeySet();

    LogUploads(LogSource source, int limit) {
        this.source = source;
        this.limit = limit;
        this.free = new Semaphore(limit);
    }

    /** Starts sending what {@code order} names; when too many logs are being read, sends that instead. Returns at once. */
    void open(Channel channel, OpenLog order) {
        Upload upload = new Upload(order);
        AgentGatewayGrpc.newStub(channel).uploadLog(upload);
        if (!free.tryAcquire()) {
            upload.end(limit + " logs of this machine are being read already; end one of them first");
            return;
        }
        open.add(upload);
        Thread.ofVirtual().name("log-" + order.getUnit()).start(() -> {
            String failure;
            try {
                failure = upload.copy();
            } finally {
                open.remove(upload);
                free.release();
            }
            // Last: whoever hears of the end may open another at once.
            upload.end(failure);
        });
    }

    /** Ends all. */
    @Override
    public void close() {
        open.forEach(Upload::stop);
    }

    private final class Upload implements ClientResponseObserver<LogUpload, LogUploadDone> {
        private final OpenLog order;
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition changed = lock.newCondition();

        @GuardedBy("lock")
        private @Nullable ClientCallStreamObserver<LogUpload> out;

        @GuardedBy("lock")
        private @Nullable InputStream in;

        private boolean first = true;

        @GuardedBy("lock")
        private boolean over;

        Upload(OpenLog order) {
            this.order = order;
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<LogUpload> requests) {
            lock.lock();
            try {
                out = requests;
            } finally {
                lock.unlock();
            }
            requests.setOnReadyHandler(this::wake);
        }

        @Override
        public void onNext(LogUploadDone done) {}

        @Override
        public void onError(Throwable cause) {
            log.debug("the reader of the log of {} went away: {}", order.getUnit(), cause.getMessage());
            stop();
        }

        @Override
        public void onCompleted() {
            stop();
        }

        /** Sends the log; returns why it could not be read, empty when it could. Says nothing of the end. */
        String copy() {
            try (InputStream stream = openSource()) {
                if (adopt(stream)) {
                    byte[] buffer = new byte[CHUNK];
                    int read = stream.read(buffer);
                    while (read >= 0 && awaitReady()) {
                        send(frame().setData(ByteString.copyFrom(buffer, 0, read))
                                .build());
                        read = stream.read(buffer);
                    }
                }
                return "";
            } catch (IOException e) {
                return "the log of " + order.getUnit() + " could not be read: " + e.getMessage();
            }
        }

        private InputStream openSource() throws IOException {
            return switch (order.getKind()) {
                case JOURNAL -> source.journal(order.getUnit(), order.getLines(), order.getFollow(), order.getOutput());
                case STATUS -> source.status(order.getUnit());
                case CONTENTS -> source.contents(order.getUnit());
                case KIND_UNSPECIFIED, UNRECOGNIZED ->
                    throw new IOException("this agent does not know the kind of log " + order.getKindValue());
            };
        }

        private boolean adopt(InputStream stream) {
            lock.lock();
            try {
                in = stream;
                return !over;
            } finally {
                lock.unlock();
            }
        }

        /** Waits until the engine takes more; false when the upload is over. Ends with the stream at the latest. */
        private boolean awaitReady() {
            lock.lock();
            try {
                while (!over && out != null && !out.isReady()) {
                    changed.awaitUninterruptibly();
                }
                return !over;
            } finally {
                lock.unlock();
            }
        }

        private LogUpload.Builder frame() {
            LogUpload.Builder frame = LogUpload.newBuilder();
            if (first) {
                first = false;
                frame.setLogId(order.getLogId());
            }
            return frame;
        }

        private void send(LogUpload frame) {
            lock.lock();
            try {
                if (!over && out != null) {
                    out.onNext(frame);
                }
            } finally {
                lock.unlock();
            }
        }

        /** Says that the log is over, and why if it could not be read. */
        void end(String failure) {
            if (first || !failure.isEmpty()) {
                send(frame().setError(failure).build());
            }
            lock.lock();
            try {
                if (!over && out != null) {
                    over = true;
                    out.onCompleted();
                }
            } finally {
                lock.unlock();
            }
        }

        private void wake() {
            lock.lock();
            try {
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        /** The reader or the session is gone: the source is closed, which ends a read that waits for more. */
        void stop() {
            InputStream source;
            lock.lock();
            try {
                if (!over && out != null) {
                    out.cancel("the agent ends this log", null);
                }
                over = true;
                source = in;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
            if (source != null) {
                Thread.ofVirtual().name("log-end-" + order.getUnit()).start(() -> close(source));
            }
        }

        private void close(InputStream source) {
            try {
                source.close();
            } catch (IOException e) {
                log.debug("closing the log of {} failed: {}", order.getUnit(), e.getMessage());
            }
        }
    }
}
