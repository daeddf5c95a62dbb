package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import io.raftfleet.engine.http.WireClient.Answer;
import io.raftfleet.proto.fleet.RequestId;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** How calls reach the registry: how often, with which ids, and what its failures become. */
class ReadsAndWritesTest {
    private static final JsonMapper JSON = JsonMapper.shared();

    private final Engine engine;
    private final WireClient client;

    ReadsAndWritesTest() throws IOException {
        engine = new Engine();
        client = engine.connect();
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        engine.close();
    }

    @Test
    void aNewUnitIsOneWriteAndNoRead() throws IOException {
        assertThat(client.put("/fleet/v1/units/a.service", Engine.HELLO).status())
                .isEqualTo(201);
        assertThat(engine.fleet.writes.get()).isEqualTo(1);
        assertThat(engine.fleet.reads.get()).isZero();
    }

    @Test
    void answersStateTheRevisionOfWhatTheyReadOrWrote() throws IOException {
        assertRevision(41, client.put("/fleet/v1/units/a.service", Engine.HELLO));
        assertRevision(43, client.put("/fleet/v1/units/a.service", Engine.HELLO));
        assertRevision(43, client.get("/fleet/v1/units/a.service"));
        assertRevision(43, client.get("/fleet/v1/units/absent.service"));
        for (String list : List.of("units", "state", "machines")) {
            assertRevision(43, client.get("/fleet/v1/" + list));
        }
        assertRevision(43, client.get("/fleet/v1/state/a.service"));
        assertRevision(43, client.get("/fleet/v1/state/absent.service"));
        assertRevision(44, client.put("/fleet/v1/units/absent.service", "{\"desiredState\":\"loaded\"}"));
        assertRevision(45, client.call("DELETE", "/fleet/v1/units/a.service", ""));
        assertRevision(46, client.call("DELETE", "/fleet/v1/units/a.service", ""));
        assertRevision(
                47,
                client.call(
                        "PATCH",
                        "/fleet/v1/machines",
                        "[{\"op\":\"remove\",\"path\":\"/" + Engine.MACHINE + "/metadata/k\"}]"));
        assertThat(client.get("/healthz").header("raftfleet-revision")).isEmpty();
    }

    private static void assertRevision(long index, WireClient.Answer answer) {
        assertThat(answer.header("raftfleet-revision")).isEqualTo("18446744073709551615-" + index + "-2");
    }

    /** fleet's clients pass over a field that they do not know. */
    @Test
    void unitsOfBeforeHaveWarningsAndOthersNoSuchField() throws IOException {
        client.put("/fleet/v1/units/a.service", Engine.HELLO);
        client.put("/fleet/v1/units/b.service", Engine.HELLO);
        engine.fleet.warn("a.service", "that it replaces x counts for nothing");
        JsonNode units = JSON.readTree(client.get("/fleet/v1/units").body()).get("units");
        assertThat(units.get(0).get("warnings").get(0).asString()).isEqualTo("that it replaces x counts for nothing");
        assertThat(units.get(1).has("warnings")).isFalse();
        JsonNode unit = JSON.readTree(client.get("/fleet/v1/units/a.service").body());
        assertThat(unit.get("warnings")).hasSize(1);
    }

    @Test
    void whoChangedAUnitIsAFieldThatOldClientsPassOver() throws IOException {
        client.put("/fleet/v1/units/a.service", Engine.HELLO);
        assertThat(client.get("/fleet/v1/units/a.service").body()).doesNotContain("changed");
        engine.fleet.changed("a.service", "user/alice", 1_795_000_000_000L);
        JsonNode unit = JSON.readTree(client.get("/fleet/v1/units/a.service").body());
        assertThat(unit.get("changedBy").asString()).isEqualTo("user/alice");
        assertThat(unit.get("changedAt").asString()).isEqualTo("2026-11-18T11:06:40Z");
        client.put("/fleet/v1/units/a.service", "{\"desiredState\":\"loaded\",\"changedBy\":\"user/eve\"}");
        assertThat(client.get("/fleet/v1/units/a.service").body()).doesNotContain("eve");
    }

    @Test
    void aUnitThatWaitsSaysWhyAndOthersHaveNoSuchField() throws IOException {
        client.put("/fleet/v1/units/a.service", Engine.HELLO);
        client.put("/fleet/v1/units/b.service", Engine.HELLO);
        engine.fleet.veto("a.service", "metadata disk=ssd: 0 of 4 machines");
        JsonNode unit = JSON.readTree(client.get("/fleet/v1/units/a.service").body());
        assertThat(unit.get("vetoes").get(0).asString()).isEqualTo("metadata disk=ssd: 0 of 4 machines");
        assertThat(JSON.readTree(client.get("/fleet/v1/units/b.service").body()).has("vetoes"))
                .isFalse();
    }

    @Test
    void aUnitForWhichThereIsNoRoomIsRefusedAsSuch() throws IOException {
        engine.fleet.fill();
        var answer = client.put("/fleet/v1/units/a.service", Engine.HELLO);
        assertThat(answer.status()).isEqualTo(507);
        assertThat(answer.body()).contains("unit a.service needs more: destroy units");
    }

    @Test
    void everyWriteHasAnIdOfItsOwn() throws IOException {
        client.put("/fleet/v1/units/a.service", Engine.HELLO);
        client.put("/fleet/v1/units/a.service", Engine.HELLO);
        client.call("DELETE", "/fleet/v1/units/a.service", "");
        client.call("PATCH", "/fleet/v1/machines", "[{\"op\":\"remove\",\"path\":\"/m/metadata/k\"}]");

        Set<RequestId> ids = new HashSet<>(engine.fleet.requestIds);
        assertThat(ids).hasSize(5).allSatisfy(id -> {
            assertThat(id.getId().size()).isEqualTo(16);
            assertThat(id.getIssuedAtMs()).isEqualTo(Engine.NOW.toEpochMilli());
        });
    }

    @Test
    void aUnitIsReadAsItWasWritten() throws IOException {
        String unit = """
                {"desiredState":"launched","options":[\
                {"section":"Unit","name":"Description","value":"naïve — 日本"},\
                {"section":"Service","name":"ExecStart","value":"/bin/sh -c \\"a \\\\\\n  b\\""}]}""";
        client.put("/fleet/v1/units/u.service", unit);

        JsonNode read = JSON.readTree(client.get("/fleet/v1/units/u.service").body());
        assertThat(read.get("options").get(0).get("value").stringValue()).isEqualTo("naïve — 日本");
        assertThat(read.get("options").get(1).get("value").stringValue()).isEqualTo("/bin/sh -c \"a \\\n  b\"");
        assertThat(read.get("desiredState").stringValue()).isEqualTo("launched");
        assertThat(read.get("currentState").stringValue()).isEqualTo("launched");
        assertThat(read.get("machineID").stringValue()).isEqualTo(Engine.MACHINE);
    }

    @Test
    void aGlobalUnitHasAStateOnEachMachineAndNoMachineOfItsOwn() throws IOException {
        client.put(
                "/fleet/v1/units/g.service",
                Engine.HELLO.replace("}]", "},{\"section\":\"X-Fleet\",\"name\":\"Global\",\"value\":\"true\"}]"));

        JsonNode unit = JSON.readTree(client.get("/fleet/v1/units/g.service").body());
        assertThat(unit.has("machineID")).isFalse();
        assertThat(unit.has("currentState")).isFalse();
        JsonNode states = JSON.readTree(client.get("/fleet/v1/state").body()).get("states");
        assertThat(states.size()).isEqualTo(2);
        assertThat(states.get(0).get("hash").stringValue()).matches("[0-9a-f]{40}");
    }

    @Test
    void aStateIsFoundByANameThatLooksLikeAPattern() throws IOException {
        client.put("/fleet/v1/units/dev-a%5Cx2db.service", Engine.HELLO);
        assertThat(client.get("/fleet/v1/state?unitName=dev-a%5Cx2db.service").body())
                .contains("dev-a\\\\x2db.service");
        assertThat(client.get("/fleet/v1/state/dev-a%5Cx2db.service").status()).isEqualTo(200);
    }

    @Test
    void pagesNeitherSkipNorRepeatWhatStays() throws IOException {
        for (int i = 0; i < 250; i++) {
            client.put("/fleet/v1/units/u%03d.service".formatted(i), Engine.HELLO);
        }
        List<String> names = new ArrayList<>();
        List<Integer> sizes = new ArrayList<>();
        String token = "";
        do {
            String query = token.isEmpty() ? "" : "?nextPageToken=" + token.replace("=", "%3D");
            JsonNode page = JSON.readTree(client.get("/fleet/v1/units" + query).body());
            page.get("units").forEach(unit -> names.add(unit.get("name").stringValue()));
            sizes.add(page.get("units").size());
            token = page.has("nextPageToken") ? page.get("nextPageToken").stringValue() : "";
            client.call("DELETE", "/fleet/v1/units/" + names.getLast(), "");
            client.call("DELETE", "/fleet/v1/units/" + names.getFirst(), "");
            client.put("/fleet/v1/units/a-first.service", Engine.HELLO);
        } while (!token.isEmpty());

        assertThat(sizes).containsExactly(100, 100, 50);
        assertThat(names).doesNotHaveDuplicates().isSorted().hasSize(250);
    }

    @Test
    void withoutAQuorumOnlyStaleReadsAreAnswered() throws IOException {
        client.put("/fleet/v1/units/a.service", Engine.HELLO);
        engine.fleet.setQuorum(false);

        for (String path : List.of("/units", "/units/a.service", "/state", "/machines")) {
            Answer answer = client.get("/fleet/v1" + path);
            assertThat(answer.status()).as(path).isEqualTo(503);
            assertThat(answer.body()).contains("no quorum");
            assertThat(answer.header("retry-after")).isEqualTo("1");
            assertThat(client.get("/fleet/v1" + path + "?stale=true").status()).isEqualTo(200);
        }
        assertThat(Deadlines.DEFAULT.read()).isLessThan(Duration.ofSeconds(2));
    }

    @ParameterizedTest
    @CsvSource({
        "INVALID_ARGUMENT, 400, what was wrong",
        "UNAUTHENTICATED, 401, what was wrong",
        "PERMISSION_DENIED, 403, what was wrong",
        "RESOURCE_EXHAUSTED, 429, what was wrong",
        "UNAVAILABLE, 503, what was wrong",
        "DEADLINE_EXCEEDED, 503, what was wrong",
        "FAILED_PRECONDITION, 503, what was wrong",
        "UNKNOWN, 503, unknown whether",
        "INTERNAL, 500, log",
    })
    void failuresOfTheRegistryBecomeStatusCodes(Status.Code code, int status, String says) throws IOException {
        engine.fleet.failWith(code.toStatus().withDescription("what was wrong"));

        Answer put = client.put("/fleet/v1/units/a.service", Engine.HELLO);
        assertThat(put.status()).isEqualTo(status);
        assertThat(put.body()).contains(says);
        assertThat(put.header("retry-after")).isEqualTo(status == 429 || status == 503 ? "1" : "");
        assertThat(client.get("/fleet/v1/units").status()).isEqualTo(status);
        assertThat(client.get("/fleet/v1/units/a.service").status()).isEqualTo(status);
        assertThat(client.call("DELETE", "/fleet/v1/units/a.service", "").status())
                .isEqualTo(status);

        engine.fleet.failWith(null);
        assertThat(client.put("/fleet/v1/units/a.service", Engine.HELLO).status())
                .as("the connection goes on being useful")
                .isEqualTo(201);
    }

    @Test
    void operatorsChangeMetadata() throws IOException {
        client.call("PATCH", "/fleet/v1/machines", """
                [{"op":"add","path":"/%1$s/metadata/disk","value":"ssd"},
                 {"op":"replace","path":"/%1$s/metadata/disk","value":{"value":"nvme"}},
                 {"op":"remove","path":"/%1$s/metadata/role"},
                 {"op":"add","path":"/unknown/metadata/disk","value":"ssd"}]""".formatted(Engine.MACHINE));
        assertThat(client.get("/fleet/v1/machines").body()).contains("\"metadata\":{\"disk\":\"nvme\"}");
    }
}
