package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** Whatever is sent, the caller is told what is wrong with it, and the next caller is served. jqwik prints the seed. */
class HostileInputPropertiesTest {
    @SuppressWarnings("NullAway.Init") // Set before all properties.
    private static Engine engine;

    @BeforeContainer
    static void start() throws IOException {
        engine = new Engine();
    }

    @AfterContainer
    static void stop() throws IOException {
        engine.close();
    }

    @Property(tries = 300)
    void anyBodyIsAnswered(@ForAll @Size(max = 200) byte[] body) throws IOException {
        try (WireClient client = engine.connect()) {
            client.send("PUT /fleet/v1/units/a.service HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                    + "Content-Length: " + body.length + "\r\n\r\n");
            client.send(body);
            // An empty object is no error of form: it asks for nothing.
            assertThat(client.read(true).status()).isIn(400, 409);
        }
    }

    @Property(tries = 300)
    void anyOptionIsStoredOrRefused(
            @ForAll @StringLength(max = 20) String section,
            @ForAll @StringLength(max = 20) String name,
            @ForAll @StringLength(max = 40) String value)
            throws IOException {
        Documents.UnitDocument unit = new Documents.UnitDocument(
                null,
                null,
                null,
                "loaded",
                null,
                null,
                List.of(new Documents.UnitOptionDocument(name, section, value)),
                null,
                null);
        try (WireClient client = engine.connect()) {
            int status = client.put(
                            "/fleet/v1/units/a.service", Json.write(unit).toStringUtf8())
                    .status();
            assertThat(status).isIn(201, 204, 400);
            assertThat(client.get("/fleet/v1/units").status()).isEqualTo(200);
        }
    }

    @Property(tries = 300)
    void anyRequestLeavesTheServerWell(@ForAll @Size(max = 300) byte[] bytes) throws IOException {
        try (WireClient hostile = engine.connect()) {
            hostile.send(bytes);
            hostile.send("\r\n\r\n");
        }
        try (WireClient client = engine.connect()) {
            assertThat(client.get("/healthz").status()).isEqualTo(200);
        }
    }
}
