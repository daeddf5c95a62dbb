package io.raftfleet.engine.http;

import com.google.common.io.Resources;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Objects;

/** {@code GET /openapi.yaml}: the HTTP API in OpenAPI 3.1, written by hand and checked against the server by a test. */
final class OpenApi {
    private final HttpReply document;

    OpenApi() {
        try {
            document = HttpReply.of(
                    200,
                    "application/yaml",
                    ByteString.copyFrom(
                            Resources.toByteArray(Objects.requireNonNull(OpenApi.class.getResource("openapi.yaml")))));
        } catch (IOException e) {
            throw new UncheckedIOException("the description of the API is missing from the program", e);
        }
    }

    HttpReply get() {
        return document;
    }
}
