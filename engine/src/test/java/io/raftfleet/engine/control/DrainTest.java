package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.Context;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.identity.Role;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.Registry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A machine's drain from its order to its end, as the leader paces it by what machines report. */
class DrainTest {
    private static final String M1 = "1".repeat(32);
    private static final String M2 = "2".repeat(32);
    private static final String PLAIN = "[Service]\nExecStart=/bin/true\n";
    private static final String GLOBAL = PLAIN + "[X-Fleet]\nGlobal=true\n";
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private final Terms terms = new Terms();
    private final Registry registry = new Registry(1000);
    private final MemoryLog raft = new MemoryLog(registry);
    private final AtomicLong now = new AtomicLong(1_000_000);
    private final Controller controller = new Controller(
            new Controller.Inputs("e1", registry, raft, () -> java.time.Instant.ofEpochMilli(now.get()), new Random(7)),
            terms,
            new NoMetrics(),
            Runnable::run);
    private final LocalWrites writes = new LocalWrites(controller, LocalWrites.AfterCommit.NOTHING);
    private final Map<String, Long> reports = new HashMap<>();
    private int requests;

    @BeforeEach
    void begin() throws InterruptedException {
        controller.start();
        lead(1);
    }

    private void lead(long term) throws InterruptedException {
        controller.leaderStarted(term);
        assertThat(terms.next()).isEqualTo(term);
    }

    @AfterEach
    void close() {
        controller.close();
    }

    @Test
    void unitsLeaveAsOthersArriveGlobalOnesEndLastAndThenItIsDrained() throws Exception {
        open(M1);
        create("everywhere.service", GLOBAL);
        create("a.service", PLAIN);
        create("b.service", PLAIN);
        carryOut();
        open(M2);
        carryOut();
        assertThat(order(M1, drain(1)).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);

        assertThat(on(M1)).as("one has left").hasSize(1);
        var first = on(M2).iterator().next();
        gone(M1, first);
        assertThat(on(M1)).as("it has stopped there, and is not up yet").hasSize(1);
        assertThat(machine(M1).mark().kind()).isEqualTo(MachineMarkKind.MACHINE_MARK_KIND_DRAINING);
        assertThat(globalsOn(M1)).containsExactly("everywhere.service");
        up(M2, first);
        await().untilAsserted(() -> assertThat(on(M1)).isEmpty());
        assertThat(globalsOn(M1)).as("the last unit is not up yet").containsExactly("everywhere.service");
        for (var unit : on(M2)) {
            if (!unit.equals(first)) {
                gone(M1, unit);
                up(M2, unit);
            }
        }
        await().untilAsserted(() -> assertThat(globalsOn(M1)).isEmpty());
        assertThat(machine(M1).mark().kind()).isEqualTo(MachineMarkKind.MACHINE_MARK_KIND_ENDING);
        gone(M1, "everywhere.service");
        await().untilAsserted(() ->
                assertThat(machine(M1).mark().kind()).isEqualTo(MachineMarkKind.MACHINE_MARK_KIND_DRAINED));
        assertThat(globalsOn(M2)).containsExactly("everywhere.service");

        assertThat(order(M1, drain(1)).getCode()).isEqualTo(ItemCode.ITEM_CODE_UNCHANGED);
        assertThat(order(M1, of(MachineOrder.Kind.KIND_UNCORDON)).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(globalsOn(M1)).containsExactly("everywhere.service");
    }

    @Test
    void aDrainThatIsOrderedAgainWhileGlobalUnitsEndStartsNoneOfThemAgain() throws Exception {
        open(M1);
        create("everywhere.service", GLOBAL);
        carryOut();
        order(M1, drain(1));
        await().untilAsserted(() ->
                assertThat(machine(M1).mark().kind()).isEqualTo(MachineMarkKind.MACHINE_MARK_KIND_ENDING));
        for (var again : List.of(
                drain(1), drain(7), drain(1).toBuilder().setDeadlineMs(60_000).build())) {
            var result = order(M1, again);
            assertThat(result.getCode()).isEqualTo(ItemCode.ITEM_CODE_UNCHANGED);
            assertThat(result.getMessage())
                    .isEqualTo(
                            "machine " + M1 + " is being drained: its global units are ending, all others have left");
        }
        assertThat(machine(M1).mark().kind()).isEqualTo(MachineMarkKind.MACHINE_MARK_KIND_ENDING);
        assertThat(globalsOn(M1)).isEmpty();
    }

    @Test
    void whoeverCordonsADrainedMachineGetsACordonedOneWithItsGlobalUnitsAlone() throws Exception {
        open(M1);
        create("everywhere.service", GLOBAL);
        carryOut();
        order(M1, drain(1));
        await().untilAsserted(() -> {
            carryOut();
            assertThat(machine(M1).mark().kind()).isEqualTo(MachineMarkKind.MACHINE_MARK_KIND_DRAINED);
        });

        assertThat(order(M1, cordon()).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(machine(M1).mark().kind()).isEqualTo(MachineMarkKind.MACHINE_MARK_KIND_CORDONED);
        assertThat(globalsOn(M1)).containsExactly("everywhere.service");
        create("a.service", PLAIN);
        assertThat(on(M1)).isEmpty();
        assertThat(order(M1, cordon()).getCode()).isEqualTo(ItemCode.ITEM_CODE_UNCHANGED);
    }

    @Test
    void anotherLeaderGoesOnWithTheDrainAndMovesNoMoreThanItsNumberAtATime() throws Exception {
        open(M1);
        for (int i = 0; i < 6; i++) {
            create("u" + i + ".service", PLAIN);
        }
        carryOut();
        open(M2);
        order(M1, drain(2));
        assertThat(on(M1)).hasSize(4);

        controller.leaderStopped();
        lead(2);
        gone(M1, on(M2).iterator().next());
        assertThat(on(M1))
                .as("what the leader before has moved is under way yet")
                .hasSize(4);
        carryOut();
        await().untilAsserted(() -> assertThat(on(M1)).hasSizeLessThan(4));
        settle();
        assertThat(machine(M1).mark().kind()).isEqualTo(MachineMarkKind.MACHINE_MARK_KIND_DRAINED);
        assertThat(on(M2)).hasSize(6);
    }

    @Test
    void aUnitThatDoesNotComeUpHoldsUpTheOthersForAWhileOnly() throws Exception {
        open(M1);
        create("a.service", PLAIN);
        create("b.service", PLAIN);
        carryOut();
        open(M2);
        order(M1, drain(1));
        gone(M1, on(M2).iterator().next());
        assertThat(on(M1)).hasSize(1);
        controller.drainsGoOn();
        now.addAndGet(DrainPace.PATIENCE.toMillis() - 1);
        controller.drainsGoOn();
        create("c.service", PLAIN); // Decided after that.
        assertThat(on(M1)).hasSize(1);
        now.addAndGet(2);
        controller.drainsGoOn();
        await().untilAsserted(() -> assertThat(on(M1)).isEmpty());
    }

    @Test
    void whenTheDeadlineIsOverWhatFitsNowhereIsStopped() throws Exception {
        open(M1);
        create("a.service", PLAIN);
        carryOut();
        order(M1, drain(1).toBuilder().setDeadlineMs(60_000).build());
        assertThat(on(M1)).as("no other machine is there").containsExactly("a.service");
        now.addAndGet(59_000);
        controller.drainsGoOn();
        create("b.service", PLAIN);
        assertThat(on(M1)).containsExactly("a.service");
        now.addAndGet(2_000);
        controller.drainsGoOn();
        await().untilAsserted(() -> assertThat(on(M1)).isEmpty());
        gone(M1, "a.service");
        await().untilAsserted(() ->
                assertThat(machine(M1).mark().kind()).isEqualTo(MachineMarkKind.MACHINE_MARK_KIND_DRAINED));
    }

    @Test
    void whenTheDeadlineIsOverWhatIsNotUpElsewhereYetEndsAllTheSame() throws Exception {
        open(M1);
        create("a.service", PLAIN + "\n[X-Fleet]\nStartFirst=true\n");
        create("slow.service", PLAIN);
        carryOut();
        open(M2);
        order(M1, drain(1).toBuilder().setDeadlineMs(300_000).build());
        await().untilAsserted(() -> assertThat(on(M2)).contains("a.service"));
        now.addAndGet(299_000);
        controller.drainsGoOn();
        controller.drainsGoOn();
        create("b.service", PLAIN); // Decided on after them.
        assertThat(machine(M1).mark().kind()).isEqualTo(MachineMarkKind.MACHINE_MARK_KIND_DRAINING);
        now.addAndGet(2_000);
        controller.drainsGoOn();
        await().untilAsserted(() -> assertThat(on(M1)).isEmpty());
        controller.drainsGoOn();
        create("c.service", PLAIN);
        assertThat(machine(M1).mark().kind())
                .as("what stops by itself is waited for, as global units end last")
                .isEqualTo(MachineMarkKind.MACHINE_MARK_KIND_DRAINING);
        gone(M1, "slow.service");
        controller.drainsGoOn();
        await().untilAsserted(() ->
                assertThat(machine(M1).mark().kind()).isEqualTo(MachineMarkKind.MACHINE_MARK_KIND_ENDING));
        assertThat(registry.<Set<String>>read(view -> new TreeSet<>(view.departuresFrom(M1))))
                .containsExactly("a.service");
        assertThat(registry.<UnitState>read(view -> view.state("slow.service", M2)))
                .as("what has moved is not up there")
                .isNull();
        gone(M1, "a.service");
        controller.drainsGoOn();
        await().untilAsserted(() ->
                assertThat(machine(M1).mark().kind()).isEqualTo(MachineMarkKind.MACHINE_MARK_KIND_DRAINED));
    }

    @Test
    void aCordonStopsADrainInTheMiddle() throws Exception {
        open(M1);
        create("a.service", PLAIN);
        create("b.service", PLAIN);
        carryOut();
        open(M2);
        order(M1, drain(1));
        assertThat(order(M1, cordon()).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        carryOut();
        create("c.service", PLAIN);
        assertThat(on(M1)).hasSize(1);
        assertThat(on(M2)).contains("c.service");
        assertThat(order(M1, cordon()).getCode()).isEqualTo(ItemCode.ITEM_CODE_UNCHANGED);
    }

    @Test
    void badOrdersAreRefusedInClearWords() throws Exception {
        open(M1);
        assertThat(order(M2, cordon()).getMessage()).isEqualTo("machine " + M2 + " is unknown");
        assertThat(order(M1, of(MachineOrder.Kind.KIND_UNSPECIFIED)).getCode()).isEqualTo(ItemCode.ITEM_CODE_INVALID);
        assertThat(order(M1, drain(1001)).getMessage()).contains("order.max_parallel: it is 1001; at most 1000");
        assertThat(order(M1, of(MachineOrder.Kind.KIND_UNCORDON)).getMessage()).contains("is not cordoned");
        assertThat(order(M1, of(MachineOrder.Kind.KIND_FORGET)).getMessage())
                .isEqualTo("machine " + M1 + " is present: it can be forgotten once it is lost");
        raft.agree(EntryFormats.WITH_MARKS - 1);
        assertThat(order(M1, cordon()).getMessage()).contains("upgrade all engines first");
        assertThat(raft.entries().getLast().getFormat()).isLessThan(EntryFormats.WITH_MARKS);
    }

    @Test
    void aLostMachineSaysSinceWhenAndCanBeForgotten() throws Exception {
        open(M1);
        open(M2);
        create("a.service", PLAIN);
        carryOut();
        now.set(5_000_000);
        controller.silent(M1, machine(M1).sessionEpoch(), "silent", true);
        await().untilAsserted(() -> assertThat(machine(M1).present()).isFalse());
        assertThat(machine(M1).lostMs()).isEqualTo(5_000_000);
        assertThat(order(M1, cordon()).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(order(M1, of(MachineOrder.Kind.KIND_FORGET)).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(registry.<Boolean>read(view -> view.machine(M1) == null)).isTrue();
        assertThat(on(M2)).containsExactly("a.service");
        open(M1);
        assertThat(machine(M1).mark().cordoned()).as("it is a new one").isFalse();
    }

    @Test
    void whatIsDecidedSaysWhyAndWhoAskedForIt() throws Exception {
        var alice = new Caller(Caller.Kind.USER, "alice", Optional.of(Role.ADMIN)).in(Context.ROOT);
        open(M1);
        alice.call(() -> {
            create("a.service", PLAIN);
            open(M2);
            return order(M1, drain(1));
        });
        await().untilAsserted(() -> assertThat(on(M2)).containsExactly("a.service"));
        controller.silent(M2, machine(M2).sessionEpoch(), "silent for 5 s", true);
        await().untilAsserted(() -> assertThat(on(M2)).isEmpty());
        assertThat(events())
                .containsSubsequence(
                        "the cluster was created",
                        "joined",
                        "submitted, to be launched, by user/alice",
                        "scheduled to 11111111...: least loaded",
                        "draining, by user/alice",
                        "scheduled to 22222222...: machine " + M1 + " is drained",
                        "lost: silent for 5 s");
        assertThat(events().getLast()).startsWith("taken off 22222222...: can't stay on machine " + M2 + ": ");
        raft.agree(EntryFormats.WITH_EVENTS - 1);
        int before = events().size();
        create("b.service", PLAIN);
        assertThat(raft.entries().getLast().getFormat()).isLessThan(EntryFormats.WITH_EVENTS);
        assertThat(events()).as("while an engine keeps none").hasSize(before);
    }

    @Test
    void aChangeOfTheLeaderIsToldWithTheFirstEntryOfTheNewOne() throws Exception {
        open(M1);
        controller.leaderStopped();
        lead(2);
        long entries = raft.entries().size();
        open(M2);
        assertThat(events()).endsWith("engine e1 leads", "joined");
        assertThat(raft.entries()).as("in no entry of its own").hasSize((int) entries + 1);
        create("a.service", PLAIN);
        assertThat(events().stream().filter("engine e1 leads"::equals)).hasSize(2);
    }

    private List<String> events() {
        return registry.read(view -> view.happenedAfter(0).stream()
                .map(event -> view.message(event).getMessage())
                .toList());
    }

    // --- Orders and machines -----------------------------------------------------------------------------------------

    private static MachineOrder of(MachineOrder.Kind kind) {
        return MachineOrder.newBuilder().setKind(kind).build();
    }

    private static MachineOrder cordon() {
        return of(MachineOrder.Kind.KIND_CORDON);
    }

    private static MachineOrder drain(int parallel) {
        return MachineOrder.newBuilder()
                .setKind(MachineOrder.Kind.KIND_DRAIN)
                .setMaxParallel(parallel)
                .build();
    }

    private RequestId id() {
        return RequestId.newBuilder()
                .setId(ByteString.copyFromUtf8(String.format("%016d", ++requests)))
                .setIssuedAtMs(now.get())
                .build();
    }

    private ItemResult order(String machine, MachineOrder order) throws Exception {
        return writes.patchMachines(
                        PatchMachinesRequest.newBuilder()
                                .setRequestId(id())
                                .addPatches(MachinePatch.newBuilder()
                                        .setMachineId(machine)
                                        .setOrder(order))
                                .build(),
                        LIMIT)
                .get(10, TimeUnit.SECONDS)
                .getResults(0);
    }

    private void create(String name, String text) throws Exception {
        var result = writes.createUnits(
                        CreateUnitsRequest.newBuilder()
                                .setRequestId(id())
                                .addUnits(NewUnit.newBuilder()
                                        .setName(name)
                                        .setText(text)
                                        .setTargetState(TargetState.TARGET_STATE_LAUNCHED))
                                .build(),
                        LIMIT)
                .get(10, TimeUnit.SECONDS);
        assertThat(result.getResults(0).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
    }

    private void open(String machine) throws Exception {
        long unused = controller
                .openSession(SessionOpened.newBuilder().setMachineId(machine).build())
                .get(10, TimeUnit.SECONDS);
    }

    private void report(String machine, StatesReported.Builder report) throws Exception {
        controller
                .report(
                        report.setMachineId(machine)
                                .setSessionEpoch(machine(machine).sessionEpoch())
                                .setSequence(reports.merge(machine, 1L, Long::sum))
                                .build(),
                        Urgency.SOON)
                .get(10, TimeUnit.SECONDS);
    }

    private void gone(String machine, String unit) throws Exception {
        report(machine, StatesReported.newBuilder().addGone(unit));
    }

    private void up(String machine, String unit) throws Exception {
        report(machine, StatesReported.newBuilder().addStates(active(unit)));
    }

    private UnitState active(String name) {
        var unit = Objects.requireNonNull(registry.read(view -> view.unit(name)));
        return UnitState.newBuilder()
                .setName(name)
                .setLoadState("loaded")
                .setActiveState("active")
                .setSubState("running")
                .setHash(unit.hash().toByteString())
                .setLaunched(true)
                .setStartGeneration(unit.startGeneration())
                .build();
    }

    /** Machines do all that they are to, once. */
    private void carryOut() throws Exception {
        for (var machine : List.of(M1, M2)) {
            if (registry.read(view -> view.present(machine))) {
                for (var unit : registry.read(view -> List.copyOf(view.departuresFrom(machine)))) {
                    gone(machine, unit);
                }
                var names = new ArrayList<>(on(machine));
                names.addAll(globalsOn(machine));
                for (var unit : names) {
                    up(machine, unit);
                }
            }
        }
    }

    private void settle() throws Exception {
        for (int round = 0; round < 20; round++) {
            carryOut();
        }
    }

    private MachineRecord machine(String id) {
        return Objects.requireNonNull(registry.read(view -> view.machine(id)));
    }

    private Set<String> on(String machine) {
        return registry.<Set<String>>read(view -> new TreeSet<>(view.scheduledTo(machine)));
    }

    private List<String> globalsOn(String machine) {
        return registry.read(view -> view.wantedGlobals().stream()
                .filter(name -> view.assigned(
                        Objects.requireNonNull(view.unit(name)), Objects.requireNonNull(view.machine(machine))))
                .toList());
    }
}
