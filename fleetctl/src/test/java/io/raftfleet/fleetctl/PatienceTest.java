package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.raftfleet.client.ClientOptions;
import io.raftfleet.client.Endpoint;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** How long a command that waits goes on while no engine answers. */
class PatienceTest {
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final AtomicLong nanos = new AtomicLong();

    @Test
    void itLastsAMinuteFromTheFirstFailureAndBeginsAnewWithAnAnswer() throws Exception {
        var failure = nobodyAnswers();
        try (var session = session()) {
            var patience = new Patience(session, nanos::get);
            patience.bear(failure);
            pass(Duration.ofSeconds(59));
            patience.bear(failure);
            assertThat(said())
                    .containsOnlyOnce("Still waiting, for another 60 s at most, though " + failure.getMessage());

            patience.answered();
            assertThat(said()).endsWith("An engine answers again\n");
            pass(Duration.ofSeconds(2));
            patience.bear(failure);
            pass(Duration.ofSeconds(60));
            assertThatThrownBy(() -> patience.bear(failure)).isSameAs(failure);
        }
    }

    private void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    private String said() {
        return err.toString(StandardCharsets.UTF_8);
    }

    private Session session() {
        var out = new PrintStream(err, true, StandardCharsets.UTF_8);
        return new Session(
                new Terminal(InputStream.nullInputStream(), out, out, Map.of(), Path.of("."), false),
                new GlobalOptions());
    }

    /** What a client says of a port on which nobody listens. */
    private static FleetClientException nobodyAnswers() throws IOException {
        int port;
        try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = server.getLocalPort();
        }
        try (var client = new FleetClient(
                ClientOptions.of(Endpoint.parseList("127.0.0.1:" + port)).withRequestTimeout(Duration.ofMillis(100)))) {
            return catchThrowableOfType(FleetClientException.class, client::version);
        }
    }
}
