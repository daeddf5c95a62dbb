package io.raftfleet.engine.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.proto.agent.LogUpload;
import io.raftfleet.proto.agent.LogUploadDone;
import io.raftfleet.proto.agent.OpenLog;
import io.raftfleet.proto.fleet.LogChunk;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Brings readers of logs together with the agents that have them: the agent is told on its control stream to open an upload,
 * which is then piped to the reader, one chunk at a time as the reader takes them.
 */
public final class LogBroker {
    private static final Duration AGENT_DEADLINE = Duration.ofSeconds(10);

    private final Sessions sessions;
    private final RandomGenerator random;
    private final ScheduledExecutorService timer;
    private final Map<String, Pipe> pipes = new ConcurrentHashMap<>();

    public LogBroker(Sessions sessions, RandomGenerator random, ScheduledExecutorService timer) {
        this.sessions = sessions;
        this.random = random;
        this.timer = timer;
    }

    /** Streams a log of a machine to a reader. Fails the reader's call when the machine's agent is not connected here. */
    public void open(String machineId, OpenLog.Builder request, ServerCallStreamObserver<LogChunk> reader) {
        var session = sessions.get(machineId);
        if (session == null) {
            reader.onError(Status.UNAVAILABLE
                    .withDescription("the agent of machine " + machineId + " is not connected: try again in a moment")
                    .asRuntimeException());
            return;
        }
        var id = Long.toHexString(random.nextLong()) + Long.toHexString(random.nextLong());
        var pipe = new Pipe(id, machineId, reader);
        pipes.put(id, pipe);
        reader.setOnCancelHandler(pipe::readerGone);
        reader.setOnReadyHandler(pipe::readerReady);
        var deadline = timer.schedule(pipe::agentLate, AGENT_DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
        pipe.onClose(() -> deadline.cancel(false));
        session.openLog(request.setLogId(id).build());
    }

    /** An agent's upload, whichever log it turns out to be. */
    StreamObserver<LogUpload> upload(Caller caller, StreamObserver<LogUploadDone> responses) {
        var agent = (ServerCallStreamObserver<LogUploadDone>) responses;
        agent.disableAutoRequest();
        agent.request(1);
        return new Upload(caller, agent);
    }

    /** What an agent sends of a log: which, its first frame says, for which it has {@link #AGENT_DEADLINE} as well. */
    private final class Upload implements StreamObserver<LogUpload> {
        private final Caller caller;
        private final ServerCallStreamObserver<LogUploadDone> agent;
        /** Set by whoever comes first: its first frame, its end, or the end of its time. */
        private final AtomicBoolean begun = new AtomicBoolean();

        private final Future<?> deadline;
        /** Of the call's own thread. */
        private @Nullable Pipe pipe;

        Upload(Caller caller, ServerCallStreamObserver<LogUploadDone> agent) {
            this.caller = caller;
            this.agent = agent;
            this.deadline = timer.schedule(
                    () -> {
                        if (begun.compareAndSet(false, true)) {
                            refuse(
                                    Status.DEADLINE_EXCEEDED,
                                    "no frame came within " + AGENT_DEADLINE.toSeconds() + " s");
                        }
                    },
                    AGENT_DEADLINE.toMillis(),
                    TimeUnit.MILLISECONDS);
        }

        /** Whether nobody has answered it yet. */
        private boolean begins() {
            deadline.cancel(false);
            return begun.compareAndSet(false, true);
        }

        private void refuse(Status why, String words) {
            agent.onError(why.withDescription(words).asRuntimeException());
        }

        @Override
        public void onNext(LogUpload frame) {
            var known = pipe;
            if (known == null) {
                if (!begins()) {
                    return;
                }
                known = pipes.get(frame.getLogId());
                if (known == null || !caller.speaksFor(known.machineId) || !known.attach(agent)) {
                    refuse(Status.NOT_FOUND, "nobody reads log " + frame.getLogId() + " of this machine");
                    return;
                }
                pipe = known;
            }
            known.write(frame);
        }

        @Override
        public void onError(Throwable t) {
            if (pipe != null) {
                pipe.agentGone();
            } else {
                var unused = begins(); // It need not be waited for any more.
            }
        }

        @Override
        public void onCompleted() {
            if (pipe != null) {
                pipe.complete();
            } else if (begins()) {
                refuse(Status.INVALID_ARGUMENT, "it ended without a frame that names a log");
            }
        }
    }

    /** One reader and, once it has answered, one agent. Guarded by its monitor. */
    private final class Pipe {
        private final String id;
        private final String machineId;
        private final ServerCallStreamObserver<LogChunk> reader;

        @GuardedBy("this")
        private @Nullable ServerCallStreamObserver<LogUploadDone> agent;

        @GuardedBy("this")
        private Runnable onClose = () -> {};

        @GuardedBy("this")
        private boolean wantsMore;

        @GuardedBy("this")
        private boolean closed;

        Pipe(String id, String machineId, ServerCallStreamObserver<LogChunk> reader) {
            this.id = id;
            this.machineId = machineId;
            this.reader = reader;
        }

        synchronized void onClose(Runnable action) {
            onClose = action;
        }

        synchronized boolean attach(ServerCallStreamObserver<LogUploadDone> upload) {
            if (closed || agent != null) {
                return false;
            }
            agent = upload;
            onClose.run();
            return true;
        }

        synchronized void write(LogUpload frame) {
            if (closed) {
                return;
            }
            if (!frame.getData().isEmpty()) {
                reader.onNext(LogChunk.newBuilder().setData(frame.getData()).build());
            }
            if (!frame.getError().isEmpty()) {
                close();
                // Not UNKNOWN, which is of writes whose fate is not known.
                reader.onError(Status.UNAVAILABLE
                        .withDescription("machine " + machineId + ": " + frame.getError())
                        .asRuntimeException());
                finishUpload();
                return;
            }
            wantsMore = true;
            readerReady();
        }

        synchronized void readerReady() {
            if (!closed && wantsMore && agent != null && reader.isReady()) {
                wantsMore = false;
                agent.request(1);
            }
        }

        synchronized void complete() {
            if (!closed) {
                close();
                reader.onCompleted();
                finishUpload();
            }
        }

        synchronized void readerGone() {
            if (!closed) {
                close();
                finishUpload();
            }
        }

        synchronized void agentGone() {
            fail("the agent of machine " + machineId + " went away while the log was read: try again");
        }

        synchronized void agentLate() {
            if (agent == null) {
                fail("the agent of machine " + machineId + " did not send the log within " + AGENT_DEADLINE.toSeconds()
                        + " s: try again");
            }
        }

        @GuardedBy("this")
        private void fail(String why) {
            if (!closed) {
                close();
                reader.onError(Status.UNAVAILABLE.withDescription(why).asRuntimeException());
            }
        }

        @GuardedBy("this")
        private void finishUpload() {
            if (agent != null && !agent.isCancelled()) {
                agent.onNext(LogUploadDone.getDefaultInstance());
                agent.onCompleted();
            }
        }

        @GuardedBy("this")
        private void close() {
            closed = true;
            pipes.remove(id);
            onClose.run();
        }
    }
}
