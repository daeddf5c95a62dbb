package io.raftfleet.engine.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.BucketDigests;
import io.raftfleet.proto.agent.DigestRequest;
import io.raftfleet.proto.agent.EngineFrame;
import io.raftfleet.proto.agent.HeartbeatAck;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.proto.agent.Inventory;
import io.raftfleet.proto.agent.InventoryRequest;
import io.raftfleet.proto.agent.OpenLog;
import io.raftfleet.proto.agent.StateAck;
import io.raftfleet.proto.agent.StateReport;
import io.raftfleet.proto.agent.Welcome;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.limits.Limits;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One agent's control stream. Frames from the agent come one at a time, on gRPC's threads; what is to be told to the agent
 * is remembered by unit name, not by message, and read from the registry when the stream has room, so that a slow agent
 * costs no more than the names of its units.
 *
 * <p>Its own monitor guards the stream and all fields that change, as their annotations say and the compiler checks; asking the
 * stream for more is the exception, which any thread may do. Nothing outside is called within the monitor but the stream.
 */
final class AgentSession implements StreamObserver<AgentFrame> {
    private static final Logger log = LoggerFactory.getLogger(AgentSession.class);

    /** States in one report, those that are gone counted too: keeps a report's record well below an entry. */
    static final int MAX_STATES = Limits.REPORT_STATES;

    /** Names in one line of the log. */
    private static final int MAX_NAMED = 20;

    /** Reports under way at once, one while the leader has much to do; more wait in the agent, by gRPC's flow control. */
    private static final int MAX_REPORTS = 16;

    private final Sessions sessions;
    private final Caller caller;
    private final ServerCallStreamObserver<EngineFrame> out;
    private final Intake intake;
    private final ReportPace pace = new ReportPace();
    /** Held while orders are read from the registry and sent, so that they leave in the order of the registry. */
    private final Object telling = new Object();

    /** What the agent said first. */
    @GuardedBy("this")
    private @Nullable Hello hello;

    /** 0 until it is welcome. */
    @GuardedBy("this")
    private long epoch;

    @GuardedBy("this")
    private boolean closed;

    /** Under way. */
    @GuardedBy("this")
    private int reports;

    /** Nothing is asked of the agent before a report is committed. */
    @GuardedBy("this")
    private boolean paused;

    /** Null until it is welcome, and once it is whole. */
    @GuardedBy("this")
    private @Nullable FirstAccount account;

    /** Units of which something may have to be told. */
    @GuardedBy("this")
    private Set<String> untold = new LinkedHashSet<>();

    /** Units of which the answer to an inventory has yet to be told; null while there is none to answer. */
    @GuardedBy("this")
    private @Nullable Queue<String> differing;

    /** Buckets that it is about. */
    @GuardedBy("this")
    private List<Integer> answered = List.of();

    AgentSession(Sessions sessions, Caller caller, StreamObserver<EngineFrame> responses) {
        this.sessions = sessions;
        this.caller = caller;
        this.out = (ServerCallStreamObserver<EngineFrame>) responses;
        out.disableAutoRequest();
        intake = new Intake(out);
        out.setOnReadyHandler(() -> {
            intake.ready();
            flush();
        });
        out.setOnCancelHandler(() -> ended("its connection broke"));
    }

    void start() {
        intake.ask();
    }

    @Override
    public void onNext(AgentFrame frame) {
        if (!saidHello()) {
            begin(frame);
            return;
        }
        if (isOver()) {
            return; // It was sent before the agent heard of that.
        }
        switch (frame.getFrameCase()) {
            case HEARTBEAT -> sessions.heartbeat(this, frame.getHeartbeat().getSequence());
            case STATES -> {
                report(frame.getStates());
                return;
            }
            case DIGESTS -> compare(frame.getDigests());
            case INVENTORY -> {
                reconcile(frame.getInventory());
                return;
            }
            case HELLO, FRAME_NOT_SET -> {
                refuse(Status.INVALID_ARGUMENT.withDescription("unexpected frame " + frame.getFrameCase()));
                return;
            }
        }
        intake.ask();
    }

    private void begin(AgentFrame frame) {
        if (frame.hasHello()) {
            var machineId = frame.getHello().getMachineId();
            if (!caller.speaksFor(machineId)) {
                refuse(Status.PERMISSION_DENIED.withDescription(caller + " may not open a session for machine "
                        + machineId + ": give that machine's agent a certificate of its own, agent/" + machineId));
                return;
            }
            synchronized (this) {
                hello = frame.getHello();
            }
            sessions.hello(this, frame.getHello());
            intake.ask();
        } else {
            refuse(Status.INVALID_ARGUMENT.withDescription(
                    "the first frame of a session is a hello, not " + frame.getFrameCase()));
        }
    }

    @Override
    public void onError(Throwable t) {
        ended("its connection broke");
    }

    @Override
    public void onCompleted() {
        ended("the agent closed it");
        synchronized (this) {
            if (!out.isCancelled()) {
                out.onCompleted();
            }
        }
    }

    /** As the agent said. Not to be called before it has said hello. */
    synchronized String machineId() {
        var said = hello;
        if (said == null) {
            throw new IllegalStateException("a session without a hello");
        }
        return said.getMachineId();
    }

    private synchronized boolean isOver() {
        return closed;
    }

    private synchronized boolean saidHello() {
        return hello != null;
    }

    /** Opens the session: from now on it is told what changes. */
    void welcome(Welcome welcome, Collection<String> tell) {
        synchronized (this) {
            if (closed) {
                return;
            }
            epoch = welcome.getSessionEpoch();
            account = new FirstAccount(welcome.getAssignmentsMatch(), welcome.getStatesMatch());
            untold.addAll(tell);
            out.onNext(EngineFrame.newBuilder().setWelcome(welcome).build());
            if (!welcome.getAssignmentsMatch() || !welcome.getStatesMatch()) {
                out.onNext(EngineFrame.newBuilder()
                        .setDigestRequest(DigestRequest.newBuilder()
                                .setAssignments(!welcome.getAssignmentsMatch())
                                .setStates(!welcome.getStatesMatch()))
                        .build());
            }
        }
        account(told -> {});
        flush();
    }

    /** Something of its first account has come; once nothing is missing it is passed on. */
    private void account(Consumer<FirstAccount> change) {
        List<String> found;
        long in;
        synchronized (this) {
            var now = account;
            if (now == null) {
                return;
            }
            change.accept(now);
            if (!now.whole()) {
                return;
            }
            account = null;
            found = now.found();
            in = epoch;
        }
        sessions.told(this, in, found);
    }

    /** Something about this unit on this machine may have to be told. Cheap; {@link #flush} does the work. */
    synchronized void mark(String unit) {
        untold.add(unit);
    }

    /**
     * Tells what there is to tell, while the stream has room. When that fails, what was to be told is lost: the session is ended, and the
     * agent told of all that differs in its next.
     */
    void flush() {
        try {
            synchronized (telling) {
                answer();
                for (var names = take(); !names.isEmpty(); names = take()) {
                    tell(sessions.delta(machineId(), names));
                }
            }
        } catch (RuntimeException | StackOverflowError e) {
            log.error(
                    "machine {} could not be told what to run; its session is ended, so that it opens another",
                    machineId(),
                    e);
            refuse(Sessions.LOST_TRACK);
        }
    }

    void acknowledgeHeartbeat(long sequence) {
        send(EngineFrame.newBuilder()
                .setHeartbeatAck(HeartbeatAck.newBuilder().setSequence(sequence))
                .build());
    }

    void openLog(OpenLog request) {
        send(EngineFrame.newBuilder().setOpenLog(request).build());
    }

    /** Ends the session from this side. */
    void refuse(Status status) {
        refuse(status, null);
    }

    void refuse(Status status, @Nullable Metadata trailers) {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            out.onError(trailers == null ? status.asRuntimeException() : status.asRuntimeException(trailers));
        }
        if (saidHello()) {
            sessions.ended(this);
        }
    }

    private synchronized List<String> take() {
        if (differing != null || !tellable()) {
            return List.of();
        }
        if (untold.size() <= Limits.ORDERS) {
            var all = List.copyOf(untold);
            untold = new LinkedHashSet<>();
            return all;
        }
        return take(untold);
    }

    @GuardedBy("this")
    private boolean tellable() {
        return !closed && epoch != 0 && out.isReady();
    }

    private static List<String> take(Collection<String> from) {
        var some = new ArrayList<String>(Math.min(from.size(), Limits.ORDERS));
        var names = from.iterator();
        while (names.hasNext() && some.size() < Limits.ORDERS) {
            some.add(names.next());
            names.remove();
        }
        return some;
    }

    /** Part of the answer to an inventory. */
    private record Part(List<String> names, List<Integer> buckets, boolean last) {}

    private synchronized @Nullable Part part() {
        var names = differing;
        if (names == null || !tellable()) {
            return null;
        }
        var part = new Part(take(names), answered, names.isEmpty());
        if (part.last()) {
            differing = null;
        }
        return part;
    }

    /** Answers the inventory, if there is one, as far as the stream has room, and goes on with the agent's next frame then. */
    @GuardedBy("telling")
    private void answer() {
        for (var part = part(); part != null; part = part()) {
            var delta = sessions.answer(machineId(), part.names());
            send(EngineFrame.newBuilder()
                    .setAssignments(part.last() ? delta.toBuilder().setAnswersInventory(true) : delta.toBuilder())
                    .build());
            if (delta.getOrphansCount() > 0) {
                log.warn(
                        "machine {} has {} units that the registry does not know, kept running, such as {}",
                        machineId(),
                        delta.getOrphansCount(),
                        delta.getOrphansList().stream().limit(MAX_NAMED).toList());
            }
            var complete = part.last() ? part.buckets() : List.<Integer>of();
            account(told -> told.answered(delta.getHeldList(), complete));
            if (part.last()) {
                intake.ask();
            }
        }
    }

    private void tell(AssignmentDelta delta) {
        if (!Assignments.isEmpty(delta)) {
            send(EngineFrame.newBuilder().setAssignments(delta).build());
        }
    }

    private void send(EngineFrame frame) {
        synchronized (this) {
            if (!closed) {
                out.onNext(frame);
            }
        }
    }

    private void report(StateReport report) {
        int states = report.getStatesCount() + report.getGoneCount();
        if (states > MAX_STATES) {
            refuse(Status.INVALID_ARGUMENT.withDescription(
                    "a report holds at most " + MAX_STATES + " states, this one has " + states));
            return;
        }
        int most = sessions.crowded() ? 1 : MAX_REPORTS;
        boolean goOn;
        synchronized (this) {
            reports++;
            goOn = reports < most;
            paused = !goOn;
        }
        if (goOn) {
            intake.ask();
        }
        sessions.report(this, report, pace.next(report));
    }

    /** A report is committed. */
    void acknowledge(StateReport report) {
        boolean goOn;
        synchronized (this) {
            reports--;
            goOn = paused;
            paused = false;
        }
        send(EngineFrame.newBuilder()
                .setStateAck(StateAck.newBuilder().setSequence(report.getSequence()))
                .build());
        if (goOn) {
            intake.ask();
        }
        account(told -> told.committed(report.getWholeBucketsList()));
    }

    /** Asks for what differs; when no assignments do, the empty request says that. */
    private void compare(BucketDigests theirs) {
        var ours = sessions.digests(machineId());
        var request = InventoryRequest.newBuilder();
        boolean assignments = theirs.getAssignmentsCount() == Digest.BUCKETS;
        for (int bucket = 0; bucket < Digest.BUCKETS; bucket++) {
            if (assignments && theirs.getAssignments(bucket) != ours.getAssignments(bucket)) {
                request.addBuckets(bucket);
            }
            if (theirs.getStatesCount() == Digest.BUCKETS && theirs.getStates(bucket) != ours.getStates(bucket)) {
                request.addStateBuckets(bucket);
            }
        }
        if (assignments || request.getStateBucketsCount() > 0) {
            send(EngineFrame.newBuilder().setInventoryRequest(request).build());
        }
        account(told -> told.asked(request));
    }

    private void reconcile(Inventory inventory) {
        var names = sessions.differing(machineId(), inventory);
        synchronized (this) {
            differing = new ArrayDeque<>(names);
            answered = List.copyOf(inventory.getBucketsList());
        }
        flush();
    }

    private void ended(String why) {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        if (saidHello()) {
            log.info("session of machine {} ended: {}", machineId(), why);
            sessions.ended(this);
        }
    }
}
