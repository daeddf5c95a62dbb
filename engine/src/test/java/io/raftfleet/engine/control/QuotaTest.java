package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.log.UnitRestored;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A registry at its quota refuses what makes it larger, item by item, and takes everything else. */
class QuotaTest {
    private static final InstantSource CLOCK = InstantSource.fixed(Instant.ofEpochSecond(1_800_000_000));
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final String SMALL = "[Service]\nExecStart=/bin/true\n";
    private static final String MACHINE = "0123456789abcdef0123456789abcdef";

    private final Registry registry = new Registry(1000);
    private final MemoryLog raft = new MemoryLog(registry);
    private final AtomicLong quota = new AtomicLong(Long.MAX_VALUE);
    private final Terms terms = new Terms();
    private int requests;
    private @Nullable Controller controller;

    @AfterEach
    void close() {
        if (controller != null) {
            controller.close();
        }
    }

    @Test
    void unitsAreTakenUpToTheQuotaAndRefusedBeyondItEachForItself() throws Exception {
        var writes = lead(null);
        quota.set(held() + 1_000_000);
        var units = IntStream.range(0, 10).mapToObj(i -> unit("u" + i + ".service", large(i)));
        var answer = get(writes.createUnits(request(units.toList(), false), LIMIT));
        assertThat(codes(answer).subList(0, 9)).containsOnly(ItemCode.ITEM_CODE_OK);
        assertThat(answer.getResults(9).getCode()).isEqualTo(ItemCode.ITEM_CODE_RESOURCE_EXHAUSTED);
        assertThat(answer.getResults(9).getMessage())
                .contains("unit u9.service", "MiB", "quota", "destroy units", "registry_quota");
        assertThat(held()).isLessThanOrEqualTo(quota.get());
    }

    @Test
    void contentsThatManyUnitsShareCountOnce() throws Exception {
        var writes = lead(null);
        quota.set(held() + 1_000_000);
        var units = IntStream.range(0, 500)
                .mapToObj(i -> unit("u" + i + ".service", large(1)))
                .toList();
        assertThat(codes(get(writes.createUnits(request(units, false), LIMIT)))).containsOnly(ItemCode.ITEM_CODE_OK);
    }

    @Test
    void whatIsRefusedForWantOfRoomTakesNone() throws Exception {
        var writes = lead(null);
        quota.set(held());
        int entries = raft.entries().size();
        long before = held();
        var units = IntStream.range(0, 10_000)
                .mapToObj(i -> unit("u" + i + ".service", SMALL))
                .toList();
        var request = request(units, false);
        assertThat(codes(get(writes.createUnits(request, LIMIT)))).containsOnly(ItemCode.ITEM_CODE_RESOURCE_EXHAUSTED);
        assertThat(raft.entries()).hasSize(entries);
        assertThat(held()).isEqualTo(before);

        quota.set(Long.MAX_VALUE);
        assertThat(codes(get(writes.createUnits(request, LIMIT))))
                .as("the same request, once there is room")
                .containsOnly(ItemCode.ITEM_CODE_OK);
    }

    @Test
    void whatDoesNotGrowPassesAtTheQuota() throws Exception {
        var writes = lead(null);
        create(writes, "a.service", large(1));
        create(writes, "b.service", SMALL);
        var many = IntStream.range(0, 100).mapToObj(i -> "c" + i + ".service").toList();
        for (var name : many) {
            create(writes, name, SMALL);
        }
        get(controller()
                .openSession(SessionOpened.newBuilder().setMachineId(MACHINE).build()));
        quota.set(held());

        assertThat(replace(writes, "b.service", large(2))).isEqualTo(ItemCode.ITEM_CODE_RESOURCE_EXHAUSTED);
        assertThat(replace(writes, "a.service", large(3))).as("as large").isEqualTo(ItemCode.ITEM_CODE_REPLACED);
        assertThat(replace(writes, "a.service", SMALL)).as("smaller").isEqualTo(ItemCode.ITEM_CODE_REPLACED);
        quota.set(held());
        assertThat(patch(writes, "disk", "ssd")).isEqualTo(ItemCode.ITEM_CODE_RESOURCE_EXHAUSTED);
        assertThat(patch(writes, "disk", null)).isEqualTo(ItemCode.ITEM_CODE_OK);

        quota.set(1);
        var change =
                TargetStateChange.newBuilder().setName("b.service").setTargetState(TargetState.TARGET_STATE_LAUNCHED);
        assertThat(codes(get(writes.setTargetStates(
                        SetTargetStatesRequest.newBuilder()
                                .setRequestId(id())
                                .addChanges(change)
                                .build(),
                        LIMIT))))
                .containsExactly(ItemCode.ITEM_CODE_OK);
        long epoch = get(controller()
                .openSession(SessionOpened.newBuilder()
                        .setMachineId(MACHINE)
                        .putMetadata("new", "words")
                        .build()));
        get(controller()
                .report(
                        StatesReported.newBuilder()
                                .setMachineId(MACHINE)
                                .setSessionEpoch(epoch)
                                .setSequence(1)
                                .addStates(UnitState.newBuilder()
                                        .setName("b.service")
                                        .setHash(UnitHash.ofText(SMALL).toByteString())
                                        .setActiveState("active"))
                                .build(),
                        Urgency.SOON));
        long before = held();
        var destroyed = get(writes.destroyUnits(
                DestroyUnitsRequest.newBuilder()
                        .setRequestId(id())
                        .addNames("a.service")
                        .addAllNames(many)
                        .build(),
                LIMIT));
        assertThat(codes(destroyed)).containsOnly(ItemCode.ITEM_CODE_OK);
        assertThat(held())
                .as("what is told of a unit that is gone takes as much as a small unit, but not without end")
                .isLessThan(before);
    }

    @Test
    void unitsThatNobodyGaveAMachineCountAgainstTheQuotaFromSomeNumberOn() throws Exception {
        var writes = lead(null);
        create(writes, "known.service", SMALL);
        long epoch = get(controller()
                .openSession(SessionOpened.newBuilder().setMachineId(MACHINE).build()));
        int sequence = 0;
        for (int reports = 0; reports < 4; reports++) {
            tell(epoch, ++sequence, strays(reports * 500, ""));
        }
        assertThat(told()).as("as long as there is room").isEqualTo(2_000);

        long room = registry.read(RegistryView::memory).states() + 100_000;
        quota.set(held() + 100_000);
        for (int reports = 4; reports < 20; reports++) {
            tell(epoch, ++sequence, strays(reports * 500, "e".repeat(400)));
        }
        assertThat(registry.read(RegistryView::memory).states()).isBetween(room - 50_000, room);
        int most = told();
        tell(epoch, ++sequence, strays(0, "e".repeat(400)));
        assertThat(registry.read(RegistryView::memory).states())
                .as("what is said of one that was told of already grows as well")
                .isLessThanOrEqualTo(room);

        tell(epoch, ++sequence, List.of(state("known.service", "e".repeat(400))));
        assertThat(told()).as("of units of the cluster all is taken").isEqualTo(most + 1);
    }

    @Test
    void answersThatAreKeptForRetriesTakeHalfOfTheQuotaAtMost() throws Exception {
        var writes = lead(null);
        quota.set(3 << 20);
        var last = Status.Code.OK;
        long most = 0;
        for (int i = 0; i < 10_000 && last == Status.Code.OK; i++) {
            most = registry.read(RegistryView::memory).requests();
            try {
                get(writes.destroyUnits(
                        DestroyUnitsRequest.newBuilder()
                                .setRequestId(id())
                                .addNames("none.service")
                                .build(),
                        LIMIT));
            } catch (ExecutionException e) {
                last = Status.fromThrowable(e).getCode();
                assertThat(e).hasMessageContainingAll("answers to the writes of the last ten minutes", "half");
            }
        }
        assertThat(last).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(most).isBetween(quota.get() / 2, quota.get() / 2 + 1_000);
    }

    private static List<UnitState> strays(int from, String error) {
        return IntStream.range(from, from + 500)
                .mapToObj(i -> state("stray" + i + ".service", error))
                .toList();
    }

    private static UnitState state(String name, String error) {
        return UnitState.newBuilder()
                .setName(name)
                .setHash(UnitHash.ofText(SMALL).toByteString())
                .setActiveState("active")
                .setError(error)
                .build();
    }

    private void tell(long epoch, long sequence, List<UnitState> states) throws Exception {
        get(controller()
                .report(
                        StatesReported.newBuilder()
                                .setMachineId(MACHINE)
                                .setSessionEpoch(epoch)
                                .setSequence(sequence)
                                .addAllStates(states)
                                .build(),
                        Urgency.SOON));
    }

    private int told() {
        return registry.read(view -> view.statesOn(MACHINE).size());
    }

    @Test
    void anOrphanIsNotAdoptedBeyondTheQuota() throws Exception {
        lead(null);
        get(controller()
                .openSession(SessionOpened.newBuilder().setMachineId(MACHINE).build()));
        quota.set(held());
        var file = UnitFile.parse(SMALL);
        var adopted = controller()
                .adoptOrphan(
                        MACHINE,
                        new Submission("o.service", file, Requirements.of("o.service", file), ""),
                        TargetState.TARGET_STATE_LAUNCHED);
        assertThatThrownBy(() -> get(adopted))
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED));
    }

    @Test
    void aRegistryBeyondTheQuotaIsNotRestoredAndNotByHalf() throws Exception {
        var text = large(1);
        var hash = UnitHash.ofText(text).toByteString();
        quota.set(50_000);
        var asked = new Semaphore(0);
        var writes = start(() -> {
            asked.release();
            return List.of(
                    List.of(Record.newBuilder()
                            .setContentsStored(ContentsStored.newBuilder()
                                    .setContents(UnitContents.newBuilder()
                                            .setHash(hash)
                                            .setText(text)))
                            .build()),
                    List.of(
                            Record.newBuilder()
                                    .setUnitRestored(UnitRestored.newBuilder()
                                            .setName("a.service")
                                            .setHash(hash))
                                    .build(),
                            Record.newBuilder()
                                    .setClusterCreated(ClusterCreated.newBuilder()
                                            .setIncarnation(2)
                                            .setRestoredFrom(1))
                                    .build()));
        });
        assertThat(asked.tryAcquire(2, 10, TimeUnit.SECONDS)).isTrue();
        int contents = registry.read(view -> view.hashesAfter(null).size());
        assertThat(contents).isZero();
        quota.set(Long.MAX_VALUE);
        assertThat(terms.next()).isEqualTo(1);
        assertThat(writes).isNotNull();
    }

    /** 100,000 bytes, each with its own number. */
    private static String large(int number) {
        return SMALL + ("Environment=V" + number % 10 + "=" + "x".repeat(984) + "\n").repeat(100);
    }

    private LocalWrites lead(Controller.@Nullable Beginning beginning) throws InterruptedException {
        var writes = start(beginning);
        assertThat(terms.next()).isEqualTo(1);
        return writes;
    }

    private LocalWrites start(Controller.@Nullable Beginning beginning) {
        var made = new Controller(
                new Controller.Inputs("e1", registry, raft, CLOCK, new Random(7)),
                terms,
                new NoMetrics(),
                Runnable::run,
                quota::get,
                beginning);
        controller = made;
        made.start();
        made.leaderStarted(1);
        return new LocalWrites(made, LocalWrites.AfterCommit.NOTHING);
    }

    private Controller controller() {
        return Objects.requireNonNull(controller);
    }

    private long held() {
        return registry.read(RegistryView::memory).held();
    }

    private void create(LocalWrites writes, String name, String text) throws Exception {
        assertThat(codes(get(writes.createUnits(request(List.of(unit(name, text)), false), LIMIT))))
                .containsExactly(ItemCode.ITEM_CODE_OK);
    }

    private ItemCode replace(LocalWrites writes, String name, String text) throws Exception {
        return codes(get(writes.createUnits(request(List.of(unit(name, text)), true), LIMIT)))
                .getFirst();
    }

    private ItemCode patch(LocalWrites writes, String key, @Nullable String value) throws Exception {
        var patch = MachinePatch.newBuilder().setMachineId(MACHINE).setKey(key);
        if (value != null) {
            patch.setValue(value);
        }
        return codes(get(writes.patchMachines(
                        PatchMachinesRequest.newBuilder()
                                .setRequestId(id())
                                .addPatches(patch)
                                .build(),
                        LIMIT)))
                .getFirst();
    }

    private static NewUnit unit(String name, String text) {
        return NewUnit.newBuilder().setName(name).setText(text).build();
    }

    private CreateUnitsRequest request(List<NewUnit> units, boolean replace) {
        return CreateUnitsRequest.newBuilder()
                .setRequestId(id())
                .setReplace(replace)
                .addAllUnits(units)
                .build();
    }

    private RequestId id() {
        var bytes = new byte[16];
        bytes[15] = (byte) ++requests;
        bytes[14] = (byte) (requests >> 8);
        return RequestId.newBuilder()
                .setId(ByteString.copyFrom(bytes))
                .setIssuedAtMs(CLOCK.millis())
                .build();
    }

    private static List<ItemCode> codes(WriteResponse response) {
        return response.getResultsList().stream().map(ItemResult::getCode).toList();
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(10, TimeUnit.SECONDS);
    }
}
