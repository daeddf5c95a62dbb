package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Engines lead whose clocks are wrong. */
class WrongClocksTest {
    private static final long START = Instant.ofEpochSecond(1_800_000_000).toEpochMilli();
    private static final long HOUR = Duration.ofHours(1).toMillis();
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private final Registry registry = new Registry(1000);
    private final MemoryLog raft = new MemoryLog(registry);
    /** The clock of the engine that leads. */
    private final AtomicLong clock = new AtomicLong(START);
    /** What the time is, and what clients' clocks show. */
    private long right = START;

    private final Controller controller = new Controller(
            new Controller.Inputs("e1", registry, raft, () -> Instant.ofEpochMilli(clock.get()), new Random(7)),
            new Controller.LeadershipListener() {
                @Override
                public void leading(long term) {}

                @Override
                public void resigned(long term) {}
            },
            new NoMetrics(),
            Runnable::run);
    private final LocalWrites writes = new LocalWrites(controller, LocalWrites.AfterCommit.NOTHING);

    WrongClocksTest() {
        controller.start();
    }

    @AfterEach
    void close() {
        controller.close();
    }

    /** One engine, or all of them, had a clock that was ahead by far, and then had not. */
    @Test
    void onceTheClockIsRightRequestsAreDoneAndThoseOfBeforeAreStillDoneOnce() throws Exception {
        controller.leaderStarted(1);
        assertThat(create(1)).isEqualTo(ItemCode.ITEM_CODE_OK);
        clock.set(START + 400 * 24 * HOUR);
        assertThatRefused(2);
        assertThat(create(1)).as("what was done is answered, however old").isEqualTo(ItemCode.ITEM_CODE_OK);

        right = START + 1;
        clock.set(right);

        awaitCreated(3);
        assertThat(clockMs()).isEqualTo(right);
        right = START;
        assertThat(create(1)).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(created()).containsExactly("u1.service", "u3.service");
        assertThat(sets()).hasSize(2);
    }

    /** Found by a reader: the answers were dropped when the clock became right again. */
    @Test
    void whatWasDoneBeforeAnEngineLedWhoseClockIsBehindIsNotDoneAgain() throws Exception {
        controller.leaderStarted(1);
        assertThat(create(1)).isEqualTo(ItemCode.ITEM_CODE_OK);
        clock.set(START - HOUR);
        assertThatRefused(2);
        clock.set(START + 1000);
        assertThat(create(1)).isEqualTo(ItemCode.ITEM_CODE_OK);
        awaitCreated(3);
        assertThat(create(1)).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(created()).containsExactly("u1.service", "u3.service");
        assertThat(clockMs()).isBetween(START, START + 1000);
    }

    @Test
    void aLeaderWhoseClockIsWrongGoesByThoseOfTheOthers() throws Exception {
        for (long wrong : new long[] {HOUR, -HOUR}) {
            raft.clocks(3, right, right + 1000);
            clock.set(START + wrong);
            controller.leaderStarted(Math.abs(wrong));
            for (int i = 0; i < 3; i++) {
                assertThat(create((int) right - i)).isEqualTo(ItemCode.ITEM_CODE_OK);
                right += 2 * 60_000;
                raft.clocks(3, right, right + 1000);
            }
            assertThat(clockMs()).isBetween(START, right + 1000);
        }
        assertThat(sets()).isEmpty();
    }

    @Test
    void itWaitsUntilItKnowsThem() throws Exception {
        controller.leaderStarted(1);
        assertThat(create(1)).isEqualTo(ItemCode.ITEM_CODE_OK);
        right += HOUR; // Nothing was written for so long.
        raft.untold(10);
        raft.clocks(3, right, right + 1000);
        clock.set(START + 5 * HOUR);
        assertThat(create(2)).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(clockMs()).isBetween(right, right + 1000);
        assertThat(sets()).singleElement().isEqualTo(clockMs());
    }

    /** The third engine is down: who of the two is right is what was written before. */
    @Test
    void ofTwoClocksTheOneIsWrongThatIsBehindWhatWasWrittenOrElseTheOneAhead() throws Exception {
        controller.leaderStarted(1);
        assertThat(create(1)).isEqualTo(ItemCode.ITEM_CODE_OK);
        raft.clocks(3, right);
        clock.set(START - HOUR);
        assertThat(create(2)).isEqualTo(ItemCode.ITEM_CODE_OK);
        clock.set(START + HOUR);
        assertThat(create(3)).isEqualTo(ItemCode.ITEM_CODE_OK);
        clock.set(right);
        raft.clocks(3, START - HOUR);
        assertThat(create(4)).isEqualTo(ItemCode.ITEM_CODE_OK);
        raft.clocks(3, START + HOUR);
        assertThat(create(5)).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(clockMs()).isEqualTo(right);
        assertThat(sets()).isEmpty();
    }

    /** The cluster was made by engines whose clocks were ahead. */
    @Test
    void theRegistrysClockIsSetToWhatMostShow() throws Exception {
        clock.set(START + HOUR);
        controller.leaderStarted(1);
        assertThatRefused(1);
        raft.clocks(3, right, right);
        awaitCreated(2);
        assertThat(clockMs()).isEqualTo(right);
        assertThat(sets()).containsExactly(right);
    }

    @Test
    void itIsSetOnlyOnceAllEnginesKnowHow() throws Exception {
        raft.agree(EntryFormats.WITH_CLOCK_SET - 1);
        controller.leaderStarted(1);
        assertThat(create(1)).isEqualTo(ItemCode.ITEM_CODE_OK);
        right = START + HOUR;
        clock.set(right);
        assertThat(create(2)).as("as before there was such a record").isEqualTo(ItemCode.ITEM_CODE_OK);
        right = START;
        clock.set(right);
        assertThatRefused(3);
        assertThat(sets()).isEmpty();
        raft.agree(EntryFormats.WITH_CLOCK_SET);
        awaitCreated(4);
        assertThat(sets()).containsExactly(right);
    }

    private void assertThatRefused(int number) {
        assertThatThrownBy(() -> create(number))
                .cause()
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION));
    }

    /** What was refused just now, and what comes next, may be decided at the same time. */
    private void awaitCreated(int number) {
        await().atMost(LIMIT).ignoreExceptions().until(() -> create(number) == ItemCode.ITEM_CODE_OK);
    }

    /** Asks as a client does whose clock is right; by a number always in the same words. */
    private ItemCode create(int number) throws ExecutionException, InterruptedException, TimeoutException {
        var unit = NewUnit.newBuilder()
                .setName("u" + number + ".service")
                .setText("[Service]\nExecStart=/bin/true\n")
                .setTargetState(TargetState.TARGET_STATE_INACTIVE);
        return writes
                .createUnits(
                        CreateUnitsRequest.newBuilder()
                                .setRequestId(
                                        RequestId.newBuilder().setId(id(number)).setIssuedAtMs(right))
                                .addUnits(unit)
                                .build(),
                        LIMIT)
                .get(LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                .getResultsList()
                .stream()
                .map(ItemResult::getCode)
                .findFirst()
                .orElseThrow();
    }

    private static ByteString id(int number) {
        return ByteString.copyFromUtf8(String.format("%016d", number));
    }

    private long clockMs() {
        return registry.<Long>read(RegistryView::clockMs);
    }

    /** What the registry's clock was set to. */
    private List<Long> sets() {
        return records()
                .filter(Record::hasClockSet)
                .map(record -> record.getClockSet().getToMs())
                .toList();
    }

    private List<String> created() {
        return records()
                .filter(Record::hasUnitCreated)
                .map(record -> record.getUnitCreated().getName())
                .toList();
    }

    private Stream<Record> records() {
        return raft.entries().stream().flatMap(entry -> entry.getRecordsList().stream());
    }
}
