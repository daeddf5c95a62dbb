package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.model.MachineMark;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.MachinePresence;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.proto.model.Veto;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class WhyCommandTest {
    private static final String M1 = "113f16a7c8d94f1a8a1e6c4f4b6a9d01";
    private static final String M2 = "85c0c595a02b4bb4bd9f6c0b6cf7a502";

    @TempDir
    private Path directory;

    private final InMemoryCluster cluster = new InMemoryCluster();

    @BeforeEach
    void begin() {
        cluster.startEngine();
        cluster.addMachine(M1, "10.0.0.1", Map.of("disk", "SSD"));
        cluster.addMachine(M2, "10.0.0.2", Map.of());
    }

    @AfterEach
    void close() {
        cluster.close();
    }

    @Test
    void aUnitThatRunsSaysWhereAndSinceWhen() {
        cluster.engines.getFirst().status = "   Active: active (running) since Fri 2026-11-27 03:00:00 UTC; 1h ago\n";
        cluster.add(unit().setMachineId(M1).build(), InMemoryEngine.state("a.service", M1, "active", "running"));
        assertThat(run("why", "a")).isEqualTo(new Result(0, """
                a.service
                  wanted: launched
                      is: active (running) on 113f16a7.../10.0.0.1 since Fri 2026-11-27 03:00:00 UTC; 1h ago
                """, ""));
    }

    @Test
    void restartsBySystemdAreTold() {
        cluster.engines.getFirst().status = "   Active: active (running)\n";
        UnitState up = InMemoryEngine.state("a.service", M1, "active", "running");
        cluster.add(
                unit().setMachineId(M1)
                        .setCurrentState(TargetState.TARGET_STATE_LAUNCHED)
                        .build(),
                up.toBuilder().setRestarts(4).build());
        assertThat(run("why", "a").out())
                .contains("(running) on 113f16a7.../10.0.0.1\n          restarted by systemd 4 times\n");
        assertThat(run("status", "a").out()).contains("Restarted by systemd 4 times\n");
        assertThat(run("list-units", "--no-legend", "--fields=unit,restarts").out())
                .isEqualTo("a.service\t4\n");
        assertThat(run("list-units", "--json").out()).containsPattern("\"restarts\": ?4\\b");
        cluster.report(up.toBuilder().setRestarts(1).build());
        assertThat(run("why", "a").out()).contains("restarted by systemd once\n");
        cluster.report(up);
        assertThat(run("why", "a").out()).doesNotContain("restarted");
    }

    @Test
    void theMachinesOfAGlobalUnitAreAskedAtOnce() {
        var engine = cluster.engines.getFirst();
        engine.status = "   Active: active (running) since Fri 2026-11-27 03:00:00 UTC; 1h ago\n";
        engine.statusAsked = new CountDownLatch(2);
        cluster.add(unit().setGlobal(true).build(), InMemoryEngine.state("a.service", M1, "active", "running"));
        cluster.report(InMemoryEngine.state("a.service", M2, "active", "running"));
        assertThat(run("why", "a").out().lines().filter(line -> line.contains("since Fri 2026-11-27 03:00:00 UTC")))
                .hasSize(2);
    }

    @Test
    void aUnitThatHasFailedSaysWhy() {
        cluster.add(
                unit().setMachineId(M1).build(),
                InMemoryEngine.state("a.service", M1, "failed", "failed").toBuilder()
                        .setError("its main process exited with status 203/EXEC")
                        .build());
        assertThat(run("why", "a.service").out())
                .contains("is: failed (failed) on 113f16a7", "why: its main process exited with status 203/EXEC\n");
    }

    @Test
    void aUnitThatNoMachineSuitsSaysWhatEachRequirementLeavesAndWhatWouldHelp() {
        cluster.machines.computeIfPresent(
                M2,
                (id, machine) -> machine.toBuilder()
                        .setMark(MachineMark.newBuilder().setKind(MachineMarkKind.MACHINE_MARK_KIND_CORDONED))
                        .build());
        cluster.add(
                unit().addVetoes(veto("MachineMetadata=disk=ssd", 0, "metadata disk=ssd: 0 of 2 machines"))
                        .addVetoes(veto("cordon", 1, "not cordoned: 1 of 2 machines"))
                        .build(),
                null);
        assertThat(run("why", "a.service")).isEqualTo(new Result(0, """
                a.service
                  wanted: launched
                      is: on no machine
                   waits: no machine suits it:
                          metadata disk=ssd: 0 of 2 machines
                            1 has disk=SSD, 1 has no disk; to say so of one: fleetctl machine set disk=ssd MACHINE
                          not cordoned: 1 of 2 machines
                            85c0c595... is cordoned: fleetctl uncordon MACHINE has it take units again
                """, ""));
    }

    @Test
    void requirementsThatLeaveMachinesOneByOneAndNoneTogetherAreSaidToDoSo() {
        cluster.add(
                unit().addVetoes(veto("MachineMetadata=disk=SSD", 1, "metadata disk=SSD: 1 of 2 machines"))
                        .addVetoes(veto("Conflicts=b*", 1, "Conflicts=b*: 1 of 2 machines are free of it"))
                        .build(),
                null);
        assertThat(run("why", "a.service").out())
                .endsWith("each leaves some machines, but no machine meets them all\n");
    }

    @Test
    void aLostMachineIsNamedAsSuch() {
        cluster.machines.computeIfPresent(
                M1,
                (id, machine) -> machine.toBuilder()
                        .setPresence(MachinePresence.MACHINE_PRESENCE_LOST)
                        .setLostMs(1_794_963_200_000L)
                        .build());
        cluster.add(unit().setMachineId(M1).build(), null);
        assertThat(run("why", "a.service").out())
                .contains("to: 113f16a7.../10.0.0.1", "that machine is lost since 2026-11-18T00:53:20Z");
    }

    @Test
    void aUnitThatIsNotThereIsNotFound() {
        assertThat(run("why", "b.service"))
                .isEqualTo(new Result(1, "", "Unit b.service does not exist; see: fleetctl list-unit-files\n"));
    }

    private static Unit.Builder unit() {
        return Unit.newBuilder()
                .setName("a.service")
                .setHash(InMemoryCluster.hash("a.service"))
                .setTargetState(TargetState.TARGET_STATE_LAUNCHED);
    }

    private static Veto veto(String requirement, int matching, String message) {
        return Veto.newBuilder()
                .setRequirement(requirement)
                .setMatching(matching)
                .setPresent(2)
                .setMessage(message)
                .build();
    }

    private Result run(String... arguments) {
        return Result.of(cluster, directory, Map.of(), arguments);
    }
}
