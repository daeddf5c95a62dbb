package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.model.UnitState;
import org.junit.jupiter.api.Test;

/** What of a state is not fleet's, and stands there only when there is something to say. */
class StateDocumentTest {
    private static final UnitState FAILED = UnitState.newBuilder()
            .setName("a.service")
            .setLoadState("loaded")
            .setActiveState("failed")
            .setSubState("failed")
            .setError("its main process exited with status 3")
            .setPending(true)
            .build();

    @Test
    void whatIsWrongIsTold() {
        assertThat(json(FAILED))
                .isEqualTo(
                        "{\"name\":\"a.service\",\"pending\":true,\"reason\":\"its main process exited with status 3\","
                                + "\"systemdActiveState\":\"failed\",\"systemdLoadState\":\"loaded\",\"systemdSubState\":\"failed\"}");
        assertThat(json(FAILED.toBuilder().clearError().clearPending().build()))
                .as("what fleet itself says")
                .isEqualTo("{\"name\":\"a.service\",\"systemdActiveState\":\"failed\",\"systemdLoadState\":\"loaded\","
                        + "\"systemdSubState\":\"failed\"}");
    }

    private static String json(UnitState state) {
        return Json.write(StateResource.document(state)).toStringUtf8();
    }
}
