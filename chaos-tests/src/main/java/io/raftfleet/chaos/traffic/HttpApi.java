package io.raftfleet.chaos.traffic;

import io.raftfleet.chaos.history.Event.Position;
import io.raftfleet.chaos.history.Event.Row;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Calls of fleet's v1 API at one engine. Safe for use by any thread. */
final class HttpApi {
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(1);
    private static final Duration CALL_LIMIT = Duration.ofSeconds(5);

    private static final String REVISION = "Raftfleet-Revision";

    private final URI base;
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT_LIMIT)
            .build();

    HttpApi(URI base) {
        this.base = base;
    }

    /**
     * Makes a call, once.
     *
     * @param path below {@code /fleet/v1/}, with a query if there is one
     * @param body JSON; empty for none
     */
    HttpResponse<String> send(String method, String path, String body) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(base.resolve("/fleet/v1/" + path))
                .timeout(CALL_LIMIT)
                .header("Content-Type", "application/json")
                .method(
                        method,
                        body.isEmpty()
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body))
                .build();
        return http.send(request, HttpResponse.BodyHandlers.ofString());
    }

    /**
     * The revision that an answer states; null when it states none.
     *
     * @throws IllegalStateException when it states something else
     */
    static @Nullable Position revision(HttpResponse<?> response) {
        var text = response.headers().firstValue(REVISION).orElse(null);
        if (text == null) {
            return null;
        }
        var parts = text.split("-", -1);
        if (parts.length != 3) {
            throw new IllegalStateException("an engine states the revision \"" + text + "\", which is none");
        }
        return new Position(
                Long.parseUnsignedLong(parts[0]), Long.parseUnsignedLong(parts[1]), Long.parseUnsignedLong(parts[2]));
    }

    /** A unit's document as a history has it: its contents are known by their description. */
    static Row row(JsonNode unit) {
        var contents = "?";
        for (var option : unit.path("options")) {
            if (option.path("name").asString("").equals("Description")) {
                contents = option.path("value").asString("");
            }
        }
        return new Row(
                unit.path("name").asString(""),
                contents,
                unit.path("desiredState").asString(""),
                unit.path("machineID").asString(""));
    }
}
