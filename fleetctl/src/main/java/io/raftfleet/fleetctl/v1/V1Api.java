package io.raftfleet.fleetctl.v1;

import io.grpc.Status;
import java.io.IOException;
import java.net.ProtocolException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Calls of fleet's API v1. What fails does so as gRPC's statuses: UNAVAILABLE where another engine may answer. Safe for threads. */
final class V1Api {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String PREFIX = "/fleet/v1";
    private static final int MOST_PAGES = 100_000;
    private static final Duration REFUSED_PAUSE = Duration.ofMillis(200);
    /** The largest that an engine gives; a fleetd gives its 100 rows all the same. */
    private static final String PAGE_SIZE = "pageSize=1000";

    private final HttpWire wire;
    private final Duration timeout;

    /** @param timeout of one request */
    V1Api(HttpWire wire, Duration timeout) {
        this.wire = wire;
        this.timeout = timeout;
    }

    /** What a write came to: the status, 2xx or 4xx or 507, and what is said of it. */
    record Written(int status, String message) {}

    /** A document; null when it is not there. */
    @Nullable
    JsonNode get(String path) {
        HttpWire.Answer answer = call("GET", PREFIX + path, null);
        return answer.status() == 404 ? null : document(answer, path);
    }

    /**
     * All elements of a list, page by page.
     *
     * @param field of the document that has them
     * @param query empty or {@code key=value}, encoded
     */
    List<JsonNode> list(String path, String field, String query) {
        var all = new ArrayList<JsonNode>();
        String token = "";
        for (int page = 0; page < MOST_PAGES; page++) {
            var asked = new StringJoiner("&", "?", "").add(PAGE_SIZE);
            if (!query.isEmpty()) {
                asked.add(query);
            }
            if (!token.isEmpty()) {
                asked.add("nextPageToken=" + encode(token));
            }
            JsonNode document = document(call("GET", PREFIX + path + asked, null), path);
            document.path(field).forEach(all::add);
            String next = document.path("nextPageToken").asString("");
            if (next.isEmpty()) {
                return all;
            }
            if (next.equals(token)) {
                throw Status.INTERNAL
                        .withDescription("the list at " + path + " goes on with the page that was asked for")
                        .asRuntimeException();
            }
            token = next;
        }
        throw Status.INTERNAL
                .withDescription("the list at " + path + " has no end")
                .asRuntimeException();
    }

    Written write(String method, String path, @Nullable Object body) {
        HttpWire.Answer answer = call(method, PREFIX + path, body == null ? null : JSON.writeValueAsString(body));
        if (answer.status() >= 500 && answer.status() != 507) {
            throw failure(answer, path);
        }
        return new Written(answer.status(), answer.status() < 300 ? "" : message(answer));
    }

    static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** What is refused for now, as while engines elect a leader, is asked again until the request's time is over; but no DELETE, of which the second would find nothing. */
    private HttpWire.Answer call(String method, String target, @Nullable String body) {
        long end = System.nanoTime() + timeout.toNanos();
        while (true) {
            HttpWire.Answer answer = once(method, target, body);
            if (answer.status() != 503
                    || method.equals("DELETE")
                    || System.nanoTime() + REFUSED_PAUSE.toNanos() - end > 0) {
                return answer;
            }
            try {
                Thread.sleep(REFUSED_PAUSE.toMillis() / 2
                        + ThreadLocalRandom.current().nextLong(REFUSED_PAUSE.toMillis() / 2));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw Status.CANCELLED.withDescription("interrupted").asRuntimeException();
            }
        }
    }

    private HttpWire.Answer once(String method, String target, @Nullable String body) {
        try {
            return wire.call(method, target, body, timeout);
        } catch (IOException e) {
            String hint = e instanceof ProtocolException
                    ? "; if it is an engine's port for gRPC, give it without http://"
                    : "";
            throw Status.UNAVAILABLE
                    .withDescription(e.getMessage() + hint)
                    .withCause(e)
                    .asRuntimeException();
        }
    }

    private static JsonNode document(HttpWire.Answer answer, String path) {
        if (answer.status() != 200) {
            throw failure(answer, path);
        }
        try {
            return JSON.readTree(answer.body());
        } catch (JacksonException e) {
            throw Status.UNAVAILABLE
                    .withDescription("what is answered at " + path + " is no JSON: is this fleet's API?")
                    .asRuntimeException();
        }
    }

    private static RuntimeException failure(HttpWire.Answer answer, String path) {
        String text = path + " was answered " + answer.status() + ": " + message(answer);
        return switch (answer.status()) {
            case 400, 405, 409, 415 ->
                Status.INVALID_ARGUMENT.withDescription(text).asRuntimeException();
            case 401, 403, 421 -> Status.PERMISSION_DENIED.withDescription(text).asRuntimeException();
            default -> Status.UNAVAILABLE.withDescription(text).asRuntimeException();
        };
    }

    private static String message(HttpWire.Answer answer) {
        try {
            return JSON.readTree(answer.body()).path("error").path("message").asString("answered " + answer.status());
        } catch (JacksonException e) {
            return "answered " + answer.status();
        }
    }
}
