package io.raftfleet.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Veto;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Cordons and drains. What a whole history comes to is compared with a model in {@code SchedulerOracleTest}. */
class DrainsTest {
    private final Scheduler scheduler = new Scheduler();
    private final Map<String, String> places = new TreeMap<>();

    @Test
    void aCordonedMachineKeepsWhatItHasAndTakesNothingNew() {
        machines("m1");
        unit("a.service");
        settle();
        cordon("m1");
        unit("b.service");
        assertThat(settle()).isEmpty();
        assertThat(places).containsExactly(Map.entry("a.service", "m1"));
        assertThat(vetoes("b.service")).containsExactly("not cordoned: 0 of 1 machine");
        assertThat(vetoes("a.service")).isEmpty();

        put("m1", Upkeep.NONE);
        assertThat(settle()).containsExactly("b.service m1");
    }

    @Test
    void aDrainedMachinesUnitsLeaveOneAfterTheOtherAsTheyArrive() {
        machines("m1");
        unit("a.service");
        unit("b.service");
        unit("c.service");
        settle();
        machines("m2");
        drain("m1", 1);
        assertThat(settle()).containsExactly("a.service m2");
        assertThat(scheduler.drains().underWay()).containsExactly("a.service");
        assertThat(scheduler.drains().isEmpty("m1")).isFalse();
        scheduler.drains().arrived(Set.of("a.service"));
        assertThat(settle()).containsExactly("b.service m2");
        scheduler.drains().arrived(Set.of("b.service"));
        assertThat(settle()).containsExactly("c.service m2");
        assertThat(scheduler.drains().isEmpty("m1"))
                .as("what has left has arrived")
                .isFalse();
        scheduler.drains().arrived(Set.of("c.service"));
        assertThat(scheduler.drains().isEmpty("m1")).isTrue();
    }

    @Test
    void theTurnOfAUnitThatIsGoneGoesToTheNext() {
        machines("m1");
        unit("a.service");
        unit("b.service");
        unit("c.service");
        settle();
        machines("m2");
        drain("m1", 1);
        assertThat(settle()).containsExactly("a.service m2");
        scheduler.drains().arrived(Set.of("a.service")); // b's turn
        scheduler.removeUnit("b.service");
        assertThat(settle()).containsExactly("c.service m2");
    }

    @Test
    void nothingLeavesWhileDrainsArePausedAndAllGoesOnAfterwards() {
        machines("m1");
        unit("a.service");
        unit("b.service");
        settle();
        scheduler.drains().paused(true);
        machines("m2");
        drain("m1", 1);
        assertThat(settle()).isEmpty();
        scheduler.drains().paused(false);
        assertThat(settle()).containsExactly("a.service m2");
        scheduler.drains().arrived(Set.of("a.service"));
        assertThat(settle()).containsExactly("b.service m2");
    }

    @Test
    void severalLeaveAtATimeWhereThatIsAllowed() {
        machines("m1");
        for (int i = 0; i < 7; i++) {
            unit("u" + i + ".service");
        }
        settle();
        machines("m2", "m3");
        drain("m1", 3);
        assertThat(settle()).hasSize(3);
        scheduler.drains().arrived(Set.of("u1.service"));
        assertThat(settle()).hasSize(1);
        drain("m1", 5);
        assertThat(settle()).as("the new number holds at once").hasSize(2);
    }

    @Test
    void whatFitsNowhereElseStaysSaysWhyAndHoldsUpNobody() {
        machine("m1", Map.of("disk", "ssd"));
        unit("a.service", "MachineMetadata=disk=ssd");
        unit("b.service");
        settle();
        machines("m2");
        drain("m1", 1);
        assertThat(settle()).containsExactly("b.service m2");
        scheduler.drains().arrived(Set.of("b.service"));
        assertThat(settle()).isEmpty();
        assertThat(vetoes("a.service"))
                .containsExactly("metadata disk=ssd: 1 of 2 machines", "not cordoned: 1 of 2 machines");
        assertThat(places).containsEntry("a.service", "m1");

        machine("m3", Map.of("disk", "ssd"));
        assertThat(settle()).as("it leaves once another machine suits it").containsExactly("a.service m3");
    }

    @Test
    void whatMustBeTogetherLeavesTogetherOrNotAtAll() {
        machines("m1");
        unit("a.service");
        unit("b.service", "MachineOf=a.service", "Conflicts=x.service");
        settle();
        machines("m2");
        unit("x.service");
        assertThat(settle()).containsExactly("x.service m2");
        drain("m1", 1);
        assertThat(settle()).as("b could not follow").isEmpty();
        assertThat(vetoes("a.service"))
                .contains("must be with b.service, for which Conflicts=x.service: 1 of 2 machines are free of it");
        machines("m3");
        assertThat(settle()).containsExactly("a.service m3", "b.service m3");
    }

    @Test
    void onceItsDeadlineIsOverNothingIsLeftOnAMachine() {
        machine("m1", Map.of("disk", "ssd"));
        unit("a.service", "MachineMetadata=disk=ssd");
        unit("b.service");
        unit("c.service");
        settle();
        machines("m2");
        drain("m1", 1);
        settle();
        scheduler.drains().overdue("m1", true);
        assertThat(settle()).contains("a.service -", "c.service m2");
        assertThat(places).doesNotContainValue("m1");
        assertThat(vetoes("a.service")).contains("metadata disk=ssd: 1 of 2 machines");
    }

    @Test
    void aDrainThatIsTakenBackLeavesTheRestWhereItIs() {
        machines("m1");
        unit("a.service");
        unit("b.service");
        settle();
        machines("m2");
        drain("m1", 1);
        settle();
        put("m1", Upkeep.NONE);
        scheduler.drains().arrived(Set.of("a.service"));
        assertThat(settle()).isEmpty();
        assertThat(places).containsEntry("a.service", "m2").containsEntry("b.service", "m1");
        unit("c.service");
        assertThat(settle()).as("and the machine takes units again").containsExactly("c.service m1");
    }

    @Test
    void withAllMachinesDrainedEverythingStays() {
        machines("m1", "m2");
        unit("a.service");
        unit("b.service");
        settle();
        drain("m1", 1);
        drain("m2", 1);
        assertThat(settle()).isEmpty();
        assertThat(vetoes("a.service")).containsExactly("not cordoned: 0 of 2 machines");
    }

    @Test
    void aUnitThatJoinsOthersOnACordonedMachineWaitsAndMovesNothing() {
        machines("m1");
        unit("a.service", "MachineOf=b.service");
        unit("b.service", "MachineOf=a.service");
        settle();
        machines("m2");
        cordon("m1");
        unit("c.service", "MachineOf=a.service");
        unit("a.service", "MachineOf=b.service", "MachineOf=d.service");
        unit("d.service", "MachineOf=a.service");
        assertThat(settle()).isEmpty();
        assertThat(places).containsOnlyKeys("a.service", "b.service").containsValue("m1");
    }

    @Test
    void anEmptyMachineThatIsDrainedIsNotLookedAtForNewUnits() {
        machines("m1", "m2");
        unit("a.service");
        settle();
        drain("m1", 1);
        settle();
        scheduler.drains().arrived(Set.of("a.service"));
        for (int i = 0; i < 5; i++) {
            unit("u" + i + ".service");
        }
        settle();
        assertThat(places).doesNotContainValue("m1");
    }

    private void machines(String... ids) {
        for (String id : ids) {
            machine(id, Map.of());
        }
    }

    private final Map<String, Map<String, String>> metadata = new TreeMap<>();

    private void machine(String id, Map<String, String> labels) {
        metadata.put(id, labels);
        put(id, Upkeep.NONE);
    }

    private void cordon(String id) {
        put(id, Upkeep.CORDONED);
    }

    private void drain(String id, int moves) {
        put(id, new Upkeep(true, true, moves, true));
    }

    private void put(String id, Upkeep upkeep) {
        scheduler.putMachine(id, metadata.getOrDefault(id, Map.of()), true, upkeep);
    }

    private void unit(String name, String... options) {
        scheduler.putUnit(name, Facts.requirements(name, options), TargetState.TARGET_STATE_LAUNCHED, places.get(name));
    }

    /** "unit machine", a dash for no machine. */
    private List<String> settle() {
        var decided = new ArrayList<String>();
        while (scheduler.hasWork()) {
            for (Decision decision : scheduler.decide(2)) {
                if (decision instanceof Decision.Schedule schedule) {
                    places.put(decision.unit(), schedule.machineId());
                    decided.add(decision.unit() + " " + schedule.machineId());
                } else {
                    places.remove(decision.unit());
                    decided.add(decision.unit() + " -");
                }
            }
        }
        return decided;
    }

    private List<String> vetoes(String unit) {
        return scheduler.explain(unit).stream().map(Veto::getMessage).toList();
    }
}
