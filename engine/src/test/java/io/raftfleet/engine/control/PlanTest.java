package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.fleet.PlanRequest;
import io.raftfleet.proto.fleet.PlanResponse;
import io.raftfleet.proto.fleet.PlannedPlace;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.proto.model.Veto;
import io.raftfleet.state.Registry;
import io.raftfleet.state.raft.RaftConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** What is planned is what comes of it, and planning changes nothing. */
class PlanTest {
    private static final List<String> MACHINES =
            List.of("1".repeat(32), "2".repeat(32), "3".repeat(32), "4".repeat(32));
    private static final List<String> UNITS =
            List.of("a.service", "b.service", "c.service", "d.service", "e.service", "w@1.service", "w@2.service");
    private static final String PLAIN = "[Service]\nExecStart=/bin/true\n";
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final long NOW = 1_000_000;

    private final Terms terms = new Terms();
    private final Registry registry = new Registry(1000);
    private final MemoryLog raft = new MemoryLog(registry);
    private final Controller controller = new Controller(
            new Controller.Inputs("e1", registry, raft, () -> java.time.Instant.ofEpochMilli(NOW), new Random(7)),
            terms,
            new NoMetrics(),
            Runnable::run);
    private final LocalWrites writes = new LocalWrites(controller, LocalWrites.AfterCommit.NOTHING);
    private final Map<String, Long> reports = new HashMap<>();
    private int requests;

    @BeforeEach
    void begin() throws InterruptedException {
        controller.start();
        controller.leaderStarted(1);
        assertThat(terms.next()).isEqualTo(1);
    }

    @AfterEach
    void close() {
        controller.close();
    }

    @RepeatedTest(60)
    void whatIsPlannedIsWhatComesOfItAndPlanningChangesNothing() throws Exception {
        long seed = new Random().nextLong();
        var random = new Random(seed);
        for (var machine : MACHINES) {
            open(machine, Map.of("disk", random.nextBoolean() ? "ssd" : "hdd"));
        }
        for (int step = 0; step < 12; step++) {
            get(writes.createUnits(creating(random, true).setRequestId(id()).build(), LIMIT));
        }
        for (int step = 0; step < 8; step++) {
            if (random.nextInt(4) == 0) {
                var targets = SetTargetStatesRequest.newBuilder()
                        .addChanges(TargetStateChange.newBuilder()
                                .setName(UNITS.get(random.nextInt(UNITS.size())))
                                .setTargetState(
                                        random.nextBoolean()
                                                ? TargetState.TARGET_STATE_INACTIVE
                                                : TargetState.TARGET_STATE_LAUNCHED));
                var planned =
                        planned(PlanRequest.newBuilder().setTargets(targets).build(), seed);
                assertThat(get(writes.setTargetStates(targets.setRequestId(id()).build(), LIMIT))
                                .getResultsList())
                        .as("seed %s", seed)
                        .isEqualTo(planned.getTargetsList());
                assertPlaces(planned, seed);
            } else {
                var create = creating(random, random.nextBoolean());
                var planned = planned(PlanRequest.newBuilder().setCreate(create).build(), seed);
                assertThat(get(writes.createUnits(create.setRequestId(id()).build(), LIMIT))
                                .getResultsList())
                        .as("seed %s", seed)
                        .isEqualTo(planned.getCreateList());
                assertPlaces(planned, seed);
            }
        }
    }

    @RepeatedTest(20)
    void whatIsPlannedOfADrainIsWhatComesOfIt() throws Exception {
        long seed = new Random().nextLong();
        var random = new Random(seed);
        for (var machine : MACHINES) {
            open(machine, Map.of("disk", random.nextInt(4) == 0 ? "ssd" : "hdd"));
        }
        for (int step = 0; step < 12; step++) {
            get(writes.createUnits(creating(random, true).setRequestId(id()).build(), LIMIT));
        }
        carryOut();
        var machine = MACHINES.get(random.nextInt(MACHINES.size()));
        var order = PatchMachinesRequest.newBuilder().addPatches(drain(machine));
        var planned = planned(PlanRequest.newBuilder().setMachines(order).build(), seed);
        assertThat(planned.getMachinesList())
                .containsExactly(
                        ItemResult.newBuilder().setCode(ItemCode.ITEM_CODE_OK).build());
        get(writes.patchMachines(order.setRequestId(id()).build(), LIMIT));
        for (int round = 0; round < 20; round++) {
            carryOut();
        }
        assertPlaces(planned, seed);
        assertThat(on(machine))
                .as("what can't leave, seed %s", seed)
                .isEqualTo(planned.getPlacesList().stream()
                        .filter(place -> place.getMachineAfter().equals(machine))
                        .map(PlannedPlace::getUnit)
                        .sorted()
                        .toList());
    }

    @Test
    void saysWhyNothingSuitsAndWhatElseWouldMove() throws Exception {
        open(MACHINES.get(0), Map.of("disk", "hdd", "here", "yes"));
        create("old.service", PLAIN);
        open(MACHINES.get(1), Map.of("disk", "hdd"));
        var plan = plan(PlanRequest.newBuilder()
                .setCreate(CreateUnitsRequest.newBuilder()
                        .addUnits(launched("ssd.service", PLAIN + "[X-Fleet]\nMachineMetadata=disk=ssd\n"))
                        .addUnits(launched(
                                "new.service", PLAIN + "[X-Fleet]\nReplaces=old.service\nMachineMetadata=here=yes\n"))
                        .addUnits(launched("bad.service", "[Service]\nExecStart=/bin/true\n[X-Fleet]\nNoSuch=1\n"))
                        .addUnits(launched("old.service", PLAIN)))
                .build());
        assertThat(plan.getCreateList().stream().map(ItemResult::getCode))
                .containsExactly(
                        ItemCode.ITEM_CODE_OK,
                        ItemCode.ITEM_CODE_OK,
                        ItemCode.ITEM_CODE_INVALID,
                        ItemCode.ITEM_CODE_UNCHANGED);
        assertThat(plan.getPlacesList().stream().map(PlannedPlace::getUnit))
                .containsExactly("ssd.service", "new.service", "old.service");
        assertThat(plan.getPlaces(0).getVetoesList().stream().map(Veto::getMessage))
                .containsExactly("metadata disk=ssd: 0 of 2 machines");
        assertThat(plan.getPlaces(1).getMachineAfter()).isEqualTo(MACHINES.get(0));
        var moved = plan.getPlaces(2);
        assertThat(moved.getMachineBefore()).isEqualTo(MACHINES.get(0));
        assertThat(moved.getMachineAfter()).isEqualTo(MACHINES.get(1));
        assertThat(moved.getReason()).contains("Replaces=old.service");
    }

    @Test
    void refusesMoreThanAThousandItemsAndOrdersOtherThanOneDrain() throws Exception {
        var many = CreateUnitsRequest.newBuilder();
        for (int i = 0; i <= 1_000; i++) {
            many.addUnits(launched("u" + i + ".service", PLAIN));
        }
        assertThatThrownBy(() -> plan(PlanRequest.newBuilder().setCreate(many).build()))
                .hasMessageContaining("1001 items; at most 1000");
        assertThatThrownBy(() -> plan(PlanRequest.newBuilder()
                        .setMachines(PatchMachinesRequest.newBuilder()
                                .addPatches(drain(MACHINES.get(0)))
                                .addPatches(drain(MACHINES.get(1))))
                        .build()))
                .hasMessageContaining("one to drain one machine alone");
    }

    @Test
    void whoPlansOnAndOnHoldsUpNoWrite() throws Exception {
        open(MACHINES.getFirst(), Map.of());
        var over = new AtomicBoolean();
        planOnAndOn(over);
        create("a.service", PLAIN);
        over.set(true);
    }

    private void planOnAndOn(AtomicBoolean over) {
        var unused = writes.plan(PlanRequest.getDefaultInstance(), LIMIT).thenAccept(plan -> {
            if (!over.get()) {
                planOnAndOn(over);
            }
        });
    }

    @Test
    void isRefusedOnceItTakesTooLong() throws Exception {
        var items = CreateUnitsRequest.newBuilder();
        for (int i = 0; i < 100; i++) {
            items.addUnits(launched("u" + i + ".service", PLAIN));
        }
        var asked = new PlanWork.Asked(Items.of(items.build(), ""), List.of(), List.of(), List.of(), null);
        for (long each : List.of(10L, 100L)) {
            var nanos = new AtomicLong();
            var work = new PlanWork(registry, asked, () -> nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(each)));
            var scheduler = registry.read(Draft::scheduler);
            var draft =
                    new Draft(registry, scheduler, new Budget(0, Long.MAX_VALUE), RaftConfig.ENTRY_FORMAT, new Batch());
            if (each == 10) {
                assertThat(work.decide(new Batch(), draft, NOW)).isTrue();
                assertThat(work.answer()).isCompleted();
            } else {
                assertThatThrownBy(() -> work.decide(new Batch(), draft, NOW))
                        .hasMessageContaining("more than 2 s")
                        .hasMessageContaining("plan fewer units at once");
            }
            assertThat(scheduler.hasWork()).as("nothing is left of it").isFalse();
        }
    }

    @Test
    void isRefusedByAnEngineThatDoesNotLead() {
        controller.leaderStopped();
        assertThatThrownBy(() -> plan(PlanRequest.getDefaultInstance())).hasMessageContaining("does not lead");
    }

    /** Also checks that nothing is written, that it comes out the same twice, and that reasons of waiting units stay as they were. */
    private PlanResponse planned(PlanRequest request, long seed) throws Exception {
        var reasons = controller.explain(UNITS).get(10, TimeUnit.SECONDS);
        int entries = raft.entries().size();
        var before = registry.digest();
        var planned = plan(request);
        assertThat(plan(request)).as("the same again, seed %s", seed).isEqualTo(planned);
        assertThat(registry.digest()).as("seed %s", seed).isEqualTo(before);
        assertThat(controller.explain(UNITS).get(10, TimeUnit.SECONDS))
                .as("seed %s", seed)
                .isEqualTo(reasons);
        assertThat(raft.entries()).as("seed %s", seed).hasSize(entries);
        return planned;
    }

    private void assertPlaces(PlanResponse planned, long seed) {
        for (var place : planned.getPlacesList()) {
            var unit = Objects.requireNonNull(registry.read(view -> view.unit(place.getUnit())));
            assertThat(Objects.requireNonNullElse(unit.machineId(), ""))
                    .as("%s, seed %s, of %s", place.getUnit(), seed, planned)
                    .isEqualTo(place.getMachineAfter());
        }
    }

    private static CreateUnitsRequest.Builder creating(Random random, boolean replace) {
        var create = CreateUnitsRequest.newBuilder().setReplace(replace);
        for (int i = random.nextInt(4); i >= 0; i--) {
            var name = UNITS.get(random.nextInt(UNITS.size()));
            create.addUnits(launched(name, text(random)));
        }
        return create;
    }

    private static String text(Random random) {
        var text = new StringBuilder(PLAIN + "[X-Fleet]\n");
        while (random.nextInt(2) == 0) {
            var other = UNITS.get(random.nextInt(UNITS.size()));
            text.append(
                    switch (random.nextInt(6)) {
                        case 0, 1 -> "MachineOf=" + other;
                        case 2 -> "Conflicts=" + (random.nextBoolean() ? other : "w@*.service");
                        case 3 -> "Replaces=" + other;
                        case 4 -> "MachineMetadata=disk=" + (random.nextBoolean() ? "ssd" : "hdd");
                        default -> "MachineID=" + MACHINES.get(random.nextInt(MACHINES.size()));
                    });
            text.append('\n');
        }
        return text.toString();
    }

    private static NewUnit.Builder launched(String name, String text) {
        return NewUnit.newBuilder().setName(name).setText(text).setTargetState(TargetState.TARGET_STATE_LAUNCHED);
    }

    private static MachinePatch drain(String machine) {
        return MachinePatch.newBuilder()
                .setMachineId(machine)
                .setOrder(MachineOrder.newBuilder().setKind(MachineOrder.Kind.KIND_DRAIN))
                .build();
    }

    private void create(String name, String text) throws Exception {
        var create = CreateUnitsRequest.newBuilder().setRequestId(id()).addUnits(launched(name, text));
        assertThat(get(writes.createUnits(create.build(), LIMIT)).getResults(0).getCode())
                .isEqualTo(ItemCode.ITEM_CODE_OK);
    }

    private PlanResponse plan(PlanRequest request) throws Exception {
        return writes.plan(request, LIMIT).get(10, TimeUnit.SECONDS);
    }

    private static WriteResponse get(CompletableFuture<WriteResponse> write) throws Exception {
        return write.get(10, TimeUnit.SECONDS);
    }

    private RequestId id() {
        return RequestId.newBuilder()
                .setId(ByteString.copyFromUtf8(String.format("%016d", ++requests)))
                .setIssuedAtMs(NOW)
                .build();
    }

    private void open(String machine, Map<String, String> metadata) throws Exception {
        long unused = controller
                .openSession(SessionOpened.newBuilder()
                        .setMachineId(machine)
                        .putAllMetadata(metadata)
                        .build())
                .get(10, TimeUnit.SECONDS);
    }

    private List<String> on(String machine) {
        return registry.read(view -> view.scheduledTo(machine).stream().sorted().toList());
    }

    /** Machines do all that they are to, once. */
    private void carryOut() throws Exception {
        for (var machine : MACHINES) {
            var report = StatesReported.newBuilder();
            registry.read(view -> List.copyOf(view.departuresFrom(machine))).forEach(report::addGone);
            for (var name : new ArrayList<>(on(machine))) {
                var unit = Objects.requireNonNull(registry.read(view -> view.unit(name)));
                report.addStates(UnitState.newBuilder()
                        .setName(name)
                        .setLoadState("loaded")
                        .setActiveState("active")
                        .setSubState("running")
                        .setHash(unit.hash().toByteString())
                        .setLaunched(true)
                        .setStartGeneration(unit.startGeneration()));
            }
            controller
                    .report(
                            report.setMachineId(machine)
                                    .setSessionEpoch(
                                            Objects.requireNonNull(registry.read(view -> view.machine(machine)))
                                                    .sessionEpoch())
                                    .setSequence(reports.merge(machine, 1L, Long::sum))
                                    .build(),
                            Urgency.SOON)
                    .get(10, TimeUnit.SECONDS);
        }
    }
}
