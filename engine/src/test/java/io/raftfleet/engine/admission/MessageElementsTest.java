package io.raftfleet.engine.admission;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.StateReport;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.model.UnitState;
import java.util.Collections;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class MessageElementsTest {
    @Test
    @DisplayName("every field counts, those of messages within messages too; empty ones as well")
    void countsFields() {
        var units = CreateUnitsRequest.newBuilder()
                .addAllUnits(Collections.nCopies(1000, NewUnit.getDefaultInstance()))
                .addUnits(NewUnit.newBuilder().setName("a.service").setText("x"))
                .build();
        assertThat(MessageElements.count(units.toByteArray(), CreateUnitsRequest.getDescriptor()))
                .isEqualTo(1003);
        var frame = AgentFrame.newBuilder()
                .setStates(StateReport.newBuilder()
                        .setSequence(1)
                        .addAllStates(Collections.nCopies(500, UnitState.getDefaultInstance()))
                        .addGone("b.service"))
                .build();
        assertThat(MessageElements.count(frame.toByteArray(), AgentFrame.getDescriptor()))
                .isEqualTo(503);
    }

    @Test
    @DisplayName("what is no message is counted up to where that shows")
    void malformed() {
        long seed = System.nanoTime();
        var random = new Random(seed);
        for (int i = 0; i < 5_000; i++) {
            var bytes = new byte[random.nextInt(200)];
            random.nextBytes(bytes);
            assertThat(MessageElements.count(bytes, AgentFrame.getDescriptor()))
                    .as("seed %d, round %d", seed, i)
                    .isBetween(0, bytes.length);
        }
    }
}
