package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.PlanResponse;
import io.raftfleet.proto.fleet.PlannedPlace;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Veto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code plan} prints. */
@Timeout(60)
class PlanCommandTest {
    private static final String M1 = "113f16a7c8d94f1a8a1e6c4f4b6a9d01";
    private static final String M2 = "85c0c595a02b4bb4bd9f6c0b6cf7a502";

    @TempDir
    private Path directory;

    private final InMemoryCluster cluster = new InMemoryCluster();

    @BeforeEach
    void begin() {
        cluster.startEngine().leads = true;
        cluster.addMachine(M1, "10.0.0.1", Map.of());
        cluster.addMachine(M2, "10.0.0.2", Map.of());
    }

    @AfterEach
    void close() {
        cluster.close();
    }

    @Test
    void saysOfEachUnitWhatWouldBecomeOfItAndWhatWouldFollow() throws IOException {
        for (String name : new String[] {"a", "b", "c"}) {
            Files.writeString(directory.resolve(name + ".service"), "[Service]\nExecStart=/bin/" + name + "\n");
        }
        cluster.planned = PlanResponse.newBuilder()
                .addCreate(result(ItemCode.ITEM_CODE_OK, ""))
                .addCreate(result(ItemCode.ITEM_CODE_OK, ""))
                .addCreate(result(ItemCode.ITEM_CODE_REFUSED, "unit c.service: no"))
                .addPlaces(place("a.service", "", M1).setNamed(true))
                .addPlaces(place("b.service", "", "")
                        .setNamed(true)
                        .addVetoes(Veto.newBuilder().setMessage("metadata disk=ssd: 0 of 2 machines")))
                .addPlaces(place("old.service", M1, M2).setReason("a unit on it has Replaces=old.service"))
                .build();
        Result result = run("plan", "a.service", "b.service", "c.service");
        assertThat(result.out()).isEqualTo("""
                a.service: create, on 113f16a7.../10.0.0.1
                b.service: create, on no machine
                    metadata disk=ssd: 0 of 2 machines
                c.service: refused: unit c.service: no
                Would follow from that:
                  old.service: from 113f16a7.../10.0.0.1 to 85c0c595.../10.0.0.2 (a unit on it has Replaces=old.service)
                Plan: 2 to create, 1 to move, 1 refused, 1 without a machine. Nothing was done.
                """);
        assertThat(result.exit()).isEqualTo(1);
        assertThat(cluster.units).isEmpty();
    }

    @Test
    void saysOfADrainWhatWouldGoWhereAndWhatCantLeave() {
        cluster.planned = PlanResponse.newBuilder()
                .addMachines(result(ItemCode.ITEM_CODE_OK, ""))
                .addPlaces(place("a.service", M1, M2).setReason("machine " + M1 + " is drained"))
                .addPlaces(place("b.service", M1, M1)
                        .addVetoes(Veto.newBuilder().setMessage("MachineID=113f16a7: 1 of 2 machines")))
                .build();
        Result result = run("plan", "--drain", "113f");
        assertThat(result.out()).isEqualTo("""
                Machine 113f16a7.../10.0.0.1: drain; global units end there last
                  a.service: from 113f16a7.../10.0.0.1 to 85c0c595.../10.0.0.2
                  b.service: stays on 113f16a7.../10.0.0.1
                    MachineID=113f16a7: 1 of 2 machines
                Plan: 1 to move, 1 to stay, 1 that no other machine admits. Nothing was done.
                """);
        assertThat(result.exit()).isEqualTo(1);
    }

    private static ItemResult result(ItemCode code, String message) {
        return ItemResult.newBuilder().setCode(code).setMessage(message).build();
    }

    private static PlannedPlace.Builder place(String unit, String before, String after) {
        return PlannedPlace.newBuilder()
                .setUnit(unit)
                .setMachineBefore(before)
                .setMachineAfter(after)
                .setTargetState(TargetState.TARGET_STATE_LAUNCHED);
    }

    private Result run(String... arguments) {
        return Result.of(cluster, directory, Map.of(), arguments);
    }
}
