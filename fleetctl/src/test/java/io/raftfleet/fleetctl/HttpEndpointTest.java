package io.raftfleet.fleetctl;

import static java.lang.Thread.State.TIMED_WAITING;
import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.tls.TlsIdentity;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Endpoints that speak fleet's HTTP API alone: commands do there what they do over gRPC, or say that they can't. */
@Timeout(60)
class HttpEndpointTest {
    private static final String HELLO = "[Service]\nExecStart=/bin/sleep infinity\n";
    private static final String ON = " on 113f16a7.../10.0.0.1\n";

    private final InMemoryCluster cluster = new InMemoryCluster();
    private V1Server server;

    @TempDir
    private Path directory;

    HttpEndpointTest() throws IOException {
        server = new V1Server(cluster);
    }

    @BeforeEach
    void start() throws IOException {
        cluster.startEngine();
        cluster.addMachine("113f16a7c8d94f1a8a1e6c4f4b6a9d01", "10.0.0.1", Map.of("role", "web"));
        server.listen(directory.resolve("s"));
    }

    @AfterEach
    void stop() {
        server.close();
        cluster.close();
    }

    private void file(String name, String text) throws IOException {
        Files.writeString(directory.resolve(name), text);
    }

    private Result run(String... arguments) {
        return at(server.url(), arguments);
    }

    private Result at(String endpoint, String... arguments) {
        var all = new ArrayList<>(List.of("--endpoint", endpoint));
        all.addAll(List.of(arguments));
        return Result.of(cluster, directory, Map.of(), all.toArray(String[]::new));
    }

    @ParameterizedTest
    @ValueSource(strings = {"http", "unix", "file", "list"})
    void unitsAreTakenThroughTheirWholeLife(String kind) throws IOException {
        String endpoint = switch (kind) {
            case "http" -> server.url();
            case "list" -> "http://127.0.0.1:1,unix:///nowhere," + server.url();
            default -> kind + "://" + directory.resolve("s");
        };
        file("a.service", "[Unit]\nDescription=A\n\n" + HELLO);
        assertThat(at(endpoint, "submit", "a.service")).isEqualTo(new Result(0, "Unit a.service inactive\n", ""));
        assertThat(at(endpoint, "cat", "a.service").out()).isEqualTo("[Unit]\nDescription=A\n\n" + HELLO);
        assertThat(at(endpoint, "load", "a.service")).isEqualTo(new Result(0, "Unit a.service loaded" + ON, ""));
        assertThat(at(endpoint, "start", "a.service")).isEqualTo(new Result(0, "Unit a.service launched" + ON, ""));
        assertThat(at(endpoint, "list-units", "--no-legend").out())
                .matches("a.service\t113f16a7.../10.0.0.1\tactive\trunning\n");
        assertThat(at(endpoint, "list-unit-files", "--no-legend", "--fields", "unit,dstate,state,desc")
                        .out())
                .isEqualTo("a.service\tlaunched\tlaunched\tA\n");
        assertThat(at(endpoint, "list-machines", "--no-legend").out()).isEqualTo("113f16a7...\t10.0.0.1\trole=web\n");
        file("a.service", HELLO);
        assertThat(at(endpoint, "start", "--replace", "a.service"))
                .isEqualTo(new Result(0, "Unit a.service inactive\nUnit a.service launched" + ON, ""));
        assertThat(at(endpoint, "restart", "a.service")).isEqualTo(new Result(0, "Unit a.service launched" + ON, ""));
        assertThat(at(endpoint, "stop", "a.service").err()).isEqualTo("Successfully stopped units [a.service].\n");
        assertThat(at(endpoint, "unload", "a.service").err()).isEqualTo("Successfully unloaded units [a.service].\n");
        assertThat(at(endpoint, "destroy", "a.service")).isEqualTo(new Result(0, "Destroyed a.service\n", ""));
        assertThat(at(endpoint, "cat", "a.service").exit()).isEqualTo(1);
    }

    @Test
    void manyUnitsTemplatesPatternsAndGlobalOnes() throws IOException {
        file("w@.service", HELLO);
        file("all.service", HELLO + "[X-Fleet]\nGlobal=true\n");
        assertThat(run("submit", "w@.service").exit()).isZero();
        Files.delete(directory.resolve("w@.service"));
        var names = new ArrayList<String>();
        for (int i = 0; i < 20; i++) {
            names.add("w@" + i + ".service");
        }
        var command = new ArrayList<>(List.of("start"));
        command.addAll(names);
        assertThat(run(command.toArray(String[]::new)).exit()).isZero();
        assertThat(run("list-units", "--no-legend").out().lines()).hasSize(20);
        assertThat(run("start", "all.service").out())
                .isEqualTo("Unit all.service inactive\nTriggered global unit all.service start\n");
        assertThat(run("list-unit-files", "--no-legend", "--fields", "unit,target")
                        .out())
                .contains("all.service\tglobal\n");
        assertThat(run("destroy", "w@*.service").out().lines()).hasSize(21);
        assertThat(run("start", "none.service").exit()).isEqualTo(1);
    }

    @Test
    void whatIsRefusedFailsOrIsOnlyHalfDoneIsToldAsEver() throws IOException {
        file("a.service", HELLO);
        file("b.service", HELLO);
        file("bad.service", "[Service]\nExecStart=/bin/false\n");
        cluster.refused.add("b.service");
        Result half = run("start", "a.service", "b.service");
        assertThat(half.exit()).isEqualTo(1);
        assertThat(half.out()).contains("Unit a.service launched" + ON);
        assertThat(half.err()).contains("failed creating unit b.service: refused by");
        Result failed = run("start", "bad.service");
        assertThat(failed.exit()).isEqualTo(1);
        assertThat(failed.err()).contains("failed (failed)");
        cluster.hold();
        Result late = run("stop", "--block-attempts=1", "a.service");
        assertThat(late.exit()).isEqualTo(1);
        assertThat(late.err()).contains("timed out waiting for unit a.service");
    }

    @Test
    void whatHttpCannotDoIsSaidPlainly() throws IOException {
        file("a.service", HELLO);
        run("start", "a.service");
        for (List<String> command : List.of(
                List.of("journal", "a.service"),
                List.of("status", "a.service"),
                List.of("cluster", "snapshot"),
                List.of("cluster", "orphans"),
                List.of("cluster", "backup", "f"))) {
            Result result = run(command.toArray(String[]::new));
            assertThat(result.exit()).isEqualTo(1);
            assertThat(result.err())
                    .as(command.toString())
                    .contains("this command needs gRPC: give an engine's gRPC address as --endpoint HOST:PORT");
        }
    }

    @Test
    void whoCallsOverHttpsIsWhomTheCertificateNames() throws Exception {
        run("cert", "create-ca", "--cluster-id", "0b7c4a3e-2f40-4f0a-9d1b-5a3c7d1e2f00", "ca");
        run("cert", "issue", "--ca", "ca", "engine", "e1");
        run("cert", "issue", "--ca", "ca", "--role", "operator", "user", "alice");
        var authority = directory.resolve("ca/ca.pem");
        var engine = TlsIdentity.open(
                new TlsFiles(authority, directory.resolve("engine-e1.pem"), directory.resolve("engine-e1-key.pem")),
                InstantSource.system());
        var context = SSLContext.getInstance(TlsIdentity.PROTOCOL);
        context.init(
                new KeyManager[] {engine.keyManager()},
                new TrustManager[] {engine.trust(Set.of(SpiffeId.Kind.USER))},
                null);
        List<String> alice = List.of(
                "--ca-file=" + authority,
                "--cert-file=" + directory.resolve("user-alice.pem"),
                "--key-file=" + directory.resolve("user-alice-key.pem"),
                "--request-timeout=5");
        file("a.service", HELLO);
        try (V1Server tls = V1Server.withTls(cluster, context)) {
            var start = new ArrayList<>(alice);
            start.addAll(List.of("start", "a.service"));
            assertThat(at(tls.url(), start.toArray(String[]::new)).out()).endsWith("Unit a.service launched" + ON);
            var list = new ArrayList<>(alice);
            list.addAll(List.of("--request-timeout=1", "list-units"));
            // Not that server's, but one without TLS: it says nothing that is TLS, and is not waited for.
            Result plain = at(server.url().replace("http:", "https:"), list.toArray(String[]::new));
            assertThat(plain.exit()).isEqualTo(1);
        }
    }

    /** What fleetctl 1.0 runs on the host of its {@code --tunnel}. */
    @Test
    void standardInputAndOutputAreConnectedWithASocket() {
        var in = new ByteArrayInputStream(
                "GET /fleet/v1/machines HTTP/1.1\r\nHost: domain-sock\r\nConnection: close\r\n\r\n"
                        .getBytes(StandardCharsets.UTF_8));
        var out = new ByteArrayOutputStream();
        var terminal = new Terminal(in, new PrintStream(out), System.err, Map.of(), directory, false);
        assertThat(Fleetctl.run(terminal, "fd-forward", directory.resolve("s").toString()))
                .isZero();
        assertThat(out.toString(StandardCharsets.UTF_8))
                .startsWith("HTTP/1.1 200 OK\r\n")
                .contains("113f16a7c8d94f1a8a1e6c4f4b6a9d01");
    }

    @Test
    void anAnswerThatCameEarlyIsPassedOnThoughNoMoreCanBeSent() throws Exception {
        byte[] answer = new byte[100_000];
        var closed = new CountDownLatch(1);
        var sender = new CompletableFuture<Thread>();
        var in = new InputStream() {
            @Override
            public int read() throws IOException {
                sender.complete(Thread.currentThread());
                try {
                    closed.await();
                } catch (InterruptedException e) {
                    throw new InterruptedIOException();
                }
                return 'x';
            }

            @Override
            public int read(byte[] bytes, int offset, int length) throws IOException {
                bytes[offset] = (byte) read();
                return 1;
            }
        };
        var out = new ByteArrayOutputStream() {
            @Override
            public synchronized void write(byte[] bytes, int offset, int length) {
                // The sender has failed by then: it waits for the rest of the answer, or has given up.
                Thread thread = sender.join();
                Awaitility.await().until(() -> thread.getState() == TIMED_WAITING || !thread.isAlive());
                super.write(bytes, offset, length);
            }
        };
        var socket = UnixDomainSocketAddress.of(directory.resolve("early"));
        try (var engine = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            engine.bind(socket);
            var answered = CompletableFuture.runAsync(() -> {
                try (var connection = engine.accept()) {
                    Channels.newOutputStream(connection).write(answer);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                } finally {
                    closed.countDown();
                }
            });
            var terminal = new Terminal(in, new PrintStream(out), System.err, Map.of(), directory, false);
            assertThat(Fleetctl.run(terminal, "fd-forward", socket.getPath().toString()))
                    .isZero();
            answered.join();
        }
        assertThat(out.size()).isEqualTo(answer.length);
    }

    @Test
    void whatListensElsewhereIsSaidPlainly() {
        String grpc = "http://" + cluster.endpoints();
        assertThat(at(grpc, "--request-timeout=1", "list-units").err())
                .contains("if it is an engine's port for gRPC, give it without http://");
        assertThat(at("unix:///nowhere/s", "list-units").err()).contains("unix:///nowhere/s", "no such file");
        assertThat(at("https://127.0.0.1:1", "list-units").err()).contains("takes --ca-file, --cert-file");
    }
}
