package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** Whom the kernel says to be at the other end of the unix socket. */
class UnixSocketPeersTest {
    private static final HttpHandler WHO = call -> HttpReply.of(
                    200, "text/plain", ByteString.copyFromUtf8(call.caller().toString()))
            .now();

    @TempDir
    Path folder;

    static boolean root() {
        return "root".equals(System.getProperty("user.name")) && Files.isExecutable(Path.of("/usr/bin/setpriv"));
    }

    private HttpServers start(Path socket) throws IOException {
        return HttpServers.start(HttpSettings.of("127.0.0.1", 0, Optional.of(socket), "test"), WHO);
    }

    @Test
    void whoCalledIsKnownByName() throws IOException {
        var socket = folder.resolve("s");
        try (var server = start(socket);
                var client = new WireClient(UnixDomainSocketAddress.of(socket))) {
            assertThat(client.get("/").body()).isEqualTo("local user " + System.getProperty("user.name"));
            assertThat(server.address().getPort()).isPositive();
        }
    }

    /** As when somebody has opened the file to all: the kernel still says who it is. */
    @Test
    @EnabledIf("root")
    void somebodyElseIsRefusedByNumberAndNameThoughTheFileLetsItIn() throws Exception {
        var socket = folder.resolve("s");
        try (var server = start(socket)) {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw-rw-"));
            var answer = askAs("65534", socket);
            assertThat(answer).startsWith("HTTP/1.1 403 ").contains("user nobody (uid 65534) may not use this socket");
            assertThat(askAs("54321", socket))
                    .startsWith("HTTP/1.1 403 ")
                    .contains("user 54321 may not use this socket");
            assertThat(askAs("0", socket)).startsWith("HTTP/1.1 200 ").contains("local user root");
            assertThat(server.address().getPort()).isPositive();
        }
    }

    private static String askAs(String uid, Path socket) throws IOException, InterruptedException {
        var curl = new ProcessBuilder(
                        "setpriv",
                        "--reuid=" + uid,
                        "--regid=65534",
                        "--clear-groups",
                        "curl",
                        "-si",
                        "--max-time",
                        "20",
                        "--unix-socket",
                        socket.toString(),
                        "http://localhost/")
                .redirectErrorStream(true)
                .start();
        curl.getOutputStream().close();
        var said = new String(curl.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(curl.waitFor(30, TimeUnit.SECONDS)).isTrue();
        return said;
    }

    /** From the moment that the name is there, its mode is right: others never find it open to them. */
    @Test
    void theFileIsNeverThereWithAnotherMode() throws Exception {
        var socket = folder.resolve("s");
        var seen = new AtomicReference<>(EnumSet.noneOf(PosixFilePermission.class));
        var watching = Thread.ofPlatform().daemon().start(() -> {
            while (!Thread.currentThread().isInterrupted()) {
                try {
                    var modes = EnumSet.copyOf(seen.get());
                    modes.addAll(Files.getPosixFilePermissions(socket));
                    seen.set(modes);
                } catch (IOException e) {
                    Thread.onSpinWait(); // Not there yet, or no more.
                }
            }
        });
        for (int i = 0; i < 50; i++) {
            try (var server = start(socket)) {
                assertThat(server.address().getPort()).isPositive();
            }
        }
        watching.interrupt();
        assertThat(watching.join(Duration.ofSeconds(10))).isTrue();
        assertThat(PosixFilePermissions.toString(seen.get())).isEqualTo("rw-rw----");
        assertThat(folder).as("nothing that it was made in is left").isEmptyDirectory();
    }
}
