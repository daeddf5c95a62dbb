package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the genuine fleetctl 1.0.0 sends with its commands, and which answers it went on from: recorded between that program and a
 * cluster of three engines and four machines with systemd, over TCP and a unix socket, where it sends the same but for {@code Host}.
 * Each request is sent again, with its headers, in its order and at its time, and has to be answered the same: status, fields, and
 * the values that the client reads; ids, addresses and words aside.
 *
 * <p>{@code fleetctl-1.0.0.jsonl} has a line a request: {@code command} with the first one of a command, {@code at} in seconds,
 * {@code request}, {@code body}, {@code status}, {@code answer}. In an answer {@code "*"} stands for any value, and elements of a list
 * that look alike are there once.
 */
class RecordedClientTest {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final List<String> VALUES = List.of(
            "currentState",
            "desiredState",
            "name",
            "section",
            "value",
            "systemdActiveState",
            "systemdLoadState",
            "systemdSubState",
            "code");

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1:17190", "domain-sock"})
    void allCommandsOfTheGenuineClientAreAnsweredAsRecorded(String host) throws IOException {
        var faults = new ArrayList<String>();
        try (Engine engine = new Engine()) {
            engine.fleet.addMachine(Engine.OTHER_MACHINE, "127.0.0.12", Map.of("host", "h2"));
            try (WireClient client = new WireClient(host.equals("domain-sock") ? engine.unix : engine.tcp)) {
                String command = "";
                for (String line : recorded()) {
                    JsonNode exchange = JSON.readTree(line);
                    command = exchange.path("command").asString(command);
                    engine.now = Engine.NOW.plus(
                            Duration.ofMillis((long) (exchange.get("at").asDouble() * 1000)));
                    String fault = replay(client, host, exchange);
                    if (!fault.isEmpty()) {
                        faults.add("fleetctl " + command + ": "
                                + exchange.get("request").asString() + fault);
                    }
                }
            }
        }
        assertThat(faults).isEmpty();
    }

    private static List<String> recorded() throws IOException {
        try (InputStream in =
                Objects.requireNonNull(RecordedClientTest.class.getResourceAsStream("fleetctl-1.0.0.jsonl"))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
    }

    /** What is wrong with the answer; empty for nothing. */
    private static String replay(WireClient client, String host, JsonNode exchange) throws IOException {
        String body = exchange.has("body") ? exchange.get("body") + "\n" : "";
        client.send(exchange.get("request").asString() + " HTTP/1.1\r\nHost: " + host
                + "\r\nUser-Agent: google-api-go-client/0.5\r\n"
                + (body.isEmpty()
                        ? ""
                        : "Content-Length: " + body.getBytes(StandardCharsets.UTF_8).length
                                + "\r\nContent-Type: application/json\r\n")
                + "Accept-Encoding: gzip\r\n\r\n" + body);
        WireClient.Answer answer = client.read(true);
        int status = exchange.get("status").asInt();
        if (answer.status() != status) {
            return " was answered " + status + ", now " + answer.status() + " " + answer.body();
        }
        if (!exchange.has("answer")) {
            return answer.body().isEmpty() ? "" : " was answered nothing, now " + answer.body();
        }
        Object wanted = likeness(exchange.get("answer"), "");
        Object got = likeness(JSON.readTree(answer.body()), "");
        return matches(wanted, got) ? "" : " was answered " + wanted + ", now " + got;
    }

    /** The answer without what differs from one cluster to the next. */
    private static Object likeness(JsonNode node, String key) {
        if (node.isObject() && !key.equals("metadata")) {
            var fields = new TreeMap<String, Object>();
            node.properties().forEach(field -> fields.put(field.getKey(), likeness(field.getValue(), field.getKey())));
            return fields;
        }
        if (node.isArray()) {
            var elements = new LinkedHashSet<Object>();
            node.forEach(element -> elements.add(likeness(element, "")));
            return List.copyOf(elements);
        }
        return VALUES.contains(key) ? node.asString() : "*";
    }

    private static boolean matches(Object wanted, Object got) {
        if (wanted instanceof Map<?, ?> fields && got instanceof Map<?, ?> others) {
            return fields.keySet().equals(others.keySet())
                    && fields.entrySet().stream()
                            .allMatch(field -> matches(
                                    Objects.requireNonNull(field.getValue()),
                                    Objects.requireNonNull(others.get(field.getKey()))));
        }
        if (wanted instanceof List<?> elements && got instanceof List<?> others) {
            for (int i = 0; i < elements.size() && i < others.size(); i++) {
                if (!matches(elements.get(i), others.get(i))) {
                    return false;
                }
            }
            return elements.size() == others.size();
        }
        return wanted.equals("*") || wanted.equals(got);
    }
}
