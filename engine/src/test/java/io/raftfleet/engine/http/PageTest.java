package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.engine.api.ChangeFeed.Changes;
import io.raftfleet.proto.fleet.ControlRolloutRequest;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.RolloutPhase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the page is made of, and what it asks. A browser does the rest, in {@code bin/test/page}. */
class PageTest {
    private static final String GLOBAL = """
            {"options":[{"section":"Service","name":"ExecStart","value":"/bin/hello"},
            {"section":"X-Fleet","name":"Global","value":"true"}],"desiredState":"launched"}""";

    private final Engine engine;
    private final WireClient client;

    PageTest() throws IOException {
        engine = new Engine();
        client = engine.connect();
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
    void thePageRunsItsOwnScriptAloneAndReachesNobodyElse() throws IOException {
        for (var file : List.of("/", "/page/page.js", "/page/page.css")) {
            var answer = client.get(file);
            assertThat(answer.header("content-security-policy"))
                    .contains("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'")
                    .doesNotContain("unsafe", "http");
            assertThat(answer.header("x-content-type-options")).isEqualTo("nosniff");
            assertThat(answer.body())
                    .as("no address elsewhere, no script in the page, nothing of the answers becomes HTML")
                    .doesNotContainPattern(
                            Pattern.compile("https?://|innerHTML|outerHTML|insertAdjacentHTML|document\\.write"
                                    + "|eval\\(|style=|onclick=\"|<script>"));
        }
        assertThat(client.get("/page/..%2fdiscovery.json").status()).isEqualTo(404);
        assertThat(client.get("/page/openapi.yaml").status()).isEqualTo(404);
    }

    @Test
    void allFilesOfThePageAreServed() throws IOException {
        try (var files = Files.list(Path.of("src/main/resources/io/raftfleet/engine/http/page"))) {
            for (var file : files.toList()) {
                assertThat(client.get("/page/" + file.getFileName()).body()).isEqualTo(Files.readString(file));
            }
        }
    }

    @Test
    void unitsComeWithTheirStatesAndAreFoundByGlobNameAndMachine() throws IOException {
        for (var name : List.of("web@1.service", "web@2.service", "db-a\\x2db.service")) {
            client.put("/fleet/v1/units/" + name.replace("\\", "%5C"), Engine.HELLO);
        }

        var rows = get("/page/units?name=web*").get("units");
        assertThat(rows.findValuesAsString("name"))
                .contains("web@1.service", "web@2.service")
                .doesNotContain("db");
        assertThat(rows.get(0).get("states").get(0).get("systemdActiveState").stringValue())
                .isEqualTo("active");
        assertThat(rows.get(0).get("machineID").stringValue()).isEqualTo(Engine.MACHINE);
        assertThat(get("/page/units?unit=web@2.service&unit=db-a%5Cx2db.service&unit=none.service&name=web*")
                        .get("units"))
                .hasSize(1);
        assertThat(get("/page/units?machine=" + Engine.MACHINE).get("units")).hasSize(3);
        assertThat(get("/page/units?machine=" + Engine.OTHER_MACHINE).has("units"))
                .isFalse();
    }

    @Test
    void unitsOnAllMachinesLeaveTheOthersTheirStatesAndSayWhatIsLeftOut() throws IOException {
        for (int i = 0; i < 5_001; i++) {
            var id = String.format("%032x", i + 0x1000);
            engine.fleet.machines.put(id, Machine.newBuilder().setId(id).build());
        }
        for (var name : List.of("a-global.service", "b-global.service")) {
            client.put("/fleet/v1/units/" + name, GLOBAL);
        }
        client.put("/fleet/v1/units/web.service", Engine.HELLO);

        var rows = get("/page/units").get("units");

        assertThat(rows.findValuesAsString("name"))
                .containsSubsequence("a-global.service", "b-global.service", "web.service");
        assertThat(row(rows, "a-global.service").has("statesCut")).isFalse();
        assertThat(row(rows, "b-global.service").get("statesCut").booleanValue())
                .isTrue();
        assertThat(row(rows, "web.service").get("states")).hasSize(1);
        assertThat(row(rows, "web.service").has("statesCut")).isFalse();
    }

    private static JsonNode row(JsonNode rows, String name) {
        return rows.valueStream()
                .filter(row -> row.get("name").stringValue().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aPageEndsWithATokenForTheNext() throws IOException {
        for (int i = 0; i < 250; i++) {
            client.put("/fleet/v1/units/u" + (1000 + i) + ".service", Engine.HELLO);
        }
        var first = get("/page/units");
        assertThat(first.get("units")).hasSize(200);
        var second =
                get("/page/units?nextPageToken=" + first.get("nextPageToken").stringValue());
        assertThat(second.get("units")).hasSize(50);
        assertThat(second.has("nextPageToken")).isFalse();
    }

    @Test
    void rolloutsAreShownWithWhatCanBeOrderedOfThem() throws IOException {
        engine.fleet.rollouts.add(MemoryFleet.rollout("0123abcd"));
        engine.fleet.rollouts.add(MemoryFleet.rollout("4567abcd").toBuilder()
                .setPhase(RolloutPhase.ROLLOUT_PHASE_DONE)
                .setBack(true)
                .build());
        var rows = get("/page/rollouts").get("rollouts");
        assertThat(rows.get(0).get("state").stringValue()).isEqualTo("stopped");
        assertThat(rows.get(0).get("reason").stringValue()).isEqualTo("unit web@4.service failed");
        assertThat(rows.get(0).get("from").intValue()).isEqualTo(3);
        assertThat(rows.get(0).get("units").intValue()).isEqualTo(12);
        assertThat(rows.get(0).get("orders").toString()).isEqualTo("[\"resume\",\"undo\"]");
        assertThat(rows.get(1).get("state").stringValue()).isEqualTo("rolled back");
        assertThat(rows.get(1).has("orders")).isFalse();
        assertThat(client.put("/page/rollouts/0123abcd", "{\"order\":\"undo\"}").status())
                .isEqualTo(204);
        assertThat(engine.fleet.orders).containsExactly(ControlRolloutRequest.Order.ORDER_UNDO);
        var absent = client.put("/page/rollouts/89abcdef", "{\"order\":\"pause\"}");
        assertThat(absent.status()).isEqualTo(404);
        assertThat(absent.body()).contains("there is no rollout 89abcdef");
    }

    @Test
    void thePageKnowsTheEnginesAndWhatItsReaderMay() throws IOException {
        var document = get("/page/engine");
        assertThat(document.get("leaderId").stringValue()).isEqualTo("engine-1");
        assertThat(document.get("role").stringValue()).as("over plaintext").isEqualTo("admin");
        assertThat(document.get("engines").get(1).get("behind").intValue()).isEqualTo(3);
        assertThat(document.get("engines").get(0).has("behind")).isFalse();
    }

    @Test
    void changesAreNamesAndWhereToGoOn() throws IOException {
        var first = get("/page/changes");
        assertThat(first.get("all").booleanValue()).isTrue();
        assertThat(first.get("leader").booleanValue()).isTrue();
        engine.fleet.changes = new Changes(
                Revision.newBuilder()
                        .setIncarnation(-1)
                        .setIndex(9)
                        .setOrdinal(2)
                        .build(),
                false,
                Set.of("a.service"),
                Set.of(),
                true);
        var next = get(
                "/page/changes?seen=7-engine-1&after=" + first.get("revision").stringValue());
        assertThat(next.get("units").get(0).stringValue()).isEqualTo("a.service");
        assertThat(next.get("leader").booleanValue()).isFalse();
        assertThat(next.get("revision").stringValue()).isEqualTo("18446744073709551615-9-2");
        assertThat(get("/page/changes?after=18446744073709551615-9-2").has("units"))
                .isTrue();
        assertThat(client.get("/page/changes?after=18446744073709551616-9-2").status())
                .isEqualTo(400);
    }

    @Test
    void anotherPageOrdersNothing() throws IOException {
        var path = "/page/machines/" + Engine.MACHINE;
        int before = engine.fleet.writes.get();
        assertThat(client.call("PUT", path, "{\"order\":\"drain\"}", "Content-Type: text/plain")
                        .status())
                .as("what a form could send")
                .isEqualTo(415);
        assertThat(client.call("POST", path, "order=drain").status()).isEqualTo(405);
        assertThat(engine.fleet.writes.get()).isEqualTo(before);
        assertThat(client.put(path, "{\"order\":\"drain\"}").status()).isEqualTo(204);
        assertThat(engine.fleet.writes.get()).isEqualTo(before + 1);
    }
}
