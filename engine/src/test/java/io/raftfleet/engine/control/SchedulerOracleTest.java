package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import io.raftfleet.engine.oracle.FleetModel;
import io.raftfleet.engine.schedule.Decision;
import io.raftfleet.engine.schedule.Scheduler;
import io.raftfleet.engine.schedule.Upkeep;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.MachineMarked;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Veto;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import io.raftfleet.state.raft.RaftConfig;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * The leader's decisions on random clusters, units and orders of events, compared with {@link FleetModel}: what clients write goes
 * through the checks of the API, decisions into a registry, and the registry says which global units run where. Compared are which
 * units are taken, every decision when it is taken (allowed, on the least loaded machine, nothing moved that could stay), and
 * when nothing is left to decide: who is placed, who waits and for what, which global units machines run, machines' metadata.
 *
 * <p>{@code -Doracle.seeds=N} tries so many seeds, {@code -Doracle.seed=S} begins with that one, as a failure names it.
 */
class SchedulerOracleTest {
    private static final List<String> MACHINES = List.of(
            "0123456789abcdef0123456789abcdef",
            "01234567aaaaaaaaaaaaaaaaaaaaaaaa",
            "5555555555555555aaaaaaaaaaaaaaaa",
            "89abcdef0123456789abcdef01234567",
            "fedcba9876543210fedcba9876543210");
    private static final List<String> UNITS = List.of(
            "a.service",
            "b.service",
            "c.socket",
            "d.timer",
            "e.service",
            "w@1.service",
            "w@2.service",
            "w@3.service",
            "w@1.socket",
            "x.target");
    private static final List<String> GLOBS =
            List.of("w@*.service", "[ab].service", "*", "w@?.*", "x*", "%p@*", "%p.*", "[a-d]*");
    private static final List<String> PAIRS = List.of("disk=ssd", "disk=hdd", "zone=a", "zone=b", "name=%p", "no=%i");
    private static final TargetState[] TARGETS = {
        TargetState.TARGET_STATE_INACTIVE,
        TargetState.TARGET_STATE_LOADED,
        TargetState.TARGET_STATE_LAUNCHED,
        TargetState.TARGET_STATE_LAUNCHED
    };
    private static final Splitter EQUALS = Splitter.on('=').limit(2);

    @Test
    @DisplayName("places, moves and explains as the model of fleet's rules does")
    void decidesAsTheModel() {
        long seeds = Long.getLong("oracle.seeds", 1_500);
        long first = Long.getLong("oracle.seed", ThreadLocalRandom.current().nextLong(1L << 40));
        System.out.println("seeds of the oracle: " + seeds + " from " + first);
        for (long seed = first; seed < first + seeds; seed++) {
            var run = new Run(seed);
            try {
                run.all();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError(
                        "-Doracle.seeds=1 -Doracle.seed=" + seed + "\n" + String.join("\n", run.story) + "\n"
                                + run.model.units.values() + "\n" + run.model.machines.values(),
                        e);
            }
        }
    }

    /** One history. */
    private static final class Run {
        private final SplittableRandom random;
        private final Registry registry = new Registry(100);
        private final List<String> story = new ArrayList<>();
        /** What the registry is to hold. */
        private final FleetModel model = new FleetModel();

        private final int machines;
        private final int units;
        private Scheduler scheduler = new Scheduler();
        private final Standby standby = new Standby(registry, () -> {});
        private long index;

        Run(long seed) {
            random = new SplittableRandom(seed);
            machines = random.nextInt(1, MACHINES.size() + 1);
            units = random.nextInt(2, UNITS.size() + 1);
        }

        void all() {
            registry.addListener(standby);
            commit(List.of(Record.newBuilder()
                    .setClusterCreated(ClusterCreated.newBuilder().setIncarnation(1))
                    .build()));
            for (int step = random.nextInt(5, 40); step > 0; step--) {
                if (random.nextInt(12) == 0) {
                    story.add("another leader");
                    scheduler = registry.read(Draft::scheduler);
                }
                if (random.nextInt(3) == 0) {
                    standby.catchUp();
                }
                if (random.nextInt(4) == 0 && !scheduler.hasWork()) {
                    triesOut();
                }
                if (random.nextInt(12) == 0) {
                    if (random.nextBoolean()) {
                        undecided();
                    }
                    story.add("another leader, that has followed");
                    scheduler = standby.takeOver();
                }
                var draft = new Draft(
                        registry, scheduler, new Budget(0, Long.MAX_VALUE), RaftConfig.ENTRY_FORMAT, new Batch());
                var records = new ArrayList<Record>();
                for (int event = random.nextInt(4) == 0 ? 3 : 1; event > 0; event--) {
                    happens(draft, records);
                }
                decide(draft, records);
                commit(records);
                compare();
            }
        }

        /** Something is planned, which is to leave nothing behind. */
        private void triesOut() {
            story.add("something is tried out");
            scheduler.tryOut(() -> {
                for (int change = random.nextInt(1, 4); change > 0; change--) {
                    var name = UNITS.get(random.nextInt(units));
                    var id = MACHINES.get(random.nextInt(machines));
                    switch (random.nextInt(3)) {
                        case 0 -> scheduler.removeUnit(name);
                        case 1 -> scheduler.putUnit(name, Requirements.NONE, TARGETS[random.nextInt(4)], null);
                        default -> {
                            if (model.machines.containsKey(id)) {
                                var upkeep = random.nextBoolean() ? Upkeep.NONE : new Upkeep(true, true, 2, true);
                                scheduler.putMachine(id, Map.of("disk", "ssd"), random.nextInt(3) > 0, upkeep);
                            }
                        }
                    }
                    while (scheduler.hasWork()) {
                        scheduler.decide(1_000);
                    }
                    scheduler.drains().arrived(Set.copyOf(scheduler.drains().underWay()));
                }
                return true;
            });
        }

        /** Its leader dies before it decides on what has happened. */
        private void undecided() {
            story.add("happens to one that decides no more:");
            var draft =
                    new Draft(registry, scheduler, new Budget(0, Long.MAX_VALUE), RaftConfig.ENTRY_FORMAT, new Batch());
            var records = new ArrayList<Record>();
            happens(draft, records);
            commit(records);
        }

        private void happens(Draft draft, List<Record> records) {
            var name = UNITS.get(random.nextInt(units));
            var id = MACHINES.get(random.nextInt(machines));
            var machine = model.machines.get(id);
            switch (random.nextInt(14)) {
                case 0, 1 -> joins(id, draft, records);
                case 2 -> {
                    var known = draft.machine(id);
                    if (known != null && known.present() && machine != null) {
                        story.add("lost: " + id);
                        records.add(Objects.requireNonNull(draft.lose(known, "silent", true, 0)));
                        model.machines.put(
                                id,
                                new FleetModel.Machine(
                                        id, machine.announced(), machine.patched(), false, machine.place()));
                    }
                }
                case 3 -> {
                    if (machine != null) {
                        patches(machine, draft, records);
                    }
                }
                case 4 -> {
                    story.add("destroy: " + name);
                    boolean known = model.units.remove(name) != null;
                    assertThat(only(Items.destroy(List.of(name), ""), draft, records)
                                    .getCode())
                            .isEqualTo(known ? ItemCode.ITEM_CODE_OK : ItemCode.ITEM_CODE_NOT_FOUND);
                }
                case 5, 6 -> {
                    var target = TARGETS[random.nextInt(TARGETS.length)];
                    story.add("target: " + name + " " + target);
                    var request = SetTargetStatesRequest.newBuilder()
                            .addChanges(
                                    TargetStateChange.newBuilder().setName(name).setTargetState(target))
                            .build();
                    var code = only(Items.of(request, ""), draft, records).getCode();
                    var known = model.units.get(name);
                    assertThat(code == ItemCode.ITEM_CODE_NOT_FOUND).isEqualTo(known == null);
                    if (known != null) {
                        put(known.wanted(target != TargetState.TARGET_STATE_INACTIVE));
                    }
                }
                case 7 -> {
                    if (machine != null) {
                        marks(machine, draft, records);
                    }
                }
                default -> submits(name, draft, records);
            }
        }

        private void marks(FleetModel.Machine machine, Draft draft, List<Record> records) {
            var id = machine.id();
            if (machine.place().equals("draining")
                    && machine.present()
                    && scheduler.drains().isEmpty(id)) {
                story.add("global units end: " + id);
                records.add(draft.further(MachineMarked.newBuilder()
                                .setMachineId(id)
                                .setKind(MachineMarkKind.MACHINE_MARK_KIND_ENDING)
                                .build())
                        .orElseThrow());
                model.machines.put(id, machine.as("ended"));
                return;
            }
            var order = MachineOrder.newBuilder();
            var place = switch (random.nextInt(4)) {
                case 0 -> {
                    order.setKind(MachineOrder.Kind.KIND_CORDON);
                    yield "cordoned";
                }
                case 1 -> {
                    order.setKind(MachineOrder.Kind.KIND_UNCORDON);
                    yield "";
                }
                default -> {
                    order.setKind(MachineOrder.Kind.KIND_DRAIN).setMaxParallel(random.nextInt(4));
                    yield "draining";
                }
            };
            story.add(order.getKind() + " " + order.getMaxParallel() + ": " + id);
            var request = PatchMachinesRequest.newBuilder()
                    .addPatches(MachinePatch.newBuilder().setMachineId(id).setOrder(order))
                    .build();
            var code = only(Items.of(request, ""), draft, records).getCode();
            assertThat(code).isIn(ItemCode.ITEM_CODE_OK, ItemCode.ITEM_CODE_UNCHANGED);
            if (code == ItemCode.ITEM_CODE_OK) {
                model.machines.put(id, machine.as(place));
            }
        }

        private void joins(String id, Draft draft, List<Record> records) {
            var announced = new TreeMap<String, String>();
            for (var pair : List.of("disk=ssd", "disk=hdd", "zone=a", "zone=b", "name=a", "name=w", "no=1")) {
                if (random.nextInt(3) == 0) {
                    var parts = EQUALS.splitToList(pair);
                    announced.put(parts.get(0), parts.get(1));
                }
            }
            story.add("joins: " + id + " " + announced);
            var known = draft.machine(id);
            records.add(draft.open(SessionOpened.newBuilder()
                    .setMachineId(id)
                    .setSessionEpoch(known == null ? 1 : known.sessionEpoch() + 1)
                    .putAllMetadata(announced)
                    .build()));
            var before = model.machines.get(id);
            model.machines.put(
                    id,
                    new FleetModel.Machine(
                            id,
                            announced,
                            before == null ? Map.of() : before.patched(),
                            true,
                            before == null ? "" : before.place()));
        }

        private void patches(FleetModel.Machine machine, Draft draft, List<Record> records) {
            var pair = EQUALS.splitToList(PAIRS.get(random.nextInt(4)));
            var value = random.nextInt(3) == 0 ? "" : pair.get(1);
            story.add("metadata: " + machine.id() + " " + pair.get(0) + "=" + value);
            var patch = MachinePatch.newBuilder().setMachineId(machine.id()).setKey(pair.get(0));
            if (!value.isEmpty()) {
                patch.setValue(value);
            }
            var request = PatchMachinesRequest.newBuilder().addPatches(patch).build();
            assertThat(only(Items.of(request, ""), draft, records).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
            var patched = new TreeMap<>(machine.patched());
            var said = patched.get(pair.get(0));
            boolean there = said == null ? machine.announced().containsKey(pair.get(0)) : !said.isEmpty();
            if (value.isEmpty() && !machine.announced().containsKey(pair.get(0))) {
                patched.remove(pair.get(0)); // Nothing hides what the agent may announce one day.
            } else if (!value.isEmpty() || there) {
                patched.put(pair.get(0), value);
            }
            model.machines.put(
                    machine.id(),
                    new FleetModel.Machine(
                            machine.id(), machine.announced(), patched, machine.present(), machine.place()));
        }

        private void submits(String name, Draft draft, List<Record> records) {
            var lines = lines();
            var target = TARGETS[random.nextInt(TARGETS.length)];
            story.add("submit: " + name + " " + target + " " + lines);
            var text = "[Service]\nExecStart=/bin/true\n"
                    + (lines.isEmpty() ? "" : "\n[X-Fleet]\n" + String.join("\n", lines) + "\n");
            var request = CreateUnitsRequest.newBuilder()
                    .setReplace(true)
                    .addUnits(NewUnit.newBuilder().setName(name).setText(text).setTargetState(target))
                    .build();
            var before = model.units.get(name);
            boolean circular = FleetModel.takes(name, lines)
                    && (before == null || !before.lines().equals(lines))
                    && model.circular(name, lines);
            if (circular && random.nextBoolean()) {
                hasFromBefore(name, text, target, draft, records);
                put(new FleetModel.Unit(
                        name,
                        lines,
                        target != TargetState.TARGET_STATE_INACTIVE,
                        before == null ? "" : before.machine()));
                return;
            }
            var result = only(Items.of(request, ""), draft, records);
            assertThat(result.getCode() != ItemCode.ITEM_CODE_INVALID)
                    .as("is taken: %s %s", lines, result.getMessage())
                    .isEqualTo(FleetModel.takes(name, lines));
            assertThat(result.getCode() == ItemCode.ITEM_CODE_REFUSED)
                    .as("is refused: %s %s", lines, result.getMessage())
                    .isEqualTo(circular);
            if (result.getCode() == ItemCode.ITEM_CODE_OK || result.getCode() == ItemCode.ITEM_CODE_REPLACED) {
                put(new FleetModel.Unit(
                        name,
                        lines,
                        target != TargetState.TARGET_STATE_INACTIVE,
                        before == null ? "" : before.machine()));
            }
        }

        /** A unit that would be refused now, as registries have them that took it at the time. */
        private void hasFromBefore(String name, String text, TargetState target, Draft draft, List<Record> records) {
            story.add("  is there from before");
            try {
                var file = UnitFile.parse(text);
                var wants = Requirements.of(name, file);
                draft.create(draft.unit(name), new Submission(name, file, wants, ""), target, records);
            } catch (InvalidUnitException e) {
                throw new AssertionError(e);
            }
        }

        /** A unit that is not to be on one machine is on none at once. */
        private void put(FleetModel.Unit unit) {
            boolean global = FleetModel.isGlobal(unit);
            model.units.put(unit.name(), unit.wanted() && !global ? unit : unit.movedTo(""));
        }

        private List<String> lines() {
            var lines = new ArrayList<String>();
            while (random.nextInt(5) > 1) {
                var peer = UNITS.get(random.nextInt(units));
                var glob = GLOBS.get(random.nextInt(GLOBS.size()));
                var pair = PAIRS.get(random.nextInt(PAIRS.size()));
                lines.add(
                        switch (random.nextInt(14)) {
                            case 0, 1 -> "MachineOf=" + peer;
                            case 2 -> random.nextBoolean() ? "X-ConditionMachineOf=" + peer : "MachineOf=%p.service";
                            case 3, 4 -> "Conflicts=" + (random.nextBoolean() ? peer : glob);
                            case 5 -> random.nextBoolean() ? "Conflicts=" + peer + " " + glob : "X-Conflicts=" + glob;
                            case 6, 7 -> "Replaces=" + (random.nextInt(3) > 0 ? peer : glob);
                            case 8, 9 -> "MachineMetadata=" + pair;
                            case 10 -> "MachineMetadata=\"" + pair + "\" \"zone=a\"";
                            case 11 -> "X-ConditionMachineMetadata=" + pair;
                            case 12 -> {
                                var id = MACHINES.get(random.nextInt(MACHINES.size()));
                                yield "MachineID=" + (random.nextBoolean() ? id : id.substring(0, 8));
                            }
                            default -> "Global=" + (random.nextInt(4) > 0 ? "true" : "no");
                        });
            }
            return lines;
        }

        private void decide(Draft draft, List<Record> records) {
            for (int rounds = 0;
                    scheduler.hasWork() || !scheduler.drains().underWay().isEmpty();
                    rounds++) {
                assertThat(rounds).as("decisions come to rest").isLessThan(400);
                if (!scheduler.hasWork()) {
                    scheduler.drains().underWay().stream()
                            .sorted()
                            .findFirst()
                            .ifPresent(first -> scheduler.drains().arrived(Set.of(first)));
                }
                for (var decision : scheduler.decide(1_000)) {
                    story.add("  " + decision);
                    check(decision);
                    records.add(draft.schedule(decision));
                    var machine = decision instanceof Decision.Schedule schedule ? schedule.machineId() : "";
                    model.units.put(decision.unit(), unit(decision.unit()).movedTo(machine));
                }
            }
        }

        /** What can be said of one decision when those before it have been taken and those behind it have not. */
        private void check(Decision decision) {
            var unit = unit(decision.unit());
            if (model.together(unit).size() > 1) {
                return; // Their decisions make sense together.
            }
            var drained = model.whereItCouldGo(unit);
            if (!drained.isEmpty() && decision instanceof Decision.Schedule schedule) {
                assertThat(drained).as("machines for %s", unit).contains(schedule.machineId());
                return;
            }
            if (!unit.machine().isEmpty()) {
                assertThat(model.mayStay(unit)).as("%s need not leave", unit).isFalse();
            }
            var decided = decision instanceof Decision.Schedule schedule ? schedule.machineId() : "";
            assertThat(decided)
                    .as("machine of %s", unit)
                    .isEqualTo(model.best(unit).orElse(""));
        }

        private void commit(List<Record> records) {
            var entry = Entry.newBuilder()
                    .setFormat(EntryFormats.needed(records))
                    .addAllRecords(records)
                    .build();
            assertThat(registry.apply(1, ++index, entry).dropped()).allMatch(Objects::isNull);
        }

        private void compare() {
            assertThat(model.faults()).isEmpty();
            registry.read(view -> {
                assertThat(view.units().keySet()).isEqualTo(model.units.keySet());
                for (var unit : view.units().values()) {
                    assertThat(Objects.requireNonNullElse(unit.machineId(), ""))
                            .as("machine of %s in the registry", unit.name())
                            .isEqualTo(unit(unit.name()).machine());
                }
                model.machines.forEach((id, machine) -> {
                    var known = Objects.requireNonNull(view.machine(id));
                    assertThat(known.present()).isEqualTo(machine.present());
                    if (machine.present()) {
                        assertThat(known.metadata()).as("metadata of %s", id).isEqualTo(machine.metadata());
                        var globals = new TreeSet<String>();
                        for (var unit : view.units().values()) {
                            if (unit.global() && view.assigned(unit, known)) {
                                globals.add(unit.name());
                            }
                        }
                        assertThat(globals).as("global units on %s", id).isEqualTo(model.globalsOn(id));
                    }
                });
                return true;
            });
            for (var unit : model.units.values()) {
                var waits = unit.wanted()
                        && !FleetModel.isGlobal(unit)
                        && unit.machine().isEmpty();
                var machine = model.machines.get(unit.machine());
                if (machine != null && machine.present() && !machine.place().isEmpty() && unit.wanted()) {
                    assertThat(reasons(unit).isEmpty())
                            .as("nothing keeps %s on its machine", unit)
                            .isEqualTo(!List.of("draining", "ended").contains(machine.place())
                                    || FleetModel.isGlobal(unit));
                } else {
                    assertThat(reasons(unit))
                            .as("why %s waits", unit)
                            .isEqualTo(waits ? model.reasons(unit) : List.of());
                }
            }
        }

        /** Reasons as the model has them: whose, which requirement, how many machines it leaves. */
        private List<String> reasons(FleetModel.Unit unit) {
            var reasons = new TreeSet<String>();
            for (var veto : scheduler.explain(unit.name())) {
                reasons.add(
                        veto.getRequirement().isEmpty()
                                ? " " + veto.getMatching()
                                : whose(veto, unit.name()) + " "
                                        + FleetModel.requirement(veto.getRequirement(), veto.getMessage()) + " "
                                        + veto.getMatching());
            }
            return List.copyOf(reasons);
        }

        private static String whose(Veto veto, String name) {
            var shared = "must be with ";
            return veto.getMessage().startsWith(shared)
                    ? veto.getMessage()
                            .substring(shared.length(), veto.getMessage().indexOf(','))
                    : name;
        }

        private FleetModel.Unit unit(String name) {
            FleetModel.@Nullable Unit unit = model.units.get(name);
            return Objects.requireNonNull(unit, name);
        }

        private static ItemResult only(List<Item> items, Draft draft, List<Record> records) {
            return items.getFirst().decide(draft, records);
        }
    }
}
