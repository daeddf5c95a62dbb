package io.raftfleet.agent.session;

import io.raftfleet.agent.loop.Backoff;
import io.raftfleet.agent.loop.Loop;
import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.EngineFrame;
import io.raftfleet.proto.agent.Heartbeat;
import io.raftfleet.proto.agent.Inventory;
import io.raftfleet.proto.agent.InventoryRequest;
import io.raftfleet.proto.agent.StateReport;
import io.raftfleet.proto.agent.Welcome;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.limits.Limits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A session that was welcomed: heartbeats, reports, orders, and watching for silence. Owned by the machine's loop. */
final class OpenSession {
    private static final Logger log = LoggerFactory.getLogger(OpenSession.class);

    /** Of a leader that says it leads but sends nothing: after so many silences the session is opened anew. */
    private static final int MAX_SILENCES = 3;

    private static final AssignmentDelta NOTHING_DIFFERS =
            AssignmentDelta.newBuilder().setAnswersInventory(true).build();

    /** Hears that the engine sends nothing. */
    interface Silence {
        /** For this long, which is longer than the engine said that it would at most: all engines are to be asked who leads. */
        void begun(Duration quiet);

        /** It has sent something again. */
        void over();

        /** Though it says that it leads, again and again: another session is to be opened. */
        void lasting();
    }

    private final Loop loop;
    private final EngineSession session;
    private final Welcome welcome;
    private final SessionHandler handler;
    private final ReportQueue reports;
    private final Lease lease;
    private final LogUploads logs;
    private final RandomGenerator random;
    private final Silence silence;
    private final Backoff silenceBackoff;
    private final Duration silenceLimit;
    private final Duration interval;
    private final int statesInReport;
    private final long openedAt;
    private long lastFrameAt;
    private boolean silent;
    private int silences;
    private boolean flushing;
    /** Sequence of the last heartbeat. */
    private long heartbeats;
    /** How many inventories were sent, after the heartbeat {@link #inventoryAfter}, and are not answered. */
    private int unanswered;

    private long inventoryAfter;
    private Loop.@Nullable Timer heartbeatTimer;
    private Loop.@Nullable Timer silenceTimer;
    private boolean over;

    OpenSession(
            Loop loop,
            EngineSession session,
            Welcome welcome,
            MachineSide machine,
            Lease lease,
            LogUploads logs,
            RandomGenerator random,
            Silence silence) {
        this.loop = loop;
        this.session = session;
        this.welcome = welcome;
        this.handler = machine.handler();
        this.reports = machine.reports();
        this.lease = lease;
        this.logs = logs;
        this.random = random;
        this.silence = silence;
        this.interval = Duration.ofMillis(Math.max(1, welcome.getHeartbeatIntervalMs()));
        this.silenceLimit = Duration.ofMillis(Math.max(1, welcome.getSilenceLimitMs()));
        this.silenceBackoff = new Backoff(Duration.ofMillis(50), Duration.ofSeconds(1), random);
        this.statesInReport = Math.max(1, welcome.getMaxStatesPerReport());
        this.openedAt = loop.nanoTime();
    }

    EngineSession session() {
        return session;
    }

    long term() {
        return welcome.getTerm();
    }

    long epoch() {
        return welcome.getSessionEpoch();
    }

    boolean lasted(Duration time) {
        return loop.nanoTime() - openedAt >= time.toNanos();
    }

    void start() {
        lastFrameAt = loop.nanoTime();
        lease.opened(Duration.ofMillis(welcome.getTtlMs()));
        heartbeat();
        silenceTimer = loop.schedule(silenceLimit, this::checkSilence);
    }

    /** No timer runs on after this. */
    void end() {
        over = true;
        if (heartbeatTimer != null) {
            heartbeatTimer.cancel();
        }
        if (silenceTimer != null) {
            silenceTimer.cancel();
        }
    }

    /** Sends what reports there are; what comes up within the same task of the loop goes together. */
    void flush() {
        if (!flushing && !over) {
            flushing = true;
            loop.execute(this::sendReports);
        }
    }

    private void sendReports() {
        flushing = false;
        if (over) {
            return;
        }
        StateReport report = reports.next(epoch(), statesInReport);
        while (report != null) {
            session.send(AgentFrame.newBuilder().setStates(report).build());
            report = reports.next(epoch(), statesInReport);
        }
    }

    void frame(EngineFrame frame) {
        lastFrameAt = loop.nanoTime();
        silences = 0;
        if (silent) {
            silent = false;
            silence.over();
        }
        switch (frame.getFrameCase()) {
            case HEARTBEAT_ACK -> acknowledged(frame.getHeartbeatAck().getSequence());
            case STATE_ACK -> reports.acknowledged(frame.getStateAck().getSequence());
            case ASSIGNMENTS -> orders(frame.getAssignments());
            case DIGEST_REQUEST ->
                session.send(AgentFrame.newBuilder()
                        .setDigests(handler.digests(frame.getDigestRequest()))
                        .build());
            case INVENTORY_REQUEST -> inventory(frame.getInventoryRequest());
            case OPEN_LOG -> logs.open(session.channel(), frame.getOpenLog());
            case WELCOME, FRAME_NOT_SET ->
                log.warn(
                        "{} sent a frame that does not belong there: {}; ignored",
                        session.address(),
                        frame.getFrameCase());
        }
    }

    private void acknowledged(long heartbeat) {
        // Engines that say nothing where nothing differs have dealt with the inventory before a later heartbeat.
        if (unanswered > 0 && heartbeat > inventoryAfter) {
            unanswered = 0;
            handler.apply(NOTHING_DIFFERS);
        }
        if (lease.acknowledged(heartbeat)) {
            handler.leaseHeld(lease.heldUntil());
        }
    }

    /** The last of the answers to all inventories is the answer to all that differed. */
    private void orders(AssignmentDelta delta) {
        if (delta.getAnswersInventory() && unanswered > 0 && --unanswered > 0) {
            handler.apply(delta.toBuilder().clearAnswersInventory().build());
        } else {
            handler.apply(delta);
        }
    }

    private void inventory(InventoryRequest request) {
        var units = handler.inventory(request.getBucketsList());
        for (var inventory : inventories(request.getBucketsList(), units)) {
            session.send(AgentFrame.newBuilder().setInventory(inventory).build());
            unanswered++;
            inventoryAfter = heartbeats;
        }
        if (request.getStateBucketsCount() > 0) {
            reports.replace(
                    request.getStateBucketsList(), handler.states(request.getStateBucketsList()), statesInReport);
        }
    }

    /** All of these buckets, those of which there are no units too: whole ones, as many together as one inventory may hold. */
    static List<Inventory> inventories(Collection<Integer> buckets, Collection<AssignedUnit> units) {
        var byBucket = new HashMap<Integer, List<AssignedUnit>>();
        for (var unit : units) {
            byBucket.computeIfAbsent(Digest.bucket(unit.getName()), bucket -> new ArrayList<>())
                    .add(unit);
        }
        var inventories = new ArrayList<Inventory>();
        var next = Inventory.newBuilder();
        for (var bucket : buckets) {
            var inBucket = byBucket.getOrDefault(bucket, List.of());
            if (next.getUnitsCount() > 0 && next.getUnitsCount() + inBucket.size() > Limits.INVENTORY_UNITS) {
                inventories.add(next.build());
                next = Inventory.newBuilder();
            }
            next.addBuckets(bucket).addAllUnits(inBucket);
        }
        if (next.getBucketsCount() > 0) {
            inventories.add(next.build());
        }
        return inventories;
    }

    private void heartbeat() {
        if (over) {
            return;
        }
        heartbeats = lease.sending(loop.nanoTime());
        session.send(AgentFrame.newBuilder()
                .setHeartbeat(Heartbeat.newBuilder().setSequence(heartbeats))
                .build());
        // Machines that connected together drift apart, never later than the engine asked for.
        long nanos = interval.toNanos();
        heartbeatTimer = loop.schedule(Duration.ofNanos(nanos - random.nextLong(nanos / 16 + 1)), this::heartbeat);
    }

    private void checkSilence() {
        if (over) {
            return;
        }
        long quiet = loop.nanoTime() - lastFrameAt;
        if (quiet < silenceLimit.toNanos()) {
            silenceTimer = loop.schedule(Duration.ofNanos(silenceLimit.toNanos() - quiet), this::checkSilence);
        } else {
            silent = true;
            silence.begun(Duration.ofNanos(quiet));
        }
    }

    /** All engines were asked, and none leads in a higher term. */
    void stillSilent(boolean someoneLeads) {
        if (over || loop.nanoTime() - lastFrameAt < silenceLimit.toNanos()) {
            silenceBackoff.reset();
            silenceTimer = loop.schedule(silenceLimit, this::checkSilence);
            return;
        }
        if (someoneLeads) {
            silences++;
        }
        if (silences >= MAX_SILENCES) {
            silence.lasting();
        } else {
            silenceTimer = loop.schedule(someoneLeads ? silenceLimit : silenceBackoff.next(), this::checkSilence);
        }
    }
}
