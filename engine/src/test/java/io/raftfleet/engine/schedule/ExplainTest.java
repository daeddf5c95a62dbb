package io.raftfleet.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Veto;
import java.lang.management.ManagementFactory;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ExplainTest {
    private final Rig rig = new Rig();

    @Test
    void noMachineIsPresent() {
        rig.machine("m1")
                .lose("m1")
                .unit("a.service", "MachineMetadata=disk=ssd")
                .settle();
        assertThat(rig.vetoes("a.service")).containsExactly("no machine is present");
    }

    @Test
    void metadataOfNoMachine() {
        IntStream.range(0, 40).forEach(i -> rig.machine("m" + i));
        rig.unit("a.service", "MachineMetadata=diskType=SSD").settle();
        assertThat(rig.scheduler.explain("a.service"))
                .containsExactly(Veto.newBuilder()
                        .setRequirement("MachineMetadata=diskType=SSD")
                        .setMatching(0)
                        .setPresent(40)
                        .setMessage("metadata diskType=SSD: 0 of 40 machines")
                        .build());
    }

    @Test
    void eachMetadataKeyForItself() {
        rig.machine("m1", "disk=ssd")
                .machine("m2", "zone=b")
                .machine("m3", "zone=a")
                .unit("a.service", "MachineMetadata=disk=ssd", "MachineMetadata=zone=a", "MachineMetadata=zone=b")
                .settle();
        assertThat(rig.scheduler.explain("a.service"))
                .extracting(Veto::getRequirement)
                .containsExactly("MachineMetadata=disk=ssd", "MachineMetadata=\"zone=a\" \"zone=b\"");
        assertThat(rig.vetoes("a.service"))
                .containsExactly("metadata disk=ssd: 1 of 3 machines", "metadata zone=a or zone=b: 2 of 3 machines");
    }

    @Test
    void aPeerThatIsWhereTheUnitCouldBeIsNoReason() {
        rig.machines("m1")
                .unit("a.service")
                .unit("b.service", "MachineOf=a.service", "MachineMetadata=zone=a")
                .settle();
        assertThat(rig.vetoes("b.service")).containsExactly("metadata zone=a: 0 of 1 machine");
    }

    @Test
    void machineIdOfNoMachine() {
        rig.machines("m1").unit("a.service", "MachineID=abc").settle();
        assertThat(rig.vetoes("a.service")).containsExactly("MachineID=abc: no such machine");
    }

    @Test
    void machineIdOfALostMachine() {
        rig.machines("m1", "m2").lose("m2").unit("a.service", "MachineID=m2").settle();
        assertThat(rig.vetoes("a.service")).containsExactly("MachineID=m2: that machine is lost");
    }

    @Test
    void machineIdBesideOtherRequirements() {
        rig.machines("m1", "m2")
                .unit("a.service", "MachineID=m2", "MachineMetadata=disk=ssd")
                .settle();
        assertThat(rig.vetoes("a.service"))
                .containsExactly("MachineID=m2: 1 of 2 machines", "metadata disk=ssd: 0 of 2 machines");
    }

    @Test
    void peerThatDoesNotExist() {
        rig.machines("m1").unit("a.service", "MachineOf=x.service").settle();
        assertThat(rig.vetoes("a.service")).containsExactly("MachineOf=x.service: x.service does not exist");
    }

    @Test
    void peerOnNoMachine() {
        rig.machines("m1")
                .put("x.service", Facts.requirements("x.service"), TargetState.TARGET_STATE_INACTIVE, null)
                .unit("a.service", "MachineOf=x.service")
                .settle();
        assertThat(rig.vetoes("a.service")).containsExactly("MachineOf=x.service: x.service is on no machine");
    }

    @Test
    void peerOnAMachineThatWillNotDo() {
        rig.machine("m1")
                .machine("m2", "disk=ssd")
                .unit("x.service")
                .unit("a.service", "MachineOf=x.service", "MachineMetadata=disk=ssd")
                .settle();
        assertThat(rig.vetoes("a.service"))
                .containsExactly(
                        "metadata disk=ssd: 1 of 2 machines", "MachineOf=x.service: x.service is on machine m1");
    }

    @Test
    void peersOnDifferentMachines() {
        rig.machines("m1", "m2")
                .unit("x.service")
                .unit("y.service")
                .unit("a.service", "MachineOf=x.service", "MachineOf=y.service")
                .settle();
        assertThat(rig.vetoes("a.service"))
                .containsExactly(
                        "MachineOf=x.service: x.service is on machine m1",
                        "MachineOf=y.service: y.service is on machine m2");
    }

    @Test
    void globalPeer() {
        rig.machines("m1", "m2")
                .unit("g.service", "Global=true", "MachineMetadata=disk=ssd")
                .unit("a.service", "MachineOf=g.service")
                .settle();
        assertThat(rig.vetoes("a.service")).containsExactly("MachineOf=g.service: 0 of 2 machines run it");
    }

    @Test
    void unitsThatFollowEachOtherShareTheirReasons() {
        rig.machines("m1")
                .unit("a.service", "MachineOf=b.service")
                .unit("b.service", "MachineOf=a.service", "MachineMetadata=disk=ssd")
                .settle();
        assertThat(rig.vetoes("a.service"))
                .containsExactly("must be with b.service, for which metadata disk=ssd: 0 of 1 machine");
        assertThat(rig.vetoes("b.service")).containsExactly("metadata disk=ssd: 0 of 1 machine");
    }

    @Test
    void ofAGroupOfManyUnitsSomeReasonsAreToldAndThatThereAreMore() {
        rig.machines("m1");
        int count = 130;
        for (int i = 0; i < count; i++) {
            rig.unit(
                    "a" + i + ".service",
                    "MachineOf=a" + (i + 1) % count + ".service",
                    i % 2 == 0 ? "MachineMetadata=disk=ssd" : "MachineMetadata=zone=a");
        }
        rig.settle();
        for (int i = 0; i < count; i += 13) {
            assertThat(rig.vetoes("a" + i + ".service"))
                    .hasSizeBetween(2, 25)
                    .last()
                    .asString()
                    .startsWith("must be with more units");
        }
    }

    @Test
    void unitsThatFollowEachOtherAndConflict() {
        rig.machines("m1")
                .unit("a.service", "MachineOf=b.service")
                .unit("b.service", "MachineOf=a.service", "Conflicts=a.*")
                .settle();
        assertThat(rig.vetoes("a.service"))
                .containsExactly(
                        "MachineOf=b.service: b.service conflicts with a.service",
                        "must be with b.service, for which MachineOf=a.service: a.service conflicts with b.service");
    }

    @Test
    void ownConflicts() {
        for (int i = 0; i < 4; i++) {
            rig.machine("m" + i).unit("db" + i + ".service");
        }
        rig.unit("a.service", "Conflicts=db*.service").settle();
        assertThat(rig.vetoes("a.service")).containsExactly("Conflicts=db*.service: 0 of 4 machines are free of it");
    }

    @Test
    void conflictsOfOthers() {
        rig.machines("m1").unit("b.service", "Conflicts=a*").unit("a.service").settle();
        assertThat(rig.vetoes("a.service"))
                .containsExactly("Conflicts=a* of other units: 0 of 1 machine are free of them");
    }

    @Test
    void conflictWithAGlobalUnit() {
        rig.machines("m1", "m2")
                .unit("g.service", "Global=true")
                .unit("a.service", "Conflicts=g.service")
                .settle();
        assertThat(rig.vetoes("a.service"))
                .containsExactly("conflict with the global unit g.service: 0 of 2 machines are free of it");
    }

    @Test
    void replacedByAnother() {
        rig.machines("m1")
                .unit("a.service")
                .unit("b.service", "Replaces=a.service")
                .settle();
        assertThat(rig.vetoes("a.service"))
                .containsExactly("Replaces=a.service of other units: 0 of 1 machine are free of them");
    }

    @Test
    void whatKeepsOffNothingIsNotCountedOverAllMachines() {
        rig.machines("m1");
        var options = IntStream.range(0, 1_000)
                .mapToObj(i -> "Conflicts=none" + i + "*")
                .toList();
        rig.unit("a.service", "MachineMetadata=disk=ssd")
                .unit("b.service", options.toArray(String[]::new))
                .target("b.service", TargetState.TARGET_STATE_INACTIVE)
                .settle();
        long few = allocated("a.service");
        rig.unit(
                        "a.service",
                        Stream.concat(Stream.of("MachineMetadata=disk=ssd"), options.stream())
                                .toArray(String[]::new))
                .settle();
        assertThat(allocated("a.service")).as("bytes, as a count of looks").isLessThan(few + 20_000);
    }

    @Test
    void whatPeersAreKeptOffByIsNotLookedForBeyondWhatIsTold() {
        rig.machines("m1");
        var options = IntStream.range(0, 1_000)
                .mapToObj(i -> "Conflicts=db" + i + ".service")
                .toList();
        for (int i = 0; i < options.size(); i++) {
            rig.unit("db" + i + ".service");
        }
        rig.unit("a.service", "MachineOf=b.service")
                .unit(
                        "b.service",
                        Stream.concat(Stream.of("MachineOf=a.service"), options.stream())
                                .toArray(String[]::new))
                .settle();
        assertThat(allocated("a.service", 20)).as("bytes, as a count of looks").isLessThan(100_000);
    }

    private long allocated(String unit) {
        return allocated(unit, 1);
    }

    private long allocated(String unit, int vetoesTold) {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        assertThat(rig.scheduler.explain(unit)).hasSize(vetoesTold);
        long before = threads.getCurrentThreadAllocatedBytes();
        var vetoes = rig.scheduler.explain(unit);
        long after = threads.getCurrentThreadAllocatedBytes();
        assertThat(vetoes).hasSize(vetoesTold);
        return after - before;
    }

    @Test
    void nothingToExplain() {
        rig.machines("m1")
                .unit("a.service")
                .put("i.service", Facts.requirements("i.service"), TargetState.TARGET_STATE_INACTIVE, null)
                .unit("g.service", "Global=true", "MachineMetadata=disk=ssd")
                .settle();
        for (String unit : new String[] {"a.service", "i.service", "g.service", "unknown.service"}) {
            assertThat(rig.vetoes(unit)).as(unit).isEmpty();
        }
    }
}
