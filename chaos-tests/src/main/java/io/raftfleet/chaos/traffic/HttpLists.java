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
        long asked = recorder.now();
        try {
            for (int page = 0; page < pages; page++) {
                asked = recorder.now();
                var query = token.isEmpty() ? "" : "?nextPageToken=" + URLEncoder.encode(token, StandardCharsets.UTF_8);
                var response = http.send("GET", "units" + query, "");
                if (response.statusCode() != 200) {
                    failed(asked, client, after, Integer.toString(response.statusCode()));
                    return false;
                }
                var answer = json.readTree(response.body());
                var rows = new ArrayList<Event.Row>();
                answer.path("units").forEach(unit -> rows.add(HttpApi.row(unit)));
                token = answer.path("nextPageToken").asString("");
                recorder.add(new Event.HttpListed(
                        recorder.now(),
                        asked,
                        client,
                        engine,
                        after,
                        token.isEmpty(),
                        HttpApi.revision(response),
                        rows));
                if (token.isEmpty()) {
                    return true;
                }
                after = rows.isEmpty() ? after : rows.getLast().unit();
            }
        } catch (IOException | JacksonException e) {
            // An engine that does not answer, or dies in the middle, is what faults are about.
            failed(asked, client, after, e.getClass().getSimpleName());
            return false;
        }
        return false;
    }

    private void failed(long asked, String client, String after, String code) {
        recorder.add(new Event.ListFailed(recorder.now(), asked, client, engine, true, false, after, code));
    }
}
