package io.raftfleet.fleetctl.v1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.net.ServerSocket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How a call fails: whether it may have been done, and whether what listens there speaks HTTP at all. */
@Timeout(30)
class HttpWireTest {
    private static final Duration LONG = Duration.ofSeconds(20);

    @ParameterizedTest
    @CsvSource({
        "'', it closed the connection without an answer",
        "HTT, an answer was cut off",
        "HTTP/1.1 2, an answer was cut off"
    })
    @DisplayName("an engine that dies after it took a request speaks HTTP all the same, and was reached")
    void cutOff(String begun, String message) throws Exception {
        assertThat(failure(begun, false))
                .isInstanceOf(IOException.class)
                .isNotInstanceOfAny(ProtocolException.class, SocketException.class)
                .hasMessage(message);
    }

    @Test
    @DisplayName("so does one whose machine resets the connection")
    void reset() throws Exception {
        assertThat(failure("", true))
                .isExactlyInstanceOf(IOException.class)
                .hasNoCause()
                .hasMessageStartingWith("the connection broke off (");
    }

    @Test
    @DisplayName("nor was one not reached that says nothing in time")
    void silent() throws Exception {
        try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThat(call((InetSocketAddress) server.getLocalSocketAddress(), Duration.ofMillis(100)))
                    .isInstanceOf(IOException.class)
                    .isNotInstanceOf(SocketException.class)
                    .hasNoCause();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"\0\0\6", "SSH-2.0-x", "HTTP/2 200 OK", "HTTP/1.1 two\n\n"})
    void foreign(String said) throws Exception {
        assertThat(failure(said, false)).isInstanceOf(ProtocolException.class).hasMessage("it does not speak HTTP/1.1");
    }

    @Test
    void nobodyListens() throws Exception {
        InetSocketAddress address;
        try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            address = (InetSocketAddress) server.getLocalSocketAddress();
        }
        assertThat(call(address, LONG)).isInstanceOf(ConnectException.class);
    }

    private static Throwable call(InetSocketAddress address, Duration timeout) {
        return catchThrowable(
                () -> HttpWire.tcp("h", address, null).call("PUT", "/fleet/v1/units/a.service", "{}", timeout));
    }

    /** Of a call to a server that takes the whole request, says this and is gone. */
    private static Throwable failure(String said, boolean reset) throws IOException {
        try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var served = CompletableFuture.runAsync(() -> {
                try (var socket = server.accept()) {
                    var in = socket.getInputStream();
                    for (int b = in.read(); b != '}'; b = in.read()) {
                        assertThat(b).isNotNegative();
                    }
                    socket.getOutputStream().write(said.getBytes(StandardCharsets.ISO_8859_1));
                    if (reset) {
                        socket.setSoLinger(true, 0);
                    }
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            Throwable failure = call((InetSocketAddress) server.getLocalSocketAddress(), LONG);
            served.join();
            return failure;
        }
    }
}
