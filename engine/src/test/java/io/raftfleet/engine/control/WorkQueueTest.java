package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.Registry;
import io.raftfleet.state.raft.RaftConfig;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What waits for the decision thread, without one: how much may. */
class WorkQueueTest {
    private static final int ROOM = 10_000;

    private final AtomicLong now = new AtomicLong();
    private final WorkQueue queue = new WorkQueue(ROOM, now::get);

    @BeforeEach
    void lead() {
        queue.lead(1);
    }

    @Test
    void reportsThatTakeMoreBytesThanThereIsRoomForAreRefused() {
        for (int i = 0; i < 9; i++) {
            assertThat(queue.offer(report(1000))).isTrue();
        }
        var tooMuch = report(2000);
        assertThat(queue.offer(tooMuch)).isFalse();
        assertThat(code(tooMuch.committed())).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(queue.offer(new AgentWork.Silence("none", 1, "a test", true)))
                .as("what is no report")
                .isTrue();
    }

    @Test
    void oneReportAlwaysHasRoom() {
        assertThat(queue.offer(report(2 * ROOM))).isTrue();
        assertThat(queue.offer(report(1))).isFalse();
    }

    @Test
    void whatLeavesMakesRoomAndWhatIsPutBackTakesIt() {
        var first = report(9000);
        queue.offer(first);
        assertThat(queue.crowded()).isTrue();
        queue.abandonAll("a test");
        assertThat(queue.crowded()).isFalse();
        var second = report(9000);
        queue.putBack(List.of(second));
        assertThat(queue.crowded()).isTrue();
        assertThat(queue.offer(report(2000))).isFalse();
    }

    @Test
    void sessionsCountWithAllThatTheirMachinesAnnounce() {
        int taken = 0;
        while (queue.offer(session(1000))) {
            taken++;
        }
        assertThat(taken).isEqualTo(9);
        assertThat(queue.crowded()).isTrue();
        var silence = new AgentWork.Silence("m1", 1, "a test", true);
        assertThat(queue.offer(silence)).as("a loss").isTrue();
    }

    @Test
    void aFewReportsGatherButNothingElseWaitsForThem() throws Exception {
        long forever = TimeUnit.HOURS.toNanos(1);
        queue.offer(report(1000));
        var waiting = CompletableFuture.runAsync(() -> {
            try {
                queue.awaitWork(1, 0, forever);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        queue.offer(report(1000));
        assertThat(queue.progress()).as("it waits, or is about to").isLessThanOrEqualTo(0);
        assertThat(waiting).isNotDone();
        queue.offer(new AgentWork.Silence("m1", 1, "a test", true));
        waiting.get(10, TimeUnit.SECONDS);
        queue.awaitWork(1, 0, forever); // The same still waits.

        queue.abandonAll("a test");
        queue.offer(report(1000));
        queue.awaitWork(1, 0, 1); // As long as it may.
        queue.awaitWork(1, 1, forever);
        queue.lead(2);
        queue.awaitWork(1, 0, forever);
    }

    @Test
    void theMostUrgentOfTheAgentsSaysHowLongAllWait() throws Exception {
        long gather = TimeUnit.MILLISECONDS.toNanos(20);
        queue.offer(report(100, Urgency.LATER));
        assertThat(waitedFor(gather)).isGreaterThanOrEqualTo(2 * gather);
        assertThat(Urgency.LATER.limit(gather)).isEqualTo(2 * gather);
        assertThat(Urgency.SOON.limit(gather)).isEqualTo(gather);
        assertThat(Urgency.PROMPT.limit(gather)).isEqualTo(gather / 6);
        assertThat(Urgency.NOW.limit(gather)).isZero();

        queue.offer(report(100, Urgency.PROMPT));
        long sixth = waitedFor(6 * gather);
        assertThat(sixth).isBetween(gather, TimeUnit.HOURS.toNanos(1));
        queue.offer(report(100, Urgency.NOW));
        assertThat(waitedFor(TimeUnit.HOURS.toNanos(1))).isLessThan(TimeUnit.HOURS.toNanos(1));
    }

    @Test
    void whatIsTakenUpHurriesNobodyAnyMore() throws Exception {
        long gather = TimeUnit.MILLISECONDS.toNanos(20);
        queue.offer(report(100, Urgency.NOW));
        queue.offer(report(100, Urgency.PROMPT));
        queue.offer(report(100, Urgency.SOON));
        var decided = new ArrayList<Work>();
        queue.decide(new Batch(), draft(), 1, decided);
        assertThat(decided).hasSize(3);
        queue.offer(report(100, Urgency.LATER));
        assertThat(waitedFor(gather)).isGreaterThanOrEqualTo(2 * gather);

        queue.putBack(decided.subList(0, 1));
        assertThat(waitedFor(TimeUnit.HOURS.toNanos(1))).isLessThan(TimeUnit.HOURS.toNanos(1));
    }

    @Test
    void whoAsksOnAndOnKeepsNoEntryFromItsEnd() {
        var asked = new AtomicInteger();
        ask(asked);
        var silence = new AgentWork.Silence("none", 1, "a test", true);
        queue.offer(silence);
        var decided = new ArrayList<Work>();
        queue.decide(new Batch(), draft(), 1, decided);
        assertThat(asked).hasValueBetween(1, 10);
        assertThat(decided).contains(silence);
        assertThat(queue.waiting(WorkQueue.Lane.CLIENTS))
                .as("the next question")
                .isEqualTo(1);

        queue.decide(new Batch(), draft(), 1, decided);
        assertThat(asked).as("it goes on in the next").hasValueBetween(2, 20);
    }

    /** A question that takes 2 ms, and after it another. */
    private void ask(AtomicInteger asked) {
        queue.offer(new Question<>(scheduler -> {
            assertThat(asked.incrementAndGet()).as("questions").isLessThan(1_000);
            now.addAndGet(TimeUnit.MILLISECONDS.toNanos(2));
            ask(asked);
            return "";
        }));
    }

    private static Draft draft() {
        var registry = new Registry(1000);
        return new Draft(
                registry,
                registry.read(Draft::scheduler),
                new Budget(0, Long.MAX_VALUE),
                RaftConfig.ENTRY_FORMAT,
                new Batch());
    }

    private long waitedFor(long gatherNanos) {
        long begin = System.nanoTime();
        try {
            queue.awaitWork(1, 0, gatherNanos);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return System.nanoTime() - begin;
    }

    @Test
    void manyReportsWaitForNoMore() throws Exception {
        var roomy = new WorkQueue(1 << 20, now::get);
        roomy.lead(1);
        for (int i = 0; i < 66; i++) {
            roomy.offer(report(1000));
        }
        roomy.awaitWork(1, 0, TimeUnit.HOURS.toNanos(1));
    }

    @Test
    void howLongReportsGatherFollowsFromWhatTheLastEntryTook() {
        long millisecond = TimeUnit.MILLISECONDS.toNanos(1);
        assertThat(DecisionLoop.gathering(3 * millisecond, 50_000)).isZero();
        assertThat(DecisionLoop.gathering(10 * millisecond, 100)).isEqualTo(60 * millisecond);
        assertThat(DecisionLoop.gathering(10_000 * millisecond, 100)).isEqualTo(150 * millisecond);
        assertThat(DecisionLoop.gathering(10 * millisecond, 2048)).isEqualTo(60 * millisecond);
        assertThat(DecisionLoop.gathering(10 * millisecond, 2049)).isEqualTo(120 * millisecond);
        assertThat(DecisionLoop.gathering(10_000 * millisecond, 50_000)).isEqualTo(300 * millisecond);
    }

    @Test
    void adoptedFilesCount() throws Exception {
        int taken = 0;
        while (taken < 20 && queue.offer(adoption(1000))) {
            taken++;
        }
        assertThat(taken).isEqualTo(9);
        assertThat(queue.offer(new OrphanWork("m1", "a.service", null)))
                .as("what drops an orphan")
                .isTrue();
    }

    @Test
    void aLaneThatIsFullInNumberRefuses() {
        for (int i = 0; i < WorkQueue.Lane.AGENTS.limit; i++) {
            assertThat(queue.offer(new AgentWork.Silence("none", 1, "a test", true)))
                    .isTrue();
        }
        var oneMore = session();
        assertThat(queue.offer(oneMore)).isFalse();
        assertThat(code(oneMore.epoch())).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(queue.crowded()).isTrue();
    }

    @Test
    void nothingWaitsForAnEngineThatDoesNotLead() {
        queue.lead(0);
        var report = report(10);
        assertThat(queue.offer(report)).isFalse();
        assertThat(report.committed().exceptionNow()).isInstanceOf(Abandoned.class);
    }

    private static Status.Code code(CompletableFuture<?> refused) {
        return Status.fromThrowable(refused.exceptionNow()).getCode();
    }

    private static AgentWork.SessionOpen session() {
        return new AgentWork.SessionOpen(SessionOpened.getDefaultInstance());
    }

    private static AgentWork.SessionOpen session(int bytes) {
        return new AgentWork.SessionOpen(
                SessionOpened.newBuilder().putMetadata("key", "x".repeat(bytes)).build());
    }

    private static OrphanWork adoption(int bytes) throws InvalidUnitException {
        var file = UnitFile.parse("[Service]\nExecStart=/bin/true\nEnvironment=A=" + "x".repeat(bytes) + "\n");
        return new OrphanWork(
                "m1",
                "a.service",
                new OrphanWork.Adoption(
                        new Submission("a.service", file, Requirements.of("a.service", file), ""),
                        TargetState.TARGET_STATE_LAUNCHED));
    }

    private static AgentWork.Report report(int bytes) {
        return report(bytes, Urgency.SOON);
    }

    private static AgentWork.Report report(int bytes, Urgency urgency) {
        return new AgentWork.Report(
                StatesReported.newBuilder()
                        .addStates(UnitState.newBuilder().setError("x".repeat(bytes)))
                        .build(),
                urgency);
    }
}
