package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.engine.access.PageLogins;
import io.raftfleet.engine.metrics.EngineMetrics;
import io.raftfleet.identity.Role;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** That the server does what {@code openapi.yaml} says, and nothing that it does not say. */
class OpenApiTest {
    private static final Caller NOBODY = new Caller(Caller.Kind.AGENT, "m", Optional.empty());
    private static final Caller VIEWER = new Caller(Caller.Kind.USER, "u", Optional.of(Role.VIEWER));
    private static final Caller OPERATOR = new Caller(Caller.Kind.USER, "u", Optional.of(Role.OPERATOR));

    /** Paths as the description has them. */
    private static final Map<String, Resource> PATHS = Map.ofEntries(
            Map.entry("/fleet/v1/units", Resource.UNITS),
            Map.entry("/fleet/v1/units/{unitName}", Resource.UNIT),
            Map.entry("/fleet/v1/state", Resource.STATES),
            Map.entry("/fleet/v1/state/{unitName}", Resource.STATE),
            Map.entry("/fleet/v1/machines", Resource.MACHINES),
            Map.entry("/fleet/v1/events", Resource.EVENTS),
            Map.entry("/fleet/v1/discovery", Resource.DISCOVERY),
            Map.entry("/openapi.yaml", Resource.OPENAPI),
            Map.entry("/http_sd", Resource.TARGETS),
            Map.entry("/livez", Resource.LIVE),
            Map.entry("/readyz", Resource.HEALTH),
            Map.entry("/healthz", Resource.HEALTH),
            Map.entry("/metrics", Resource.METRICS),
            Map.entry("/page/engine", Resource.PAGE_ENGINE),
            Map.entry("/page/machines", Resource.PAGE_MACHINES),
            Map.entry("/page/machines/{machineID}", Resource.PAGE_MACHINE),
            Map.entry("/page/units", Resource.PAGE_UNITS),
            Map.entry("/page/rollouts", Resource.PAGE_ROLLOUTS),
            Map.entry("/page/rollouts/{rolloutID}", Resource.PAGE_ROLLOUT),
            Map.entry("/page/changes", Resource.PAGE_CHANGES),
            Map.entry("/page/journal/{unitName}", Resource.PAGE_JOURNAL),
            Map.entry("/page/login", Resource.PAGE_LOGIN),
            Map.entry("/page/{file}", Resource.PAGE_FILE),
            Map.entry("/", Resource.HOME));

    private final MemoryFleet fleet = new MemoryFleet();
    private final PageLogins logins = new PageLogins(new Random(1), () -> Engine.NOW, chain -> null);
    private final FleetHttp http = new FleetHttp(
            fleet,
            fleet,
            fleet,
            fleet,
            new LoginResource(logins, "c1/e1"),
            new EngineMetrics(new PrometheusRegistry(), fleet),
            new Random(1),
            () -> Engine.NOW,
            () -> 0,
            new Deadlines(Duration.ofMillis(20), Duration.ofSeconds(10)),
            1,
            null);
    private final JsonNode description = YAMLMapper.shared()
            .readTree(ask("GET", "/openapi.yaml", Map.of(), "", NOBODY).body().toByteArray());
    private final SchemaRegistry schemas = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
    /** Statuses that were answered, by "method path" of the description. */
    private final Map<String, Set<String>> seen = new TreeMap<>();

    private HttpReply ask(String method, String path, Map<String, List<String>> query, String body, Caller caller) {
        return http.handle(new HttpCall(
                        method,
                        path,
                        query,
                        body.isEmpty() ? List.of() : List.of("application/json"),
                        "localhost",
                        "",
                        caller,
                        ByteString.copyFromUtf8(body)))
                .join();
    }

    private Map<String, JsonNode> operations() {
        Map<String, JsonNode> operations = new TreeMap<>();
        description
                .get("paths")
                .properties()
                .forEach(path -> path.getValue().properties().forEach(operation -> {
                    if (!operation.getKey().equals("parameters")) {
                        operations.put(operation.getKey() + " " + path.getKey(), operation.getValue());
                    }
                }));
        return operations;
    }

    @Test
    void everyRouteIsDescribedWithWhoMayAndNoOther() {
        assertThat(description.get("openapi").stringValue()).isEqualTo("3.1.0");
        Map<String, String> described = new TreeMap<>();
        operations().forEach((name, operation) -> {
            var parts = name.split(" ", 2);
            var resource = PATHS.get(parts[1]);
            assertThat(resource).as(parts[1]).isNotNull();
            described.put(
                    parts[0].toUpperCase(Locale.ROOT) + " " + resource,
                    operation.get("x-access").stringValue());
        });
        Map<String, String> there = new TreeMap<>();
        HttpAccess.all().forEach((route, access) -> there.put(route, access.toString()));
        assertThat(described).isEqualTo(there);
    }

    @Test
    void everyReferenceLeadsSomewhere() {
        assertThat(description.findValuesAsString("$ref"))
                .isNotEmpty()
                .allSatisfy(reference -> assertThat(
                                description.at(reference.substring(1)).isMissingNode())
                        .as(reference)
                        .isFalse());
        List<String> ids = new ArrayList<>();
        operations()
                .values()
                .forEach(operation -> ids.add(operation.get("operationId").stringValue()));
        assertThat(ids).doesNotHaveDuplicates();
    }

    /** One answer, held against what is described of it. */
    private HttpReply check(
            String method, String template, String item, Map<String, String> query, String body, Caller caller) {
        var name = method.toLowerCase(Locale.ROOT) + " " + template;
        var operation = operations().get(name);
        assertThat(operation).as(name).isNotNull();
        var path = template.replaceFirst("\\{[a-zA-Z]+}", item);
        Map<String, List<String>> values = new TreeMap<>();
        query.forEach((key, value) -> {
            assertThat(parameters(template, operation)).as(name).contains(key);
            values.put(key, List.of(value));
        });
        var reply = ask(method, path, values, body, caller);
        var status = Integer.toString(reply.status());
        var responses = operation.get("responses");
        assertThat(responses.has(status))
                .as("%s answers %s %s", name, status, reply.body().toStringUtf8())
                .isTrue();
        seen.computeIfAbsent(name, any -> new TreeSet<>()).add(status);
        var response = resolved(responses.get(status));
        var content = response.get("content");
        if (content == null) {
            assertThat(reply.body().isEmpty())
                    .as("%s %s has no body", name, status)
                    .isTrue();
            return reply;
        }
        var type = reply.contentType().split(";", 2)[0];
        assertThat(content.has(type)).as("%s %s is %s", name, status, type).isTrue();
        if (type.equals("application/json")) {
            assertThat(faults(
                            content.get(type).get("schema"),
                            JsonMapper.shared().readTree(reply.body().toByteArray())))
                    .as("%s %s: %s", name, status, reply.body().toStringUtf8())
                    .isEmpty();
        }
        return reply;
    }

    private List<String> parameters(String template, JsonNode operation) {
        List<String> names = new ArrayList<>();
        for (var list : List.of(operation, description.get("paths").get(template))) {
            var parameters = list.get("parameters");
            if (parameters != null) {
                parameters.forEach(
                        parameter -> names.add(resolved(parameter).get("name").stringValue()));
            }
        }
        return names;
    }

    private JsonNode resolved(JsonNode node) {
        return node.has("$ref") ? description.at(node.get("$ref").stringValue().substring(1)) : node;
    }

    private List<String> faults(JsonNode schema, JsonNode document) {
        ObjectNode whole = JsonNodeFactory.instance.objectNode();
        whole.setAll((ObjectNode) schema);
        whole.set("components", description.get("components"));
        return schemas.getSchema(whole).validate(document).stream()
                .map(fault -> fault.getInstanceLocation() + " " + fault.getMessage())
                .toList();
    }

    private HttpReply check(String method, String path, Caller caller, String... query) {
        Map<String, String> values = new TreeMap<>();
        for (int i = 0; i < query.length; i += 2) {
            values.put(query[i], query[i + 1]);
        }
        return check(method, path, "a.service", values, "", caller);
    }

    @Test
    void theServerAnswersAsDescribedAndAllThatIsDescribedHappens() {
        var unit = "/fleet/v1/units/{unitName}";
        var state = "/fleet/v1/state/{unitName}";
        var sd = "/http_sd";
        fleet.addMachine(Engine.MACHINE, "10.0.0.1", Map.of("role", "worker"));
        fleet.addMachine(Engine.OTHER_MACHINE, "fd00::1", Map.of());

        assertThat(check("PUT", unit, "a.service", Map.of(), Engine.HELLO, OPERATOR)
                        .status())
                .isEqualTo(201);
        assertThat(check("PUT", unit, "b.service", Map.of(), Engine.HELLO, OPERATOR)
                        .status())
                .isEqualTo(201);
        check("PUT", unit, "a.service", Map.of(), "{\"desiredState\":\"launched\"}", OPERATOR);
        check("PUT", unit, "a.service", Map.of(), "{", OPERATOR);
        check("PUT", unit, "a.service", Map.of(), "{}", OPERATOR);
        check("PUT", unit, "a.service", Map.of(), "", OPERATOR);
        check("PUT", unit, "a.service", Map.of(), Engine.HELLO, VIEWER);
        fleet.changed("a.service", "user/eve", 1_700_000_000_000L);
        fleet.warn("a.service", "nobody looks at this");
        fleet.veto("a.service", "no machine has disk=ssd");
        for (var stale : List.of("true", "false", "1", "0", "maybe")) {
            check("GET", unit, VIEWER, "stale", stale);
            check("GET", state, VIEWER, "stale", stale);
            for (var list : List.of("units", "state", "machines")) {
                check("GET", "/fleet/v1/" + list, VIEWER, "stale", stale);
            }
            check("GET", sd, VIEWER, "port", "9100", "stale", stale);
        }
        check("GET", unit, "absent.service", Map.of(), "", VIEWER);
        check("GET", state, "absent.service", Map.of(), "", VIEWER);
        check("DELETE", unit, "absent.service", Map.of(), "", OPERATOR);
        for (var list : List.of("units", "state", "machines")) {
            var path = "/fleet/v1/" + list;
            var page = check("GET", path, VIEWER).body().toStringUtf8();
            var token = JsonMapper.shared().readTree(page).get("nextPageToken").stringValue();
            assertThat(check("GET", path, VIEWER, "nextPageToken", token).body().toStringUtf8())
                    .isNotEqualTo(page);
            assertThat(check("GET", path, VIEWER, "nextPageToken", "").status()).isEqualTo(400);
            assertThat(check("GET", path, VIEWER, "pageSize", "1").status()).isEqualTo(200);
            assertThat(check("GET", path, VIEWER, "pageSize", "1001").status()).isEqualTo(400);
        }
        assertThat(check("GET", "/fleet/v1/state", VIEWER, "machineID", "0".repeat(32), "unitName", "a.service")
                        .body()
                        .toStringUtf8())
                .doesNotContain("a.service");
        var patch = "[{\"op\":\"add\",\"path\":\"/" + Engine.MACHINE + "/metadata/disk\",\"value\":\"ssd\"}]";
        check("PATCH", "/fleet/v1/machines", "", Map.of(), patch, Caller.PLAINTEXT);
        check("PATCH", "/fleet/v1/machines", "", Map.of(), "[{}]", Caller.PLAINTEXT);
        check("PATCH", "/fleet/v1/machines", "", Map.of(), patch, OPERATOR);
        assertThat(check("GET", sd, VIEWER, "unit", "*.service", "port", "80")
                        .body()
                        .toStringUtf8())
                .contains("a.service");
        fleet.rollouts.add(MemoryFleet.rollout("0123abcd"));
        for (var rows : List.of("/page/machines", "/page/units", "/page/rollouts")) {
            assertThat(check("GET", rows, VIEWER).status()).isEqualTo(200);
            assertThat(check("GET", rows, VIEWER, "stale", "maybe").status()).isEqualTo(400);
            check("GET", rows, NOBODY);
        }
        check("GET", "/page/units", VIEWER, "name", "[", "unit", "a.service");
        check("GET", "/page/units", VIEWER, "machine", Engine.MACHINE, "unplaced", "true");
        check("GET", "/page/changes", VIEWER, "seen", "7-engine-1", "after", "1-2-3");
        check("GET", "/page/changes", VIEWER, "after", "yesterday");
        check("GET", "/page/changes", NOBODY);
        var journal = "/page/journal/{unitName}";
        check("GET", journal, OPERATOR, "machine", Engine.MACHINE);
        check("GET", journal, OPERATOR, "log", "1");
        check("GET", journal, "absent.service", Map.of(), "", OPERATOR);
        check("GET", journal, VIEWER);
        check("GET", "/page/engine", VIEWER);
        check("GET", "/page/engine", NOBODY);
        assertThat(check("POST", "/page/login", "", Map.of(), "{\"secret\":\"00\"}", Caller.STRANGER)
                        .status())
                .isEqualTo(401);
        check("POST", "/page/login", "", Map.of(), "{", Caller.STRANGER);
        check("POST", "/page/login", "", Map.of(), "", Caller.STRANGER);
        check("POST", "/page/login", "", Map.of(), "{}", VIEWER);
        check("DELETE", "/page/login", Caller.STRANGER);
        var order = "/page/machines/{machineID}";
        check("PUT", order, Engine.MACHINE, Map.of(), "{\"order\":\"drain\"}", Caller.PLAINTEXT);
        check("PUT", order, Engine.MACHINE, Map.of(), "{\"order\":\"burn\"}", Caller.PLAINTEXT);
        check("PUT", order, Engine.MACHINE, Map.of(), "", Caller.PLAINTEXT);
        check("PUT", order, Engine.MACHINE, Map.of(), "{\"order\":\"drain\"}", OPERATOR);
        var rollout = "/page/rollouts/{rolloutID}";
        check("PUT", rollout, "0123abcd", Map.of(), "{\"order\":\"pause\"}", OPERATOR);
        check("PUT", rollout, "0123abcd", Map.of(), "{\"order\":\"burn\"}", OPERATOR);
        check("PUT", rollout, "absent", Map.of(), "{\"order\":\"undo\"}", OPERATOR);
        check("PUT", rollout, "0123abcd", Map.of(), "", OPERATOR);
        check("PUT", rollout, "0123abcd", Map.of(), "{\"order\":\"pause\"}", VIEWER);
        for (var method : List.of("GET", "HEAD")) {
            for (var file : List.of("page.js", "page.css", "icon.svg", "index.html", "none.js")) {
                check(method, "/page/{file}", file, Map.of(), "", VIEWER);
            }
            check(method, "/page/{file}", "page.js", Map.of(), "", Caller.STRANGER);
        }
        fleet.happened.add(MemoryFleet.event("a.service", 5));
        fleet.happened.add(MemoryFleet.event("b.service", 6));
        var events = "/fleet/v1/events";
        var page = check("GET", events, VIEWER).body().toStringUtf8();
        assertThat(page).contains("a.service", "nextPageToken").doesNotContain("b.service");
        assertThat(check("GET", events, VIEWER, "nextPageToken", "1").body().toStringUtf8())
                .contains("b.service")
                .doesNotContain("nextPageToken");
        assertThat(check("GET", events, VIEWER, "after", "1-5-0", "wait", "1", "unit", "b.*", "machine", Engine.MACHINE)
                        .body()
                        .toStringUtf8())
                .contains("b.service");
        check("GET", events, VIEWER, "after", "1-9-0", "wait", "100", "stale", "true");
        check("GET", events, VIEWER, "after", "yesterday");
        check("GET", events, VIEWER, "wait", "long");
        check("GET", events, NOBODY);
        check("GET", "/fleet/v1/discovery", NOBODY);
        check("GET", "/openapi.yaml", NOBODY);
        for (var method : List.of("GET", "HEAD")) {
            for (var path : List.of("/livez", "/readyz", "/healthz")) {
                check(method, path, NOBODY);
            }
            check(method, "/metrics", VIEWER);
            check(method, "/", VIEWER);
            check(method, "/metrics", NOBODY);
            check(method, "/", Caller.STRANGER);
        }
        for (var path : List.of("/fleet/v1/units", unit, "/fleet/v1/state", state, "/fleet/v1/machines", sd)) {
            check("GET", path, NOBODY);
        }
        check("DELETE", unit, NOBODY);
        fleet.fill();
        check("PUT", unit, "new.service", Map.of(), Engine.HELLO, OPERATOR);
        fleet.failWith(io.grpc.Status.UNAVAILABLE.withDescription("no leader"));
        for (var path : List.of("/fleet/v1/units", unit, "/fleet/v1/state", state, "/fleet/v1/machines", events)) {
            check("GET", path, VIEWER);
        }
        check("GET", sd, VIEWER, "port", "1");
        check("GET", "/page/machines", VIEWER);
        check("GET", "/page/units", VIEWER);
        check("GET", "/page/rollouts", VIEWER);
        check("PUT", rollout, "0123abcd", Map.of(), "{\"order\":\"pause\"}", OPERATOR);
        check("PUT", order, Engine.MACHINE, Map.of(), "{\"order\":\"drain\"}", Caller.PLAINTEXT);
        check("DELETE", unit, OPERATOR);
        check("PUT", unit, "a.service", Map.of(), Engine.HELLO, OPERATOR);
        check("PATCH", "/fleet/v1/machines", "", Map.of(), patch, Caller.PLAINTEXT);
        fleet.failWith(null);
        check("DELETE", unit, OPERATOR);
        fleet.setQuorum(false);
        fleet.stuck = List.of("the timer does not answer");
        for (var method : List.of("GET", "HEAD")) {
            for (var path : List.of("/livez", "/readyz", "/healthz")) {
                check(method, path, NOBODY);
            }
        }

        Map<String, Set<String>> described = new TreeMap<>();
        operations()
                .forEach((name, operation) -> operation
                        .get("responses")
                        .propertyNames()
                        .forEach(status -> described
                                .computeIfAbsent(name, any -> new TreeSet<>())
                                .add(status)));
        described.values().forEach(statuses -> statuses.remove("default"));
        // The fleet in memory has room for metadata.
        seen.computeIfAbsent("patch /fleet/v1/machines", any -> new TreeSet<>()).add("507");
        assertThat(seen).isEqualTo(described);
    }
}
