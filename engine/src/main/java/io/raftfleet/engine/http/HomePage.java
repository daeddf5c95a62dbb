package io.raftfleet.engine.http;

import com.google.common.hash.Hashing;
import com.google.common.html.HtmlEscapers;
import com.google.protobuf.ByteString;
import io.raftfleet.engine.api.EngineHealth;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** {@code GET /}: one page for people who point a browser at an engine. */
final class HomePage {
    private static final String STYLE =
            "body{font:16px/1.5 sans-serif;margin:3em auto;max-width:40em}td{padding-right:2em}";

    /** The page loads nothing, runs nothing, and is shown in no other. */
    private static final String POLICY = "default-src 'none'; style-src 'sha256-"
            + Base64.getEncoder()
                    .encodeToString(Hashing.sha256()
                            .hashString(STYLE, StandardCharsets.UTF_8)
                            .asBytes())
            + "'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

    private HomePage() {}

    static HttpReply render(EngineHealth.View view) {
        String leader =
                view.leaderId().isEmpty() ? "none known" : view.leaderId() + (view.leading() ? " (this one)" : "");
        String html = """
                <!DOCTYPE html>
                <html lang="en"><head><meta charset="utf-8"><title>raftfleet engine %1$s</title>
                <style>%12$s</style></head>
                <body><h1>raftfleet engine %1$s</h1>
                <table>
                <tr><td>Cluster</td><td>%2$s</td></tr>
                <tr><td>Leader</td><td>%3$s</td></tr>
                <tr><td>Term</td><td>%4$d</td></tr>
                <tr><td>Applied / committed</td><td>%5$d / %6$d</td></tr>
                <tr><td>Machines present</td><td><a href="/fleet/v1/machines">%7$d</a></td></tr>
                <tr><td>Units</td><td><a href="/fleet/v1/units">%8$d</a></td></tr>
                <tr><td>Unit states</td><td><a href="/fleet/v1/state">%9$d</a></td></tr>
                <tr><td>Registry's memory</td><td>%10$d of %11$d MiB</td></tr>
                </table>
                <p><a href="/readyz">health</a> · <a href="/metrics">metrics</a> ·
                <a href="/fleet/v1/discovery">API description</a></p>
                </body></html>
                """.formatted(
                        escape(view.engineId()),
                        escape(view.clusterId()),
                        escape(leader),
                        view.term(),
                        view.appliedIndex(),
                        view.commitIndex(),
                        view.machines(),
                        view.units(),
                        view.unitStates(),
                        view.memory().held() >> 20,
                        view.quota() >> 20,
                        STYLE);
        return HttpReply.of(200, "text/html; charset=utf-8", ByteString.copyFromUtf8(html))
                .with("content-security-policy", POLICY)
                .with("x-frame-options", "DENY")
                .with("referrer-policy", "no-referrer");
    }

    private static String escape(String text) {
        return HtmlEscapers.htmlEscaper().escape(text);
    }
}
