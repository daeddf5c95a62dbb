package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.engine.http.WireClient.Answer;
import java.io.IOException;
import java.net.SocketAddress;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every outcome of fleet's v1 API, as {@code api/*.go} has them, on both listeners and under both prefixes. */
class V1ApiTest {
    private static final String JSON = "Content-Type: application/json";
    private static final String OPTIONS =
            "\"options\":[{\"section\":\"Service\",\"name\":\"ExecStart\",\"value\":\"/bin/a\"}]";

    /** Stored before each row: old.service (launched), a@.service and idle.service (inactive). */
    record Row(String what, String request, String header, String body, int status, String says) {
        @Override
        public String toString() {
            return what;
        }
    }

    private static Row row(String what, String request, String header, String body, int status, String says) {
        return new Row(what, request, header, body, status, says);
    }

    private static Row put(String what, String name, String body, int status, String says) {
        return row(what, "PUT /units/" + name, JSON, body, status, says);
    }

    private static String fleet(String key, String value) {
        return "{\"section\":\"X-Fleet\",\"name\":\"" + key + "\",\"value\":\"" + value + "\"}";
    }

    private static String options(String... options) {
        return "{\"options\":[{\"section\":\"Service\",\"name\":\"ExecStart\",\"value\":\"/bin/a\"},"
                + String.join(",", options) + "]}";
    }

    private static List<Row> rows() {
        return List.of(
                put("new unit", "new.service", "{" + OPTIONS + ",\"desiredState\":\"launched\"}", 201, ""),
                put("new unit without desired state", "new.service", "{" + OPTIONS + "}", 201, ""),
                put("new unit, name in body", "new.service", "{\"name\":\"new.service\"," + OPTIONS + "}", 201, ""),
                put(
                        "new unit, fields in other case",
                        "new.service",
                        "{" + OPTIONS.replace("options", "Options") + "}",
                        201,
                        ""),
                put("new unit, unknown fields", "new.service", "{\"color\":{\"a\":[1]}," + OPTIONS + "}", 201, ""),
                put(
                        "new unit, read-only fields",
                        "new.service",
                        "{\"machineID\":\"x\",\"currentState\":\"y\"," + OPTIONS + "}",
                        201,
                        ""),
                put("new template", "b@.service", "{" + OPTIONS + ",\"desiredState\":\"inactive\"}", 201, ""),
                put("name with a percent sign escaped", "a%40b.service", "{" + OPTIONS + "}", 201, ""),
                put("name with a backslash", "dev-a%5Cx2db.service", "{" + OPTIONS + "}", 201, ""),
                row(
                        "content type with charset",
                        "PUT /units/new.service",
                        JSON + "; charset=utf-8",
                        "{" + OPTIONS + "}",
                        201,
                        ""),
                put("existing unit, other contents", "old.service", "{" + OPTIONS + "}", 201, ""),
                put("existing unit, desired state", "old.service", "{\"desiredState\":\"inactive\"}", 204, ""),
                put("existing unit, desired state it has", "old.service", "{\"desiredState\":\"launched\"}", 204, ""),
                put("existing unit, same contents, desired state", "old.service", Engine.HELLO, 204, ""),
                put("no options for a new unit", "new.service", "{\"desiredState\":\"loaded\"}", 409, "does not exist"),
                put("neither options nor state", "new.service", "{}", 409, "neither"),
                put("empty options", "new.service", "{\"options\":[]}", 409, "neither"),
                put(
                        "existing unit, no desired state",
                        "old.service",
                        "{\"name\":\"old.service\"}",
                        409,
                        "desiredState"),
                put(
                        "existing unit, same contents, no desired state",
                        "old.service",
                        Engine.HELLO.replace("desired", "x"),
                        409,
                        "desiredState"),
                put("unknown desired state", "old.service", "{\"desiredState\":\"running\"}", 400, "running"),
                put("activating a template", "a@.service", "{\"desiredState\":\"launched\"}", 400, "template"),
                put(
                        "activating a new template",
                        "b@.service",
                        "{" + OPTIONS + ",\"desiredState\":\"loaded\"}",
                        400,
                        "template"),
                put("name differs", "new.service", "{\"name\":\"other.service\"," + OPTIONS + "}", 400, "differs"),
                put("no type", "new", "{" + OPTIONS + "}", 400, "type"),
                put("unknown type", "new.thing", "{" + OPTIONS + "}", 400, "thing"),
                put("invalid character", "ne%20w.service", "{" + OPTIONS + "}", 400, "character"),
                put("over-long name", "n".repeat(300) + ".service", "{" + OPTIONS + "}", 400, "at most 255"),
                put(
                        "a name that no file can have",
                        "n".repeat(248) + ".service",
                        "{" + OPTIONS + "}",
                        400,
                        "at most 255"),
                put("the longest name", "n".repeat(247) + ".service", "{" + OPTIONS + "}", 201, ""),
                put("a type that is not started", "a.scope", "{" + OPTIONS + "}", 400, "scope"),
                put(
                        "a constraint of no form",
                        "new.service",
                        options(fleet("MachineMetadata", "a=b c=d")),
                        400,
                        "several values are written"),
                put("unknown fleet option", "new.service", options(fleet("Conflict", "a")), 400, "Conflict"),
                put(
                        "machine id with conflicts",
                        "new.service",
                        options(fleet("MachineID", "m"), fleet("Conflicts", "c")),
                        400,
                        "MachineID"),
                put(
                        "machine id with global",
                        "new.service",
                        options(fleet("MachineID", "m"), fleet("Global", "true")),
                        400,
                        "Global"),
                put(
                        "machine id with peers",
                        "new.service",
                        options(fleet("MachineID", "m"), fleet("MachineOf", "p.service")),
                        400,
                        "MachineOf"),
                put(
                        "global with peers",
                        "new.service",
                        options(fleet("Global", "true"), fleet("MachineOf", "p.service")),
                        400,
                        "Global"),
                put(
                        "conflicts with replaces",
                        "new.service",
                        options(fleet("Conflicts", "c"), fleet("Replaces", "r")),
                        400,
                        "Replaces"),
                put(
                        "peer that conflicts",
                        "new.service",
                        options(fleet("Conflicts", "p*"), fleet("MachineOf", "p.service")),
                        400,
                        "p.service"),
                put(
                        "contents too large",
                        "new.service",
                        options(fleet("X", "y".repeat(1_000)).repeat(300).replace("}{", "},{")),
                        400,
                        "new.service"),
                put(
                        "line break in a value",
                        "new.service",
                        "{\"options\":[{\"section\":\"Service\",\"name\":\"ExecStart\",\"value\":\"/bin/a\\n"
                                + "User=root\"}]}",
                        400,
                        "[Service] ExecStart"),
                put(
                        "backslash at the end of a value",
                        "new.service",
                        "{\"options\":[{\"section\":\"Service\",\"name\":\"ExecStart\",\"value\":\"/bin/a\\\\\"},"
                                + "{\"section\":\"Service\",\"name\":\"User\",\"value\":\"nobody\"}]}",
                        400,
                        "[Service] ExecStart"),
                put(
                        "bracket in a section",
                        "new.service",
                        "{\"options\":[{\"section\":\"Ser]vice\",\"name\":\"ExecStart\",\"value\":\"/bin/a\"}]}",
                        400,
                        "[Ser]vice] ExecStart"),
                put("null option", "new.service", "{\"options\":[null]}", 400, "options[0]"),
                put("malformed JSON", "new.service", "{\n \"options\": [}", 400, "line 2, column"),
                put("text behind the JSON", "new.service", "{" + OPTIONS + "} x", 400, "malformed JSON"),
                put(
                        "wrong type of a field",
                        "new.service",
                        "{\"options\":[{\"section\":1}]}",
                        400,
                        "options[0].section"),
                put("not an object", "new.service", "[]", 400, "wrong type"),
                put("null", "new.service", "null", 400, "null"),
                put("empty body", "new.service", "", 400, "empty"),
                row("no content type", "PUT /units/new.service", "X: y", "{" + OPTIONS + "}", 415, "Content-Type"),
                row(
                        "other content type",
                        "PUT /units/new.service",
                        "Content-Type: text/plain",
                        "{}",
                        415,
                        "text/plain"),
                row("two content types", "PUT /units/new.service", JSON + "\r\n" + JSON, "{}", 415, "got 2"),
                row("get", "GET /units/old.service", "X: y", "", 200, "\"desiredState\":\"launched\""),
                row("get unknown", "GET /units/new.service", "X: y", "", 404, "new.service"),
                row("get impossible name", "GET /units/nonsense", "X: y", "", 404, "nonsense"),
                row("list", "GET /units", "X: y", "", 200, "\"name\":\"old.service\""),
                row("delete", "DELETE /units/old.service", "X: y", "", 204, ""),
                row("delete unknown", "DELETE /units/new.service", "X: y", "", 404, "new.service"),
                row("delete impossible name", "DELETE /units/nonsense", "X: y", "", 404, "nonsense"),
                row("states", "GET /state", "X: y", "", 200, "\"systemdActiveState\":\"active\""),
                row("states of a unit", "GET /state?unitName=old.service", "X: y", "", 200, "old.service"),
                row("states of no unit", "GET /state?unitName=ol*", "X: y", "", 200, "{}"),
                row("states of a machine", "GET /state?machineID=" + Engine.MACHINE, "X: y", "", 200, "old.service"),
                row("states of another machine", "GET /state?machineID=" + Engine.OTHER_MACHINE, "X: y", "", 200, "{}"),
                row("one state", "GET /state/old.service", "X: y", "", 200, "\"systemdSubState\":\"running\""),
                row("one state, none there", "GET /state/idle.service", "X: y", "", 404, "idle.service"),
                row("one state, impossible name", "GET /state/nonsense", "X: y", "", 404, "nonsense"),
                row(
                        "machines",
                        "GET /machines",
                        "X: y",
                        "",
                        200,
                        "{\"machines\":[{\"id\":\"" + Engine.MACHINE
                                + "\",\"metadata\":{\"role\":\"worker\"},\"primaryIP\":\"127.0.0.11\"},{\"id\":\""
                                + Engine.OTHER_MACHINE + "\",\"primaryIP\":\"127.0.0.12\"}]}"),
                row("made-up token, units", "GET /units?nextPageToken=AAAA", "X: y", "", 400, "token"),
                row("made-up token, states", "GET /state?nextPageToken=%C3%A4", "X: y", "", 400, "token"),
                row("made-up token, machines", "GET /machines?nextPageToken=ZAABAA==", "X: y", "", 400, "token"),
                row("empty token", "GET /machines?nextPageToken=", "X: y", "", 400, "empty"),
                row("two tokens", "GET /units?nextPageToken=a&nextPageToken=b", "X: y", "", 400, "too many"),
                row("one a page", "GET /machines?pageSize=1", "X: y", "", 200, "nextPageToken"),
                row("a thousand a page", "GET /units?pageSize=1000", "X: y", "", 200, "old.service"),
                row("none a page", "GET /units?pageSize=0", "X: y", "", 400, "from 1 to 1000"),
                row("too many a page", "GET /state?pageSize=1001", "X: y", "", 400, "from 1 to 1000"),
                row("no number a page", "GET /machines?pageSize=-1", "X: y", "", 400, "from 1 to 1000"),
                row("unclear staleness", "GET /units?stale=maybe", "X: y", "", 400, "maybe"),
                row("stale", "GET /units?stale=true", "X: y", "", 200, "old.service"),
                row(
                        "patch",
                        "PATCH /machines",
                        JSON,
                        "[{\"op\":\"add\",\"path\":\"/m/metadata/k\",\"value\":\"v\"}]",
                        204,
                        ""),
                row(
                        "patch, fleet's form of a value",
                        "PATCH /machines",
                        "X: y",
                        "[{\"op\":\"replace\",\"path\":\"/m/metadata/k\",\"value\":{\"value\":\"v\"}}]",
                        204,
                        ""),
                row(
                        "patch, remove",
                        "PATCH /machines",
                        JSON,
                        "[{\"op\":\"remove\",\"path\":\"/m/metadata/k\"}]",
                        204,
                        ""),
                row("patch, nothing", "PATCH /machines", JSON, "[]", 204, ""),
                row(
                        "patch, unknown op",
                        "PATCH /machines",
                        JSON,
                        "[{\"op\":\"noop\",\"path\":\"/m/metadata/k\"}]",
                        400,
                        "noop"),
                row(
                        "patch, bad path",
                        "PATCH /machines",
                        JSON,
                        "[{\"op\":\"add\",\"path\":\"/m/foo\",\"value\":\"v\"}]",
                        400,
                        "/m/foo"),
                row(
                        "patch, no value",
                        "PATCH /machines",
                        JSON,
                        "[{\"op\":\"add\",\"path\":\"/m/metadata/k\"}]",
                        400,
                        "value"),
                row(
                        "patch, number",
                        "PATCH /machines",
                        JSON,
                        "[{\"op\":\"add\",\"path\":\"/m/metadata/k\",\"value\":1}]",
                        400,
                        "value"),
                row(
                        "patch, fleet's names of fields",
                        "PATCH /machines",
                        JSON,
                        "[{\"op\":\"remove\",\"path\":\"/m/metadata/k\",\"Value\":{\"value\":\"\"}}]",
                        204,
                        ""),
                row(
                        "patch, a test",
                        "PATCH /machines",
                        JSON,
                        "[{\"op\":\"test\",\"path\":\"/m/metadata/k\",\"value\":\"v\"}]",
                        400,
                        "test"),
                row(
                        "patch, an escaped slash in the key",
                        "PATCH /machines",
                        JSON,
                        "[{\"op\":\"add\",\"path\":\"/m/metadata/a~1b\",\"value\":\"v\"}]",
                        400,
                        "a~1b"),
                row(
                        "patch, below a key",
                        "PATCH /machines",
                        JSON,
                        "[{\"op\":\"add\",\"path\":\"/m/metadata/a/b\",\"value\":\"v\"}]",
                        400,
                        "a/b"),
                row(
                        "patch, an empty value",
                        "PATCH /machines",
                        JSON,
                        "[{\"op\":\"add\",\"path\":\"/m/metadata/k\",\"value\":\"\"}]",
                        400,
                        "value"),
                row("patch, null", "PATCH /machines", JSON, "[null]", 400, "op"),
                row("patch, no list", "PATCH /machines", JSON, "{\"op\":\"add\"}", 400, "wrong type"),
                row("discovery", "GET /discovery", "X: y", "", 200, "\"rootUrl\": \"http://engine.test:80/\""),
                row("post units", "POST /units", JSON, "{}", 405, "GET"),
                row("post a unit", "POST /units/old.service", JSON, "{}", 405, "GET, PUT, DELETE"),
                row("options of a unit", "OPTIONS /units/old.service", "X: y", "", 405, "GET, PUT, DELETE"),
                row("delete machines", "DELETE /machines", "X: y", "", 405, "GET, PATCH"),
                row("put state", "PUT /state", JSON, "{}", 405, "GET"),
                row("delete one state", "DELETE /state/old.service", "X: y", "", 405, "GET"),
                row("post discovery", "POST /discovery", JSON, "{}", 405, "GET"),
                row("the prefix itself", "GET ", "X: y", "", 405, ""),
                row("below a unit", "GET /units/old.service/more", "X: y", "", 404, ""),
                row("an escaped slash", "GET /units/old%2Fb.service", "X: y", "", 404, ""),
                row("units with a slash", "GET /units/", "X: y", "", 404, ""),
                row("below machines", "GET /machines/x", "X: y", "", 404, ""),
                row("malformed escape", "GET /units/%zz", "X: y", "", 400, "malformed URL"),
                row("elsewhere", "GET /bogus", "X: y", "", 404, ""));
    }

    private static Stream<Row> table() {
        return rows().stream();
    }

    private static Engine engine;

    @BeforeAll
    static void start() throws IOException {
        engine = new Engine();
    }

    @AfterAll
    static void stop() throws IOException {
        engine.close();
    }

    @ParameterizedTest
    @MethodSource("table")
    void answersAsFleetDoes(Row row) throws IOException {
        check(row, ask(row, engine.tcp, "/fleet/v1"));
        check(row, ask(row, engine.unix, "/v1-alpha"));
    }

    private static Answer ask(Row row, SocketAddress address, String prefix) throws IOException {
        engine.fleet.clearUnits();
        try (WireClient client = new WireClient(address)) {
            client.put(prefix + "/units/old.service", Engine.HELLO);
            client.put(prefix + "/units/a@.service", "{" + OPTIONS + "}");
            client.put(prefix + "/units/idle.service", "{" + OPTIONS + "}");
            String[] request = row.request().split(" ", 2);
            return client.call(request[0], prefix + request[1], row.body(), row.header());
        }
    }

    private static void check(Row row, Answer answer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(row.status());
        assertThat(answer.header("server")).isEqualTo("raftfleet/test");
        if (row.status() >= 400) {
            assertThat(answer.header("content-type")).isEqualTo("application/json");
            assertThat(answer.body()).startsWith("{\"error\":{\"code\":" + row.status() + ",\"message\":\"");
            assertThat(row.status() == 405 ? answer.header("allow") : answer.body())
                    .contains(row.says());
        } else if (row.status() == 200) {
            assertThat(answer.header("content-type")).isEqualTo("application/json");
            assertThat(answer.body()).contains(row.says());
        } else {
            assertThat(answer.body()).isEmpty();
            assertThat(answer.header("content-type"))
                    .isEqualTo(row.request().startsWith("PATCH") ? "application/json" : "");
        }
    }
}
