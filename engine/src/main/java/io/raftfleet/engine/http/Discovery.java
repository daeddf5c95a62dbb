package io.raftfleet.engine.http;

import com.google.common.io.Resources;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.regex.Pattern;

/** {@code /discovery}: the API described for Google's client generators, with the address the caller used as its root. */
final class Discovery {
    private static final Pattern HOST =
            Pattern.compile("[A-Za-z0-9._-]+(:[0-9]{1,5})?|\\[[0-9A-Fa-f:.]+](:[0-9]{1,5})?");
    private static final String ROOT = "@ROOT@";

    private final String template;

    Discovery() {
        try {
            template = Resources.toString(
                    Objects.requireNonNull(Discovery.class.getResource("discovery.json")), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("the discovery document is missing from the program", e);
        }
    }

    HttpReply get(HttpCall call) {
        String host = HOST.matcher(call.host()).matches() ? call.host() : "localhost";
        String document = template.replace(ROOT, "http://" + host);
        return HttpReply.of(200, HttpReply.JSON, ByteString.copyFromUtf8(document));
    }
}
