package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.Registry;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is at fault fails alone: its batch goes on, and the leader stays. */
class FaultyDecisionsTest {
    private static final Instant NOW = Instant.ofEpochSecond(1_800_000_000);

    private final Registry registry = new Registry(1000);
    private final MemoryLog raft = new MemoryLog(registry);
    private final LinkedBlockingQueue<String> leadership = new LinkedBlockingQueue<>();
    private final Controller controller = new Controller(
            new Controller.Inputs("e1", registry, raft, InstantSource.fixed(NOW), new Random(7)),
            new Recorded(),
            new NoMetrics(),
            Runnable::run);
    private int ids;

    @BeforeEach
    void lead() throws Exception {
        controller.start();
        controller.leaderStarted(1);
        assertThat(leadership.poll(10, TimeUnit.SECONDS)).isEqualTo("leading 1");
        get(controller.openSession(SessionOpened.newBuilder().setMachineId("m1").build()));
    }

    @AfterEach
    void stayedLeaderToTheEnd() {
        assertThat(leadership).as("changes of leadership").isEmpty();
        controller.close();
    }

    @Test
    void anItemThatThrowsIsAnsweredInternalAndAllElseIsDone() throws Exception {
        var held = hold();
        var before = write(create("a.service"));
        var faulty = write(create("b.service"), throwing("half.service"), create("c.service"));
        var after = write(create("d.service"));
        var session = controller.openSession(
                SessionOpened.newBuilder().setMachineId("m2").build());
        held.countDown();
        assertThat(codes(get(before))).containsExactly(ItemCode.ITEM_CODE_OK);
        assertThat(codes(get(faulty)))
                .containsExactly(ItemCode.ITEM_CODE_OK, ItemCode.ITEM_CODE_INTERNAL, ItemCode.ITEM_CODE_OK);
        assertThat(codes(get(after))).containsExactly(ItemCode.ITEM_CODE_OK);
        assertThat(get(session)).isEqualTo(1);
        assertThat(names()).containsExactly("a.service", "b.service", "c.service", "d.service");
        // What it had half done is not in the scheduler either: its unit can be made, and is placed.
        assertThat(codes(get(write(create("half.service"))))).containsExactly(ItemCode.ITEM_CODE_OK);
        get(write(create("z.service")));
        String machine = registry.read(
                view -> Objects.requireNonNull(view.unit("half.service")).machineId());
        assertThat(machine).isNotNull();
    }

    @Test
    void aStackOverflowIsTheItemsOwnToo() throws Exception {
        Item deep = (draft, out) -> {
            throw new StackOverflowError("test");
        };
        assertThat(codes(get(write(deep, create("a.service")))))
                .containsExactly(ItemCode.ITEM_CODE_INTERNAL, ItemCode.ITEM_CODE_OK);
    }

    @Test
    void aCallWithFaultAfterFaultIsRefusedAsAWhole() throws Exception {
        var items = new ArrayList<Item>();
        var tries = new AtomicInteger();
        for (int i = 0; i < 100; i++) {
            items.add((draft, out) -> {
                tries.incrementAndGet();
                throw new IllegalStateException("test");
            });
        }
        var reply = controller.write(id(), 1, items);
        assertThatThrownBy(() -> get(reply)).cause().satisfies(e -> hasCode(e, Status.Code.INTERNAL));
        assertThat(tries.get()).isLessThan(10);
    }

    @Test
    void anEntryThatCantBeWrittenFailsTheItemAtFault() throws Exception {
        raft.cursed = "c7.service";
        var held = hold();
        var calls = new ArrayList<CompletableFuture<WriteResponse>>();
        for (int call = 0; call < 4; call++) {
            calls.add(write(
                    create("c" + (4 * call) + ".service"),
                    create("c" + (4 * call + 1) + ".service"),
                    create("c" + (4 * call + 2) + ".service"),
                    create("c" + (4 * call + 3) + ".service")));
        }
        held.countDown();
        var codes = new ArrayList<ItemCode>();
        for (var call : calls) {
            codes.addAll(codes(get(call)));
        }
        for (int i = 0; i < 16; i++) {
            assertThat(codes.get(i))
                    .as("item %d", i)
                    .isEqualTo(i == 7 ? ItemCode.ITEM_CODE_INTERNAL : ItemCode.ITEM_CODE_OK);
        }
        assertThat(names()).hasSize(15).doesNotContain("c7.service");
    }

    @Test
    void aReportThatFitsNoEntryIsRefusedAndOthersAreNot() throws Exception {
        var big = StatesReported.newBuilder()
                .setMachineId("m1")
                .setSessionEpoch(1)
                .setSequence(1);
        for (int i = 0; i < 5; i++) {
            big.addStates(UnitState.newBuilder().setName("u" + i + ".service").setError("E".repeat(400_000)));
        }
        var held = hold();
        var refused = controller.report(big.build(), Urgency.SOON);
        var call = write(create("a.service"));
        held.countDown();
        assertThatThrownBy(() -> get(refused)).cause().satisfies(e -> hasCode(e, Status.Code.INVALID_ARGUMENT));
        assertThat(codes(get(call))).containsExactly(ItemCode.ITEM_CODE_OK);
    }

    @Test
    void reasonsOfAnyLengthTakeLittleOfTheLog() throws Exception {
        var items = new ArrayList<Item>();
        for (int i = 0; i < 100; i++) {
            items.add((draft, out) -> answer("\u20ac".repeat(10_000)));
        }
        var response = get(controller.write(id(), 1, items));
        assertThat(codes(response)).hasSize(100).containsOnly(ItemCode.ITEM_CODE_UNCHANGED);
        assertThat(response.getResults(99).getMessage()).hasSize(10_000);
        assertThat(raft.entries()).allMatch(e -> e.getSerializedSize() <= 16_384);
    }

    @Test
    void answersAreCutBeforeTheyAreKept() {
        assertThat(Item.notFound("a".repeat(1 << 20)).getMessage())
                .hasSizeLessThanOrEqualTo(1024)
                .endsWith("(cut, 1048596 bytes)");
    }

    @Test
    void anAnswerThatFitsNoEntryIsToldAndItsReasonNotKept() throws Exception {
        var reply =
                controller.write(id(), 1, List.of(create("a.service"), (draft, out) -> answer("x".repeat(1 << 20))));
        assertThat(codes(get(reply))).containsExactly(ItemCode.ITEM_CODE_OK, ItemCode.ITEM_CODE_UNCHANGED);
    }

    /** Keeps the decision thread busy until it is let go, so that what comes meanwhile is one batch. */
    private CountDownLatch hold() throws Exception {
        var busy = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        var unused = write((draft, out) -> {
            busy.countDown();
            try {
                go.await(10, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return Item.unchanged("held");
        });
        assertThat(busy.await(10, TimeUnit.SECONDS)).isTrue();
        return go;
    }

    private CompletableFuture<WriteResponse> write(Item... items) {
        return controller.write(id(), 1, List.of(items));
    }

    private static Item create(String name) {
        return (draft, out) -> {
            make(name, draft, out);
            return Item.OK;
        };
    }

    private static Item throwing(String name) {
        return (draft, out) -> {
            make(name, draft, out);
            throw new IllegalStateException("test: half done");
        };
    }

    private static void make(String name, Draft draft, List<io.raftfleet.proto.log.Record> out) {
        try {
            var file = UnitFile.parse("[Service]\nExecStart=/bin/true\n");
            draft.create(
                    draft.unit(name),
                    new Submission(name, file, Requirements.of(name, file), ""),
                    TargetState.TARGET_STATE_LAUNCHED,
                    out);
        } catch (InvalidUnitException e) {
            throw new AssertionError(e);
        }
    }

    /** One that was not cut. */
    private static ItemResult answer(String message) {
        return ItemResult.newBuilder()
                .setCode(ItemCode.ITEM_CODE_UNCHANGED)
                .setMessage(message)
                .build();
    }

    private List<String> names() {
        return registry.read(view -> List.copyOf(view.units().keySet()));
    }

    private RequestId id() {
        var bytes = new byte[16];
        bytes[15] = (byte) ++ids;
        return RequestId.newBuilder()
                .setId(ByteString.copyFrom(bytes))
                .setIssuedAtMs(NOW.toEpochMilli())
                .build();
    }

    private static List<ItemCode> codes(WriteResponse response) {
        return response.getResultsList().stream().map(ItemResult::getCode).toList();
    }

    private static void hasCode(@Nullable Throwable failure, Status.Code code) {
        assertThat(failure)
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(code));
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(10, TimeUnit.SECONDS);
    }

    private final class Recorded implements Controller.LeadershipListener {
        @Override
        public void leading(long term) {
            leadership.add("leading " + term);
        }

        @Override
        public void resigned(long term) {
            leadership.add("resigned " + term);
        }
    }
}
