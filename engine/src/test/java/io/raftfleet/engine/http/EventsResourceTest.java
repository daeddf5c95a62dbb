package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.engine.api.ChangeFeed.Changes;
import io.raftfleet.proto.model.Revision;
import java.io.IOException;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code /fleet/v1/events} over the wire. */
class EventsResourceTest {
    private static final String EVENTS = "/fleet/v1/events";

    private final Engine engine;
    private final WireClient client;

    EventsResourceTest() throws IOException {
        engine = new Engine();
        client = engine.connect();
        engine.fleet.happened.add(MemoryFleet.event("a.service", 5));
        engine.fleet.happened.add(MemoryFleet.event("b-x\\x2dy.service", 6));
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        engine.close();
    }

    private JsonNode get(String path) throws IOException {
        var answer = client.get(path);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return JsonMapper.shared().readTree(answer.body());
    }

    @Test
    void eachHasWhatPeopleAndProgramsWant() throws IOException {
        var event = get(EVENTS).get("events").get(0);
        assertThat(event.get("unit").stringValue()).isEqualTo("a.service");
        assertThat(event.get("kind").stringValue()).isEqualTo("unit_up");
        assertThat(event.get("by").stringValue()).isEqualTo("user/eve");
        assertThat(event.get("times").intValue()).isEqualTo(2);
        assertThat(event.get("time").stringValue()).isEqualTo("2023-11-14T22:13:21Z");
        assertThat(event.get("revision").stringValue()).isEqualTo("1-5-0");
    }

    @Test
    void aNameIsANameAlsoWithBackslashesAndAGlobAGlob() throws IOException {
        assertThat(get(EVENTS + "?unit=b-x%5Cx2dy.service").get("events")).hasSize(1);
        assertThat(get(EVENTS + "?unit=b*&unit=a.service").get("events")).hasSize(2);
        assertThat(get(EVENTS + "?unit=none.service").has("events")).isFalse();
    }

    @Test
    void whoWaitsIsToldWhatComesAfterTheRevisionAndElseThatThereWasNothing() throws IOException {
        assertThat(get(EVENTS + "?after=1-5-0").get("events")).hasSize(1);
        engine.fleet.changes = new Changes(Revision.newBuilder().setIndex(9).build(), false, Set.of(), Set.of(), true);
        var nothing = get(EVENTS + "?after=1-6-0&wait=5");
        assertThat(nothing.has("events")).isFalse();
        assertThat(nothing.get("revision").stringValue()).isNotEmpty();
    }
}
