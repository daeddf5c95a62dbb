package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What fleetctl 1.0 asks of the v1 API in which order, and what it waits for with looks 250 ms apart. */
class OldClientTest {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String UNIT = "/fleet/v1/units/a.service";
    private static final Duration PAUSE = Duration.ofMillis(250);

    private final Engine engine;
    private final WireClient client;

    OldClientTest() throws IOException {
        engine = new Engine();
        client = engine.connect();
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        engine.close();
    }

    private void desire(String state) throws IOException {
        assertThat(client.put(UNIT, "{\"name\":\"a.service\",\"desiredState\":\"" + state + "\"}")
                        .status())
                .isEqualTo(204);
    }

    private String current() throws IOException {
        return JSON.readTree(client.get(UNIT).body()).get("currentState").asString();
    }

    private void pause(Duration time) {
        engine.now = engine.now.plus(time);
    }

    /** {@code start --replace}: new contents without a desired state, a wait for "inactive", then "launched". */
    @Test
    void aUnitWithNewContentsAndNoDesiredStateIsInactive() throws IOException {
        client.put(UNIT, Engine.HELLO);
        assertThat(current()).isEqualTo("launched");
        assertThat(client.put(UNIT, """
                        {"options":[{"section":"Service","name":"ExecStart","value":"/bin/other"}]}""").status()).isEqualTo(201);
        JsonNode unit = JSON.readTree(client.get(UNIT).body());
        assertThat(unit.get("desiredState").asString()).isEqualTo("inactive");
        assertThat(unit.get("currentState").asString()).isEqualTo("inactive");
        desire("launched");
        assertThat(current()).isEqualTo("launched");
    }

    /** {@code restart}: "loaded", then a wait for "launched", whose first look is 250 ms later, then "launched". */
    @Test
    void aStoppedUnitIsShownAsLaunchedForTheFirstLook() throws IOException {
        client.put(UNIT, Engine.HELLO);
        desire("loaded");
        assertThat(current()).isEqualTo("launched");
        pause(PAUSE);
        assertThat(current()).isEqualTo("launched");
        desire("launched");
        assertThat(current()).isEqualTo("launched");
    }

    /** {@code stop}: "loaded", then a wait for "loaded", which the second look ends. */
    @Test
    void aStoppedUnitIsShownAsLoadedForTheSecondLook() throws IOException {
        client.put(UNIT, Engine.HELLO);
        desire("loaded");
        pause(PAUSE);
        JsonNode list = JSON.readTree(client.get("/fleet/v1/units").body());
        assertThat(list.get("units").get(0).get("currentState").asString()).isEqualTo("launched");
        assertThat(list.get("units").get(0).get("desiredState").asString()).isEqualTo("loaded");
        pause(PAUSE);
        assertThat(current()).isEqualTo("loaded");
        desire("inactive");
        assertThat(current()).isEqualTo("inactive");
    }

    @Test
    void aClockThatIsSetBackShowsNothingForLonger() throws IOException {
        client.put(UNIT, Engine.HELLO);
        desire("loaded");
        engine.step = Duration.ofHours(-1);
        assertThat(current()).isEqualTo("launched");
        pause(PAUSE.multipliedBy(2));
        assertThat(current()).isEqualTo("loaded");
    }

    @Test
    void whatWasNotLaunchedIsNeverShownSo() throws IOException {
        client.put(UNIT, Engine.HELLO.replace("launched", "inactive"));
        desire("loaded");
        assertThat(current()).isEqualTo("loaded");
        desire("loaded");
        assertThat(current()).isEqualTo("loaded");
        desire("launched");
        desire("loaded");
        desire("inactive");
        assertThat(current()).isEqualTo("inactive");
    }
}
