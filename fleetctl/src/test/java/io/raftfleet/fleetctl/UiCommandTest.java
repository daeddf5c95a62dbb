package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.raftfleet.identity.ca.CertificateAuthority;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The page's link, and how it gets to a browser. */
@Timeout(60)
class UiCommandTest {
    private static final String SECRET = "0123456789abcdef0123456789abcdef";

    @TempDir
    Path directory;

    private @Nullable Server server;

    @AfterEach
    void stop() {
        if (server != null) {
            server.shutdownNow();
        }
    }

    /** @param tls whether the page of the engine is served over TLS; how it is called itself has nothing to do with it */
    private Result run(boolean tls, boolean interactive, Map<String, String> environment, String... arguments)
            throws IOException {
        var authority = tls
                ? CertificateAuthority.create(directory.resolve("ca"), "c1", Instant.now(), Duration.ofDays(1))
                : null;
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(new InMemoryAccess(authority))
                .build()
                .start();
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        int exit = Fleetctl.run(
                new Terminal(
                        InputStream.nullInputStream(),
                        new PrintStream(out, false, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        environment,
                        directory,
                        interactive),
                Stream.concat(Stream.of("--endpoint", "127.0.0.1:" + server.getPort(), "ui"), Stream.of(arguments))
                        .toArray(String[]::new));
        return new Result(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** A browser that keeps what it is told, and what is in the file that it is to show. */
    private Map<String, String> browser() throws IOException {
        Path script = directory.resolve("browser");
        Files.writeString(
                script,
                "#!/bin/sh\ncat \"$1\" >" + directory + "/seen.new\necho \"$*\" >>" + directory + "/seen.new\nmv "
                        + directory + "/seen.new " + directory + "/seen\n");
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
        var environment = new HashMap<String, String>();
        environment.put("BROWSER", script.toString());
        environment.put("HOME", directory.toString());
        return environment;
    }

    @Test
    void theLinkIsAllOfStandardOutput() throws IOException {
        Result result = run(true, false, browser());
        assertThat(result.exit()).isZero();
        assertThat(result.out()).isEqualTo("https://10.0.0.1:14101/#/login/" + SECRET + "\n");
        assertThat(result.err()).contains("on engine e1, once, within 5 minutes", "  0A:FF\n");
        assertThat(directory.resolve("seen")).doesNotExist();
        assertThat(directory.resolve(".cache")).doesNotExist();
    }

    @Test
    void aBrowserIsHandedAFileThatItsUserAloneReadsAndNoLink() throws IOException {
        Result result = run(true, true, browser(), "--address", "localhost:9000");
        assertThat(result.exit()).isZero();
        Path file = directory.resolve(".cache/raftfleet/ui.html");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        await().until(() -> Files.exists(directory.resolve("seen")));
        assertThat(Files.readString(directory.resolve("seen")))
                .contains("url=https://localhost:9000/#/login/" + SECRET + "\"")
                .endsWith("</a>\n" + file + "\n");
    }

    @Test
    void withoutABrowserTheLinkIsThereToBeOpened() throws IOException {
        var environment = browser();
        environment.put("BROWSER", directory.resolve("none").toString());
        Result result = run(true, true, environment);
        assertThat(result.exit()).isZero();
        assertThat(result.err()).contains("No browser could be started", "open the link in one");
    }

    @Test
    void printOnlyPrints() throws IOException {
        assertThat(run(true, true, browser(), "--print").exit()).isZero();
        assertThat(directory.resolve(".cache")).doesNotExist();
    }

    @Test
    void inPlaintextThereIsNothingToLogInTo() throws IOException {
        Result result = run(false, false, Map.of());
        assertThat(result.out()).isEqualTo("http://10.0.0.1:14101/\n");
        assertThat(result.err()).contains("asks for no login");
    }

    @Test
    void anAddressIsOne() throws IOException {
        for (String wrong : List.of("nowhere", "a b:1", "1.2.3.4:99999", "x/y:1", "")) {
            Result result = run(false, false, Map.of(), "--address", wrong);
            assertThat(result.exit()).as(wrong).isEqualTo(1);
            assertThat(result.err()).contains("it is HOST:PORT");
            stop();
        }
    }
}
