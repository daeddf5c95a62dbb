package io.raftfleet.engine.http;

import com.google.common.io.Resources;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** The files of the page, read once. It loads nothing from elsewhere, runs its own script alone, and is shown in no other page. */
final class PageFiles {
    private static final String POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
                    + " frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'";

    private static final Map<String, String> TYPES = Map.of(
            "index.html", "text/html; charset=utf-8",
            "page.js", "text/javascript; charset=utf-8",
            "page.css", "text/css; charset=utf-8",
            "icon.svg", "image/svg+xml");

    private final Map<String, HttpReply> files = new TreeMap<>();

    PageFiles() {
        TYPES.forEach((name, type) -> files.put(name, read(name, type)));
    }

    private static HttpReply read(String name, String type) {
        try {
            return HttpReply.of(
                            200,
                            type,
                            ByteString.copyFrom(Resources.toByteArray(
                                    Objects.requireNonNull(PageFiles.class.getResource("page/" + name)))))
                    .with("content-security-policy", POLICY)
                    .with("x-frame-options", "DENY")
                    .with("referrer-policy", "no-referrer")
                    .with("cache-control", "no-cache");
        } catch (IOException e) {
            throw new UncheckedIOException("a file of the page is missing from the program: " + name, e);
        }
    }

    HttpReply get(String name) {
        var file = files.get(name);
        if (file == null) {
            throw new HttpProblem(404, "the page has no file \"" + name + "\"");
        }
        return file;
    }
}
