package io.raftfleet.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.raftfleet.proto.model.TargetState;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SchedulerTest {
    private static final String LONG_ID = "0123456789abcdef0123456789abcdef";

    private final Rig rig = new Rig();

    @Test
    void spreadsUnitsOverTheLeastLoadedMachines() {
        rig.machines("m2", "m1", "m3");
        for (int i = 0; i < 7; i++) {
            rig.unit("u" + i + ".service");
        }
        rig.settle();
        assertThat(rig.facts.load("m1")).isEqualTo(3);
        assertThat(rig.facts.load("m2")).isEqualTo(2);
        assertThat(rig.facts.load("m3")).isEqualTo(2);
    }

    /** fleet's {@code agents()} puts global units among those of each machine that they run on. */
    @Test
    void globalUnitsCountAsLoadWhereTheyRun() {
        rig.machine("m1", "role=edge").machine("m2");
        rig.unit("g.service", "Global=true", "MachineMetadata=role=edge").unit("a.service");
        rig.settle();
        assertThat(rig.on("a.service")).isEqualTo("m2");
        rig.unit("b.service").unit("c.service").settle();
        assertThat(rig.on("b.service")).isEqualTo("m1");
        assertThat(rig.on("c.service")).isEqualTo("m2");
        rig.remove("g.service").unit("d.service").settle();
        assertThat(rig.on("d.service")).isEqualTo("m1");
    }

    /** A global unit that conflicts with a scheduled one does not run beside it, and is no load there. */
    @Test
    void globalUnitsThatDoNotRunAreNoLoad() {
        rig.machines("m1", "m2");
        rig.unit("g.service", "Global=true", "Conflicts=a.service")
                .unit("a.service")
                .settle();
        assertThat(rig.on("a.service")).isNull();
        rig.target("g.service", TargetState.TARGET_STATE_INACTIVE).settle();
        assertThat(rig.on("a.service")).isEqualTo("m1");
        rig.target("g.service", TargetState.TARGET_STATE_LAUNCHED).settle();
        rig.unit("b.service").settle();
        assertThat(rig.on("b.service")).isEqualTo("m1");
        rig.unit("c.service").settle();
        assertThat(rig.on("c.service")).isEqualTo("m2");
    }

    @Test
    void lowestIdWinsAmongEquals() {
        rig.machines("m2", "m1").unit("a.service");
        assertThat(rig.settle())
                .containsExactly(
                        new Decision.Schedule("a.service", "m1", "target state launched and unit not scheduled"));
    }

    @Test
    void loadedUnitsAreScheduledToo() {
        rig.machines("m1").put("a.service", Facts.requirements("a.service"), TargetState.TARGET_STATE_LOADED, null);
        assertThat(rig.settle())
                .containsExactly(
                        new Decision.Schedule("a.service", "m1", "target state loaded and unit not scheduled"));
    }

    @Test
    void inactiveUnitsAreUnscheduled() {
        rig.machines("m1").unit("a.service").settle();
        rig.target("a.service", TargetState.TARGET_STATE_INACTIVE);
        assertThat(rig.settle()).containsExactly(new Decision.Unschedule("a.service", "target state inactive"));
    }

    @Test
    void loadedToLaunchedNeedsNoDecision() {
        rig.machines("m1").unit("a.service").settle();
        rig.target("a.service", TargetState.TARGET_STATE_LOADED);
        assertThat(rig.scheduler.hasWork()).isFalse();
    }

    @Test
    void decisionsPutAgainChangeNothing() {
        rig.machines("m1", "m2").unit("a.service").unit("b.service", "MachineOf=a.service");
        rig.settle();
        for (String unit : List.of("a.service", "b.service")) {
            rig.unit(unit, unit.equals("b.service") ? new String[] {"MachineOf=a.service"} : new String[0]);
        }
        rig.putMachine("m1", Map.of(), true);
        assertThat(rig.scheduler.hasWork()).isFalse();
    }

    @Test
    void decidesInBoundedBatches() {
        rig.machines("m1", "m2");
        for (int i = 0; i < 10; i++) {
            rig.unit("u" + i + ".service");
        }
        assertThat(rig.decide(4)).hasSize(4);
        assertThat(rig.decide(4)).hasSize(4);
        assertThat(rig.scheduler.hasWork()).isTrue();
        assertThat(rig.decide(4)).hasSize(2);
        assertThat(rig.scheduler.hasWork()).isFalse();
    }

    @Test
    void oneCallNeverLooksAtVeryManyUnitsThatNeedNoDecision() {
        rig.machines("m1").unit("a.service", "MachineMetadata=disk=ssd");
        IntStream.range(0, 500).forEach(i -> rig.unit("u" + i + ".service", "MachineMetadata=disk=ssd"));
        assertThat(rig.decide(1)).isEmpty();
        assertThat(rig.scheduler.hasWork()).isTrue();
        assertThat(rig.settle(1)).isEmpty();
    }

    @Test
    void refusesALimitOfNothing() {
        assertThatThrownBy(() -> rig.scheduler.decide(0)).hasMessageContaining("at least 1, not 0");
    }

    @Test
    void refusesAUnitWithoutTargetState() {
        assertThatThrownBy(() -> rig.put(
                        "a.service", Facts.requirements("a.service"), TargetState.TARGET_STATE_UNSPECIFIED, null))
                .hasMessageContaining("a.service has no target state");
    }

    @Test
    void machineIdMayBeWholeOrShort() {
        rig.machines("m1", LONG_ID)
                .unit("whole.service", "MachineID=" + LONG_ID)
                .unit("short.service", "MachineID=01234567")
                .unit("prefix.service", "MachineID=0123456");
        rig.settle();
        assertThat(rig.on("whole.service")).isEqualTo(LONG_ID);
        assertThat(rig.on("short.service")).isEqualTo(LONG_ID);
        assertThat(rig.on("prefix.service")).isNull();
    }

    @Test
    void unitsWaitForTheirMachine() {
        rig.machines("m1").unit("whole.service", "MachineID=" + LONG_ID).unit("short.service", "MachineID=01234567");
        assertThat(rig.settle()).isEmpty();
        rig.machine("m2");
        assertThat(rig.scheduler.hasWork()).isFalse();
        rig.machine(LONG_ID);
        assertThat(rig.settle()).hasSize(2);
    }

    @Test
    void allMetadataKeysMustHoldWithAnyOfTheirValues() {
        rig.machine("m1", "disk=ssd")
                .machine("m2", "disk=ssd", "zone=b")
                .machine("m3", "disk=ssd", "zone=c")
                .unit("a.service", "MachineMetadata=disk=ssd", "MachineMetadata=zone=b", "MachineMetadata=zone=a")
                .settle();
        assertThat(rig.on("a.service")).isEqualTo("m2");
    }

    @Test
    void unitLeavesAMachineWhoseMetadataChange() {
        rig.machine("m1", "disk=ssd").machine("m2").unit("a.service", "MachineMetadata=disk=ssd");
        rig.settle();
        rig.machine("m2", "disk=ssd").machine("m1");
        assertThat(rig.settle())
                .containsExactly(new Decision.Schedule(
                        "a.service", "m2", "can't stay on machine m1: its metadata don't meet MachineMetadata"));
        rig.machine("m2");
        assertThat(rig.settle())
                .containsExactly(new Decision.Unschedule(
                        "a.service",
                        "can't stay on machine m2: its metadata don't meet MachineMetadata; no other machine will do"));
    }

    @Test
    void unitsOfALostMachineAreSpreadOverTheOthers() {
        rig.machines("m1", "m2", "m3");
        IntStream.range(0, 12).forEach(i -> rig.unit("u" + i + ".service"));
        rig.settle();
        List<Decision> decisions = rig.lose("m1").settle();
        assertThat(decisions)
                .hasSize(4)
                .allSatisfy(
                        decision -> assertThat(decision.reason()).isEqualTo("can't stay on machine m1: it is lost"));
        assertThat(rig.facts.load("m2")).isEqualTo(6);
        assertThat(rig.facts.load("m3")).isEqualTo(6);
    }

    @Test
    void unitsOfTheLastMachineBecomePendingAndComeBackWithIt() {
        rig.machines("m1").unit("a.service").settle();
        assertThat(rig.lose("m1").settle()).hasSize(1);
        assertThat(rig.on("a.service")).isNull();
        rig.back("m1").settle();
        assertThat(rig.on("a.service")).isEqualTo("m1");
    }

    @Test
    void onlyTheUnitOfAMachineThatIsReplacedByAnotherMoves() {
        rig.machines("m1", "m2", "m3");
        for (int i = 1; i <= 3; i++) {
            rig.unit("conflict." + i + ".service", "Conflicts=conflict.*.service");
        }
        rig.settle();
        assertThat(rig.on("conflict.2.service")).isEqualTo("m2");
        rig.lose("m2").settle();
        assertThat(rig.on("conflict.2.service")).isNull();
        assertThat(rig.machine("m4").settle()).hasSize(1);
        assertThat(rig.on("conflict.1.service")).isEqualTo("m1");
        assertThat(rig.on("conflict.2.service")).isEqualTo("m4");
        assertThat(rig.on("conflict.3.service")).isEqualTo("m3");
        assertThat(rig.back("m2").settle()).isEmpty();
    }

    @Test
    void aUnitMayBeScheduledToAMachineThatNothingWasSaidOf() {
        rig.machines("m1").put("a.service", Facts.requirements("a.service"), TargetState.TARGET_STATE_LAUNCHED, "gone");
        rig.facts.machines.put("gone", new Facts.MachineFact(Map.of(), false));
        rig.settle();
        assertThat(rig.on("a.service")).isEqualTo("m1");
    }

    @Test
    void aMachineThatJoinsGetsNewUnitsOnly() {
        rig.machines("m1").unit("a.service").unit("b.service").settle();
        assertThat(rig.machine("m2").settle()).isEmpty();
        rig.unit("c.service").settle();
        assertThat(rig.on("c.service")).isEqualTo("m2");
    }

    @Test
    void followersGoWhereTheirPeerIs() {
        rig.machines("m1", "m2", "m3")
                .unit("x.service")
                .unit("c.service", "MachineOf=b.service")
                .unit("b.service", "MachineOf=a.service")
                .unit("a.service");
        assertThat(rig.settle()).hasSize(4);
        assertThat(rig.on("a.service"))
                .isEqualTo("m2")
                .isEqualTo(rig.on("b.service"))
                .isEqualTo(rig.on("c.service"));
    }

    @Test
    void followersMoveWithTheirPeerAtOnce() {
        rig.machine("m1", "disk=ssd")
                .machine("m2", "disk=ssd")
                .unit("c.service", "MachineOf=b.service")
                .unit("b.service", "MachineOf=a.service")
                .unit("a.service", "MachineMetadata=disk=ssd");
        rig.settle();
        rig.machine("m1");
        assertThat(rig.settle())
                .hasSize(3)
                .allSatisfy(decision -> assertThat(decision).isInstanceOf(Decision.Schedule.class));
        assertThat(rig.on("c.service")).isEqualTo("m2");
    }

    @Test
    void aChainFollowsTheUnitAtItsHead() {
        rig.machines("m1", "m2")
                .unit("a.service")
                .unit("b.service", "MachineOf=a.service")
                .unit("c.service", "MachineOf=b.service");
        rig.settle();
        assertThat(rig.on("c.service")).isEqualTo("m1");
        rig.lose("m1").settle();
        assertThat(List.of("a.service", "b.service", "c.service"))
                .allSatisfy(unit -> assertThat(rig.on(unit)).isEqualTo("m2"));
        rig.remove("a.service").settle();
        assertThat(rig.on("b.service")).isNull();
        assertThat(rig.on("c.service")).isNull();
    }

    @Test
    void followersMoveOnceWhateverTheOrderInWhichTheyAreLookedAt() {
        TargetState launched = TargetState.TARGET_STATE_LAUNCHED;
        rig.machines("m1", "m2")
                .put("c.service", Facts.requirements("c.service", "MachineOf=b.service"), launched, "m1")
                .put("b.service", Facts.requirements("b.service", "MachineOf=a.service"), launched, "m1")
                .put("a.service", Facts.requirements("a.service"), launched, "m1")
                .lose("m1");
        assertThat(rig.settle()).extracting(Decision::unit).containsExactly("a.service", "b.service", "c.service");
    }

    @Test
    void followersGoWhenTheirPeerGoes() {
        rig.machines("m1")
                .unit("a.service")
                .unit("b.service", "MachineOf=a.service")
                .settle();
        rig.target("a.service", TargetState.TARGET_STATE_INACTIVE);
        assertThat(rig.settle()).hasSize(2);
        rig.target("a.service", TargetState.TARGET_STATE_LAUNCHED);
        assertThat(rig.settle()).hasSize(2);
        rig.remove("a.service");
        assertThat(rig.settle()).hasSize(1);
        assertThat(rig.on("b.service")).isNull();
    }

    @Test
    void allPeersMustBeOnTheMachine() {
        rig.machines("m1", "m2")
                .unit("a.service")
                .unit("b.service")
                .unit("c.service", "MachineOf=a.service", "MachineOf=b.service");
        rig.settle();
        assertThat(rig.on("c.service")).isNull();
        rig.lose("m2").settle();
        assertThat(rig.on("c.service")).isEqualTo("m1");
    }

    @Test
    void unitsThatFollowEachOtherArePlacedTogether() {
        rig.machine("m1", "disk=ssd")
                .machine("m2", "zone=a")
                .machine("m3", "disk=ssd", "zone=a")
                .unit("a.service", "MachineOf=c.service", "MachineMetadata=disk=ssd")
                .unit("b.service", "MachineOf=a.service")
                .unit("c.service", "MachineOf=b.service", "MachineMetadata=zone=a")
                .unit("self.service", "MachineOf=self.service");
        rig.settle(1);
        assertThat(rig.on("a.service"))
                .isEqualTo("m3")
                .isEqualTo(rig.on("b.service"))
                .isEqualTo(rig.on("c.service"));
        assertThat(rig.on("self.service")).isEqualTo("m1");
        rig.lose("m3").machine("m2", "disk=ssd", "zone=a");
        assertThat(rig.settle())
                .hasSize(3)
                .allSatisfy(decision -> assertThat(decision).isInstanceOf(Decision.Schedule.class));
        assertThat(rig.on("a.service")).isEqualTo("m2");
    }

    @Test
    void aGroupThatAFactBreaksHalfWayIsNotLeftInPart() {
        rig.machines("m1").unit("a.service", "MachineOf=b.service").unit("b.service", "MachineOf=a.service");
        assertThat(rig.decide(1)).extracting(Decision::unit).containsExactly("a.service");
        rig.unit("b.service", "MachineMetadata=disk=ssd").settle(1);
        assertThat(rig.on("a.service")).isNull();
        rig.unit("b.service", "MachineOf=a.service");
        assertThat(rig.decide(1)).hasSize(1);
        rig.lose("m1").settle(1);
        assertThat(rig.on("a.service")).isNull();
    }

    @Test
    void aLongChainSubmittedFromItsEndIsPlaced() {
        int length = 20_000;
        rig.machines("m1", "m2");
        for (int i = length; i > 0; i--) {
            rig.scheduler.putUnit(
                    "u" + i + ".service",
                    Facts.requirements("u" + i + ".service", "MachineOf=u" + (i - 1) + ".service"),
                    TargetState.TARGET_STATE_LAUNCHED,
                    null);
            assertThat(rig.scheduler.decide(10)).isEmpty();
        }
        rig.scheduler.putUnit("u0.service", Facts.requirements("u0.service"), TargetState.TARGET_STATE_LAUNCHED, null);
        int placed = 0;
        while (rig.scheduler.hasWork()) {
            placed += rig.scheduler.decide(1_000).size();
        }
        assertThat(placed).isEqualTo(length + 1);
    }

    @Test
    void conflictsHoldBothWays() {
        rig.machines("m1")
                .unit("a.service", "Conflicts=b.service")
                .unit("b.service")
                .unit("c.service", "Conflicts=a.service");
        rig.settle();
        assertThat(rig.on("a.service")).isEqualTo("m1");
        assertThat(rig.on("b.service")).isNull();
        assertThat(rig.on("c.service")).isNull();
        rig.machine("m2").settle();
        assertThat(rig.on("b.service")).isEqualTo("m2");
        assertThat(rig.on("c.service")).isEqualTo("m2");
    }

    @Test
    void aPatternKeepsInstancesApart() {
        rig.machines("m1", "m2");
        for (int i = 1; i <= 3; i++) {
            rig.unit("app@" + i + ".service", "Conflicts=app@*.service");
        }
        rig.settle();
        assertThat(rig.on("app@1.service")).isEqualTo("m1");
        assertThat(rig.on("app@2.service")).isEqualTo("m2");
        assertThat(rig.on("app@3.service")).isNull();
        rig.remove("app@1.service").settle();
        assertThat(rig.on("app@3.service")).isEqualTo("m1");
    }

    /** Each names all of them, itself too: on one line, and on a line each. */
    @Test
    void unitsThatNameEachOtherAndThemselvesAreKeptApart() {
        rig.machines("m1", "m2", "m3");
        String all = "Conflicts=multiple.2.service multiple.1.service multiple.0.service";
        rig.unit("multiple.0.service", all)
                .unit("multiple.1.service", all)
                .unit("multiple.2.service", all.replace(" ", "\nConflicts="));
        rig.settle();
        assertThat(rig.on("multiple.0.service")).isEqualTo("m1");
        assertThat(rig.on("multiple.1.service")).isEqualTo("m2");
        assertThat(rig.on("multiple.2.service")).isEqualTo("m3");
    }

    @Test
    void aPendingUnitIsPlacedWhenTheConflictingOneLeaves() {
        rig.machines("m1").unit("a.service").unit("b.service", "Conflicts=?.service");
        rig.settle();
        assertThat(rig.on("b.service")).isNull();
        rig.target("a.service", TargetState.TARGET_STATE_INACTIVE).settle();
        assertThat(rig.on("b.service")).isEqualTo("m1");
        rig.target("a.service", TargetState.TARGET_STATE_LAUNCHED).settle();
        assertThat(rig.on("a.service")).isNull();
    }

    @Test
    void theUnitWhoseConflictsAreNewMoves() {
        rig.machines("m1").unit("a.service").unit("b.service");
        rig.settle();
        rig.machine("m2").unit("b.service", "Conflicts=a.service");
        assertThat(rig.settle())
                .containsExactly(new Decision.Schedule(
                        "b.service", "m2", "can't stay on machine m1: Conflicts=a.service: such a unit is on it"));
    }

    @Test
    void aMalformedPatternMatchesNothing() {
        rig.machines("m1").unit("a.service", "Conflicts=[").unit("b.service", "Conflicts=[a-");
        rig.settle();
        assertThat(rig.on("a.service")).isEqualTo(rig.on("b.service")).isEqualTo("m1");
    }

    @Test
    void globalUnitsAreNeverScheduled() {
        rig.machines("m1").unit("g.service", "Global=true");
        assertThat(rig.settle()).isEmpty();
        rig.put("g.service", Facts.requirements("g.service", "Global=true"), TargetState.TARGET_STATE_LAUNCHED, "m1");
        assertThat(rig.settle())
                .containsExactly(new Decision.Unschedule("g.service", "global units are not scheduled"));
    }

    @Test
    void globalUnitsKeepConflictingOnesAwayAndCountAsPeers() {
        rig.machine("m1")
                .machine("m2", "disk=ssd")
                .machine("m3")
                .unit("g.service", "Global=true", "MachineMetadata=disk=ssd")
                .unit("near.service", "MachineOf=g.service")
                .unit("far.service", "Conflicts=g.service");
        rig.settle();
        assertThat(rig.on("near.service")).isEqualTo("m2");
        assertThat(rig.on("far.service")).isEqualTo("m1");
        rig.lose("m1").lose("m3").settle();
        assertThat(rig.on("far.service")).isNull();
        rig.target("g.service", TargetState.TARGET_STATE_INACTIVE).settle();
        assertThat(rig.on("far.service")).isEqualTo("m2");
        assertThat(rig.on("near.service")).isNull();
    }

    @Test
    void aGlobalUnitGivesWayToAScheduledOne() {
        rig.machines("m1").unit("a.service").settle();
        rig.unit("g.service", "Global=true", "Conflicts=a.service");
        assertThat(rig.settle()).isEmpty();
        rig.unit("near.service", "MachineOf=g.service");
        assertThat(rig.settle()).isEmpty();
        rig.remove("a.service").settle();
        assertThat(rig.on("near.service")).isEqualTo("m1");
    }

    /** Fleet's functional test {@code TestScheduleReplace}. */
    @Test
    void aReplacingUnitDrivesTheReplacedOneToAnotherMachine() {
        rig.machines("m0", "m1")
                .unit("replace.0.service")
                .unit("replace.1.service")
                .unit("replace.2.service", "MachineOf=replace.1.service");
        rig.settle();
        assertThat(rig.on("replace.0.service")).isEqualTo("m0");
        rig.unit("kick0.service", "Replaces=replace.0.service");
        assertThat(rig.settle())
                .containsExactly(
                        new Decision.Schedule("kick0.service", "m0", "target state launched and unit not scheduled"),
                        new Decision.Schedule(
                                "replace.0.service",
                                "m1",
                                "can't stay on machine m0: a unit on it has Replaces=replace.0.service"));
    }

    @Test
    void aReplacedUnitWithNowhereToGoWaitsForTheReplacingOneToLeave() {
        rig.machines("m1").unit("a.service").settle();
        rig.unit("b.service", "Replaces=a*").settle();
        assertThat(rig.on("b.service")).isEqualTo("m1");
        assertThat(rig.on("a.service")).isNull();
        rig.remove("b.service").settle();
        assertThat(rig.on("a.service")).isEqualTo("m1");
    }

    @Test
    void aReplacingUnitCostsNothingForEachThatItReplaces() {
        rig.machines("m1");
        for (int i = 0; i < 10_000; i++) {
            put("web" + i + ".service");
        }
        put("first.service", "Replaces=web*");
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 100; i++) {
            put("kick" + i + ".service", "Replaces=web*");
        }
        for (int i = 0; i < 100; i++) {
            put("kick" + i + ".service");
            rig.scheduler.removeUnit("kick" + i + ".service");
        }
        long each = (threads.getCurrentThreadAllocatedBytes() - before) / 300;
        assertThat(each)
                .as("bytes a change, as a count of units that it looks at")
                .isLessThan(10_000);
    }

    private void put(String name, String... options) {
        rig.scheduler.putUnit(name, Facts.requirements(name, options), TargetState.TARGET_STATE_LAUNCHED, null);
    }

    @Test
    void unitsThatReplaceEachOtherShareAMachine() {
        rig.machines("m1").unit("a.service", "Replaces=b.service").unit("b.service", "Replaces=a.service");
        rig.settle();
        assertThat(rig.on("a.service")).isEqualTo(rig.on("b.service")).isEqualTo("m1");
    }

    @Test
    void circlesOfReplacingComeToRestAndCountAgainOnceBroken() {
        rig.machines("m1")
                .unit("a.service", "Replaces=b.service")
                .unit("b.service", "Replaces=c.service")
                .unit("c.service", "Replaces=a.service");
        rig.settle();
        assertThat(rig.facts.load("m1")).isEqualTo(3);
        rig.unit("c.service").settle();
        assertThat(rig.on("a.service")).isEqualTo("m1");
        assertThat(rig.on("b.service")).isNull();
        assertThat(rig.on("c.service")).isEqualTo("m1");
    }

    @Test
    void replacingWhatOnesPeerFollowsComesToRest() {
        rig.machines("m1", "m2")
                .unit("e.service")
                .unit("q.service", "MachineOf=e.service")
                .unit("p.service", "MachineOf=q.service", "Replaces=e.service");
        rig.settle();
        assertThat(rig.on("p.service")).isEqualTo(rig.on("e.service")).isEqualTo("m1");
    }

    @Test
    void pendingUnitsCostNothingUntilWhatTheyNeedComesAndThenSpread() {
        IntStream.range(0, 50).forEach(i -> rig.machine("m" + i));
        for (int i = 0; i < 10_000; i++) {
            rig.scheduler.putUnit(
                    "p" + i + ".service",
                    Facts.requirements("p" + i + ".service", "MachineMetadata=diskType=SSD"),
                    TargetState.TARGET_STATE_LAUNCHED,
                    null);
        }
        while (rig.scheduler.hasWork()) {
            assertThat(rig.scheduler.decide(1_000)).isEmpty();
        }
        rig.scheduler.putUnit("u.service", Facts.requirements("u.service"), TargetState.TARGET_STATE_LAUNCHED, null);
        assertThat(rig.scheduler.decide(1)).hasSize(1);
        rig.scheduler.removeUnit("u.service");
        rig.scheduler.putMachine("m7", Map.of("diskType", "HDD"), true, Upkeep.NONE);
        assertThat(rig.scheduler.hasWork()).isFalse();

        rig.scheduler.putMachine("ssd1", Map.of("diskType", "SSD"), true, Upkeep.NONE);
        rig.scheduler.putMachine("ssd2", Map.of("diskType", "SSD"), true, Upkeep.NONE);
        int onFirst = 0;
        int placed = 0;
        while (rig.scheduler.hasWork()) {
            for (Decision decision : rig.scheduler.decide(1_000)) {
                placed++;
                onFirst += decision instanceof Decision.Schedule to
                                && to.machineId().equals("ssd1")
                        ? 1
                        : 0;
            }
        }
        assertThat(placed).isEqualTo(10_000);
        assertThat(onFirst).isEqualTo(5_000);
    }
}
