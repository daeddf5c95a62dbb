package io.raftfleet.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.model.TargetState;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;

/** Random histories, checked against the plain rules in {@link Facts}. Each number of a history is one step of it. */
class SchedulerPropertiesTest {
    private static final List<String> MACHINES = List.of("m1", "m2", "m3", "m4");
    private static final List<String> UNITS = List.of(
            "a.service",
            "b.service",
            "c.service",
            "d.service",
            "e.service",
            "w@1.service",
            "w@2.service",
            "w@3.service");
    private static final List<String> GLOBS =
            List.of("w@*.service", "[ab].service", "*", "w@?.service", "x*", "[", "?.*");

    @Property(tries = 3_000)
    void placesAllThatCanBePlacedAndNothingElse(@ForAll @Size(max = 60) List<Integer> history) {
        Rig rig = new Rig();
        for (int step : history) {
            take(step, rig, decision -> checkLeastLoaded(rig.facts, decision));
        }
        rig.settle(3);
    }

    @Property(tries = 300)
    void sameFactsInSameOrderGiveSameDecisions(@ForAll @Size(max = 60) List<Integer> history) {
        List<List<Decision>> runs = new ArrayList<>();
        for (int run = 0; run < 2; run++) {
            Rig rig = new Rig();
            List<Decision> decisions = new ArrayList<>();
            history.forEach(step -> take(step, rig, decisions::add));
            decisions.addAll(rig.settle());
            runs.add(decisions);
        }
        assertThat(runs.get(1)).isEqualTo(runs.get(0));
    }

    @Property(tries = 1_000)
    void nothingIsLeftToDecideForANewScheduler(@ForAll @Size(max = 60) List<Integer> history, @ForAll long seed) {
        Rig rig = new Rig();
        history.forEach(step -> take(step, rig, decision -> {}));
        rig.settle();

        Rig rebuilt = new Rig();
        List<Runnable> facts = new ArrayList<>();
        rig.facts.machines.forEach(
                (id, machine) -> facts.add(() -> rebuilt.putMachine(id, machine.metadata(), machine.present())));
        rig.facts.units.forEach(
                (name, unit) -> facts.add(() -> rebuilt.put(name, unit.requirements(), unit.target(), unit.machine())));
        Collections.shuffle(facts, new Random(seed));
        facts.forEach(Runnable::run);
        assertThat(rebuilt.settle()).isEmpty();
    }

    @Property(tries = 300)
    void everyPendingUnitHasAVetoAndNoOtherUnitHas(@ForAll @Size(max = 60) List<Integer> history) {
        Rig rig = new Rig();
        history.forEach(step -> take(step, rig, decision -> {}));
        rig.settle();
        rig.facts.units.forEach((name, unit) -> {
            boolean pending = unit.placeable() && unit.machine() == null;
            assertThat(rig.vetoes(name).isEmpty()).as(name).isEqualTo(!pending);
        });
    }

    @Property(tries = 2_000)
    void whatWasTriedOutLeavesNoTrace(
            @ForAll @Size(max = 60) List<Integer> history, @ForAll @Size(min = 1, max = 12) List<Integer> tried) {
        Rig spared = new Rig();
        Rig tries = new Rig();
        for (int step : history) {
            List<Decision> expected = new ArrayList<>();
            List<Decision> found = new ArrayList<>();
            take(step, spared, expected::add);
            take(step, tries, found::add);
            if (step % 3 == 0) {
                expected.addAll(spared.settle());
                found.addAll(tries.settle());
                List<Decision> first = tryOut(tried, tries.scheduler);
                assertThat(tryOut(tried, tries.scheduler)).isEqualTo(first);
            }
            assertThat(found).isEqualTo(expected);
            UNITS.forEach(unit -> assertThat(tries.vetoes(unit)).isEqualTo(spared.vetoes(unit)));
            MACHINES.forEach(machine ->
                    assertThat(tries.scheduler.unitsOn(machine)).isEqualTo(spared.scheduler.unitsOn(machine)));
        }
        assertThat(tries.settle()).isEqualTo(spared.settle());
    }

    /** New units, others in place of what is there, machines that are drained, come and go. */
    private static List<Decision> tryOut(List<Integer> steps, Scheduler scheduler) {
        return scheduler.tryOut(() -> {
            List<Decision> decisions = new ArrayList<>();
            for (int step : steps) {
                Random random = new Random(step * 0x9E3779B97F4A7C15L);
                String unit = any(UNITS, random);
                switch (random.nextInt(6)) {
                    case 0 ->
                        scheduler.putMachine(
                                any(MACHINES, random),
                                metadata(random),
                                random.nextInt(4) != 0,
                                new Upkeep(true, random.nextBoolean(), 1, random.nextBoolean()));
                    case 1 -> scheduler.putMachine(any(MACHINES, random), metadata(random), true, Upkeep.NONE);
                    case 2 -> scheduler.removeUnit(unit);
                    case 3 -> scheduler.drains().arrived(scheduler.drains().underWay());
                    default ->
                        scheduler.putUnit(
                                unit,
                                Facts.requirements(unit, options(random)),
                                target(random),
                                random.nextBoolean() ? null : any(MACHINES, random));
                }
                decisions.addAll(scheduler.decide(1 + random.nextInt(6)));
            }
            return decisions;
        });
    }

    /** A decision for a single unit goes to the least loaded machine of those that the rules allow. */
    private static void checkLeastLoaded(Facts before, Decision decision) {
        Facts.UnitFact unit = before.unit(decision.unit());
        if (decision instanceof Decision.Schedule schedule && before.group(unit).size() == 1) {
            assertThat(Optional.of(schedule.machineId()))
                    .as(decision.toString())
                    .isEqualTo(before.leastLoadedFor(unit));
        }
    }

    private static void take(int step, Rig rig, Consumer<Decision> seen) {
        Random random = new Random(step * 0x9E3779B97F4A7C15L);
        switch (random.nextInt(10)) {
            case 0, 1 -> rig.putMachine(any(MACHINES, random), metadata(random), random.nextInt(4) != 0);
            case 2, 3, 4 -> {
                String name = any(UNITS, random);
                Facts.UnitFact known = rig.facts.units.get(name);
                String machine = known == null ? null : known.machine();
                rig.put(name, Facts.requirements(name, options(random)), target(random), machine);
            }
            case 5 -> {
                String name = any(UNITS, random);
                String machine = random.nextInt(3) == 0 ? null : any(MACHINES, random);
                rig.put(name, Facts.requirements(name, options(random)), target(random), machine);
            }
            case 6 -> {
                String name = any(UNITS, random);
                if (rig.facts.units.containsKey(name)) {
                    rig.target(name, target(random));
                }
            }
            case 7 -> rig.remove(any(UNITS, random));
            default -> {
                List<Decision> decisions = rig.scheduler.decide(1 + random.nextInt(4));
                for (Decision decision : decisions) {
                    seen.accept(decision);
                    rig.facts.apply(decision);
                }
                for (Decision committed : decisions) {
                    Facts.UnitFact unit = rig.facts.unit(committed.unit());
                    rig.put(unit.name(), unit.requirements(), unit.target(), unit.machine());
                }
            }
        }
    }

    private static TargetState target(Random random) {
        return switch (random.nextInt(5)) {
            case 0 -> TargetState.TARGET_STATE_INACTIVE;
            case 1 -> TargetState.TARGET_STATE_LOADED;
            default -> TargetState.TARGET_STATE_LAUNCHED;
        };
    }

    private static Map<String, String> metadata(Random random) {
        Map<String, String> metadata = new TreeMap<>();
        if (random.nextBoolean()) {
            metadata.put("disk", random.nextBoolean() ? "ssd" : "hdd");
        }
        if (random.nextBoolean()) {
            metadata.put("zone", random.nextBoolean() ? "a" : "b");
        }
        return metadata;
    }

    private static String[] options(Random random) {
        List<String> options = new ArrayList<>();
        while (random.nextInt(3) != 0) {
            options.add(
                    switch (random.nextInt(12)) {
                        case 0, 1, 2 -> "MachineOf=" + any(UNITS, random);
                        case 3, 4 -> "Conflicts=" + any(random.nextBoolean() ? UNITS : GLOBS, random);
                        case 5, 6 -> "Replaces=" + any(random.nextInt(3) > 0 ? UNITS : GLOBS, random);
                        case 7, 8 -> "MachineMetadata=disk=" + (random.nextBoolean() ? "ssd" : "hdd");
                        case 9 -> "MachineMetadata=zone=" + (random.nextBoolean() ? "a" : "b");
                        case 10 -> "MachineID=" + any(MACHINES, random);
                        default -> "Global=true";
                    });
        }
        return options.toArray(String[]::new);
    }

    private static String any(List<String> values, Random random) {
        return values.get(random.nextInt(values.size()));
    }
}
