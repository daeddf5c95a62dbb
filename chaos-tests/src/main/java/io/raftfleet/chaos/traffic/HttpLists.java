package io.raftfleet.chaos.traffic;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Recorder;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** Reads the list of units over HTTP, page by page, and notes each page. */
final class HttpLists {
    private final Recorder recorder;
    private final HttpApi http;
    private final String engine;
    private final JsonMapper json = JsonMapper.builder().build();

    HttpLists(Recorder recorder, String engine, HttpApi http) {
        this.recorder = recorder;
        this.engine = engine;
        this.http = http;
    }

    /** Reads up to {@code pages} pages; whether the last one was among them. */
    boolean read(String client, int pages) throws InterruptedException {
        var after = "";
        var token = "";
        try {
            for (int page = 0; page < pages; page++) {
                long asked = recorder.now();
                var query = token.isEmpty() ? "" : "?nextPageToken=" + URLEncoder.encode(token, StandardCharsets.UTF_8);
                var response = http.send("GET", "units" + query, "");
                if (response.statusCode() != 200) {
                    return false;
                }
                var answer = json.readTree(response.body());
                var rows = new ArrayList<Event.Row>();
                answer.path("units").forEach(unit -> rows.add(HttpApi.row(unit)));
                token = answer.path("nextPageToken").asString("");
                recorder.add(new Event.HttpListed(recorder.now(), asked, client, engine, after, token.isEmpty(), rows));
                if (token.isEmpty()) {
                    return true;
                }
                after = rows.isEmpty() ? after : rows.getLast().unit();
            }
        } catch (IOException | JacksonException e) {
            // An engine that does not answer, or dies in the middle, is what faults are about.
            return false;
        }
        return false;
    }
}
