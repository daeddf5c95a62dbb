package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.raftfleet.engine.http.WireClient.Answer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The server below the API: listeners, limits, and the order of things on a connection. */
class HttpServersTest {
    private static final HttpHandler ECHO = call -> HttpReply.of(
                    200,
                    "text/plain",
                    ByteString.copyFromUtf8(call.method() + " " + call.path() + " ")
                            .concat(call.body()))
            .now();

    /** Over soon, and yet long enough for what comes before on a busy machine. */
    private static final Duration SOON = Duration.ofSeconds(2);

    private static final int LARGE = 16 << 20;

    private static final Duration LONG = Duration.ofMinutes(10);

    @TempDir
    Path folder;

    private final List<HttpServers> started = new ArrayList<>();

    @AfterEach
    void stop() {
        started.forEach(server -> server.close(Duration.ZERO));
    }

    private HttpServers start(HttpSettings settings, HttpHandler handler) throws IOException {
        HttpServers server = HttpServers.start(settings, handler);
        started.add(server);
        return server;
    }

    private static HttpSettings settings(Optional<Path> socket) {
        return HttpSettings.of("127.0.0.1", 0, socket, "test");
    }

    /** Tight limits: 2 connections, bodies of 1,000 bytes and 1,500 together. */
    private static HttpSettings tight() {
        return tight(LONG, LONG, LONG);
    }

    /** And what takes longer than these is cut off. A test makes that short which it is about, and nothing else. */
    private static HttpSettings tight(Duration idle, Duration receive, Duration answer) {
        return new HttpSettings(
                "127.0.0.1",
                0,
                Optional.empty(),
                1,
                2,
                1_000,
                1_500,
                idle,
                receive,
                answer,
                LONG,
                Optional.empty(),
                "test");
    }

    @Test
    void aTakenPortIsNamedWithWhatToDo() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            HttpSettings settings = HttpSettings.of("127.0.0.1", taken.getLocalPort(), Optional.empty(), "test");
            assertThatThrownBy(() -> start(settings, ECHO))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("127.0.0.1:" + taken.getLocalPort())
                    .hasMessageContaining("in use")
                    .hasMessageContaining("stop the process");
        }
    }

    @Test
    void anUnknownHostIsNamed() {
        assertThatThrownBy(() -> start(HttpSettings.of("no.such.host.invalid", 0, Optional.empty(), "test"), ECHO))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no.such.host.invalid");
    }

    @Test
    void theSocketIsForOwnerAndGroupAndGoesWithTheServer() throws IOException {
        Path socket = folder.resolve("s");
        HttpServers server = start(settings(Optional.of(socket)), ECHO);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-rw----");
        try (WireClient client = new WireClient(UnixDomainSocketAddress.of(socket))) {
            assertThat(client.get("/x").body()).isEqualTo("GET /x ");
        }
        server.close();
        assertThat(socket).doesNotExist();
    }

    @Test
    void theSocketOfADeadProcessIsReplaced() throws IOException {
        Path socket = folder.resolve("s");
        ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        dead.bind(UnixDomainSocketAddress.of(socket)).close();
        assertThat(socket).exists();

        start(settings(Optional.of(socket)), ECHO);
        try (WireClient client = new WireClient(UnixDomainSocketAddress.of(socket))) {
            assertThat(client.get("/").status()).isEqualTo(200);
        }
    }

    @Test
    void theSocketOfALiveProcessIsRefusedAndLeftAlone() throws IOException {
        Path socket = folder.resolve("s");
        start(settings(Optional.of(socket)), ECHO);
        assertThatThrownBy(() -> start(settings(Optional.of(socket)), ECHO))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(socket.toString())
                .hasMessageContaining("live process");
        try (WireClient client = new WireClient(UnixDomainSocketAddress.of(socket))) {
            assertThat(client.get("/").status()).isEqualTo(200);
        }
    }

    @Test
    void aFileThatIsNoSocketIsLeftAlone() throws IOException {
        Path file = Files.writeString(folder.resolve("precious"), "data");
        assertThatThrownBy(() -> start(settings(Optional.of(file)), ECHO)).hasMessageContaining("no socket");
        assertThat(file).hasContent("data");
    }

    @Test
    void aPathTooLongForTheKernelIsRefused() {
        Path path = folder.resolve("p".repeat(108));
        assertThatThrownBy(() -> start(settings(Optional.of(path)), ECHO))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("107");
    }

    @Test
    void pipelinedRequestsAreAnsweredInOrder() throws IOException, InterruptedException {
        HttpServers server = start(settings(Optional.empty()), ECHO);
        try (WireClient client = new WireClient(server.address())) {
            StringBuilder requests = new StringBuilder();
            for (int i = 0; i < 3_000; i++) {
                requests.append("GET /").append(i).append(" HTTP/1.1\r\nHost: h\r\n\r\n");
            }
            Thread sender = Thread.ofVirtual().start(() -> {
                try {
                    client.send(requests.toString());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            for (int i = 0; i < 3_000; i++) {
                assertThat(client.read(true).body()).isEqualTo("GET /" + i + " ");
            }
            assertThat(sender.join(Duration.ofSeconds(10))).isTrue();
        }
    }

    @Test
    void bodiesComeInChunksToo() throws IOException {
        HttpServers server = start(settings(Optional.empty()), ECHO);
        try (WireClient client = new WireClient(server.address())) {
            client.send(
                    "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
            assertThat(client.read(true).body()).isEqualTo("PUT /c abcde");
        }
    }

    @Test
    void aClientMayAskBeforeItSends() throws IOException {
        HttpServers server = start(settings(Optional.empty()), ECHO);
        try (WireClient client = new WireClient(server.address())) {
            client.send("PUT /c HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
            assertThat(client.read(true).status()).isEqualTo(100);
            client.send("ok");
            assertThat(client.read(true).body()).isEqualTo("PUT /c ok");
        }
    }

    @Test
    void anAnswerToHeadHasNoBody() throws IOException {
        HttpServers server = start(settings(Optional.empty()), ECHO);
        try (WireClient client = new WireClient(server.address())) {
            assertThat(client.call("HEAD", "/h", "").header("content-length")).isEqualTo("8");
            assertThat(client.get("/next").body()).isEqualTo("GET /next ");
        }
    }

    @Test
    void anOldClientIsAnsweredOnceAndLetGo() throws IOException {
        HttpServers server = start(settings(Optional.empty()), ECHO);
        try (WireClient client = new WireClient(server.address())) {
            client.send("GET /old HTTP/1.0\r\n\r\n");
            assertThat(client.read(true).header("connection")).isEqualTo("close");
            assertThat(client.isClosedByServer()).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 2000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n200000\r\n"})
    void aBodyTooLargeIsRefusedWhileItIsSent(String head) throws IOException {
        HttpServers server = start(settings(Optional.empty()), ECHO);
        try (WireClient client = new WireClient(server.address())) {
            client.send("PUT /c HTTP/1.1\r\nHost: h\r\n" + head);
            client.send(new byte[1_500_000]);
            Answer answer = client.read(true);
            assertThat(answer.status()).isEqualTo(413);
            assertThat(answer.body()).contains("1048576");
            assertThat(answer.header("connection")).isEqualTo("close");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "400 nonsense\r\n\r\n",
                "400 GET / HTTP/1.1\r\n\r\n",
                "400 GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                "400 PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                "400 PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                "400 PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                "417 PUT / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 1\r\n\r\n",
                "505 GET / HTTP/3.0\r\nHost: a\r\n\r\n",
            })
    void malformedRequestsAreRefused(String row) throws IOException {
        HttpServers server = start(settings(Optional.empty()), ECHO);
        try (WireClient client = new WireClient(server.address())) {
            client.send(row.substring(4));
            Answer answer = client.read(true);
            assertThat(answer.status()).as(answer.body()).isEqualTo(Integer.parseInt(row.substring(0, 3)));
            assertThat(client.isClosedByServer()).isTrue();
        }
    }

    @Test
    void overlongLinesAndHeadersAreRefused() throws IOException {
        HttpServers server = start(settings(Optional.empty()), ECHO);
        try (WireClient client = new WireClient(server.address())) {
            client.send("GET /" + "a".repeat(10_000) + " HTTP/1.1\r\nHost: h\r\n\r\n");
            assertThat(client.read(true).status()).isEqualTo(414);
        }
        try (WireClient client = new WireClient(server.address())) {
            client.send("GET / HTTP/1.1\r\nHost: h\r\nX: " + "a".repeat(20_000) + "\r\n\r\n");
            assertThat(client.read(true).status()).isEqualTo(431);
        }
    }

    @Test
    void aClientThatDribblesIsCutOff() throws Exception {
        HttpServers server = start(tight(LONG, SOON, LONG), ECHO);
        try (WireClient client = new WireClient(server.address())) {
            client.send("GET / HTTP/1.1\r\n");
            CountDownLatch cut = new CountDownLatch(1);
            Thread dribble = Thread.ofVirtual().start(() -> {
                try {
                    while (!cut.await(20, TimeUnit.MILLISECONDS)) {
                        client.send("x");
                    }
                } catch (IOException | InterruptedException e) {
                    cut.countDown();
                }
            });
            assertThat(client.read(true).status()).isEqualTo(408);
            cut.countDown();
            dribble.join();
        }
    }

    @Test
    void anIdleConnectionIsClosed() throws IOException {
        HttpServers server = start(tight(SOON, LONG, LONG), ECHO);
        try (WireClient client = new WireClient(server.address())) {
            assertThat(client.get("/").status()).isEqualTo(200);
            assertThat(client.isClosedByServer()).isTrue();
        }
    }

    @Test
    void aHandlerThatNeverAnswersCostsNoConnection() throws IOException {
        HttpServers server = start(tight(LONG, LONG, SOON), call -> new CompletableFuture<>());
        try (WireClient client = new WireClient(server.address())) {
            Answer answer = client.get("/");
            assertThat(answer.status()).isEqualTo(503);
            assertThat(answer.body()).contains("unknown");
            assertThat(client.isClosedByServer()).isTrue();
        }
    }

    @Test
    void aBodyTakesRoomForAsLongAsTheHandlerHasIt() throws IOException {
        CompletableFuture<HttpReply> answer = new CompletableFuture<>();
        HttpServers server = start(tight(LONG, LONG, SOON), call -> answer);
        try (WireClient first = new WireClient(server.address())) {
            assertThat(first.put("/", "b".repeat(700)).body()).contains("unknown");
        }
        try (WireClient second = new WireClient(server.address())) {
            assertThat(second.put("/", "b".repeat(700)).body()).contains("too many large requests");
        }
        answer.complete(HttpReply.empty(204));
        try (WireClient third = new WireClient(server.address())) {
            assertThat(third.put("/", "b".repeat(700)).status()).isEqualTo(204);
        }
    }

    @Test
    void aHandlerThatFailsIsA500() throws IOException {
        HttpServers server = start(tight(), call -> CompletableFuture.failedFuture(new IllegalStateException("bug")));
        try (WireClient client = new WireClient(server.address())) {
            assertThat(client.get("/").status()).isEqualTo(500);
        }
    }

    @Test
    void connectionsBeyondTheLimitAreTurnedAwayWhileAllOthersWaitForAnswers() throws Exception {
        CountDownLatch asked = new CountDownLatch(2);
        CompletableFuture<HttpReply> answer = new CompletableFuture<>();
        HttpServers server = start(tight(), call -> {
            asked.countDown();
            return answer;
        });
        try (WireClient first = new WireClient(server.address());
                WireClient second = new WireClient(server.address())) {
            first.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
            second.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
            assertThat(asked.await(30, TimeUnit.SECONDS)).isTrue();
            try (WireClient third = new WireClient(server.address())) {
                Answer refusal = third.read(true);
                assertThat(refusal.status()).isEqualTo(503);
                assertThat(refusal.body()).contains("as many connections as it takes");
            }
            answer.complete(HttpReply.empty(204));
            assertThat(first.read(true).status()).isEqualTo(204);
            assertThat(second.read(true).status()).isEqualTo(204);
        }
    }

    @Test
    void aNewcomerGetsThePlaceOfAConnectionThatAsksForNothing() throws IOException {
        HttpServers server = start(tight(), ECHO);
        try (WireClient first = new WireClient(server.address());
                WireClient second = new WireClient(server.address());
                WireClient third = new WireClient(server.address())) {
            assertThat(third.get("/").status()).isEqualTo(200);
            assertThat(first.isClosedByServer()).isTrue();
            assertThat(second.get("/").status()).isEqualTo(200);
        }
    }

    @Test
    void whatIsAnnouncedTakesNoRoom() throws IOException {
        HttpServers server = start(roomFor(3_000), ECHO);
        List<WireClient> slow = new ArrayList<>();
        try {
            for (int i = 0; i < 6; i++) {
                slow.add(new WireClient(server.address()));
                String length =
                        i % 2 == 0 ? "Content-Length: 1000\r\n\r\nb" : "Transfer-Encoding: chunked\r\n\r\n1\r\nb\r\n";
                slow.getLast().send("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n" + length);
                assertThat(slow.getLast().read(false).status()).isEqualTo(100);
            }
            try (WireClient other = new WireClient(server.address())) {
                assertThat(other.put("/", "b".repeat(1_000)).status()).isEqualTo(200);
            }
        } finally {
            for (WireClient client : slow) {
                client.close();
            }
        }
    }

    /** Ten connections, bodies of 1,000 bytes, and so much of all together. */
    private HttpSettings roomFor(long bytes) {
        return new HttpSettings(
                "127.0.0.1",
                0,
                Optional.of(folder.resolve("s")),
                1,
                10,
                1_000,
                bytes,
                LONG,
                LONG,
                LONG,
                LONG,
                Optional.empty(),
                "test");
    }

    @Test
    void answersThatAreNotTakenAreLimitedTogether() throws IOException {
        // More than what the sockets of both ends take.
        var large = HttpReply.of(200, "text/plain", ByteString.copyFrom(new byte[LARGE]));
        HttpServers server =
                start(roomFor(5L * LARGE), call -> call.path().equals("/large") ? large.now() : ECHO.handle(call));
        List<SocketChannel> holding = new ArrayList<>();
        try {
            for (int i = 1; i <= 2; i++) {
                long held = i * (long) LARGE;
                holding.add(asksAndTakesNothing(server.address()));
                await().until(() -> server.unsent() == held);
            }
            try (WireClient other = new WireClient(server.address());
                    WireClient local = new WireClient(UnixDomainSocketAddress.of(folder.resolve("s")))) {
                Answer refused = other.get("/large");
                assertThat(refused.status()).isEqualTo(503);
                assertThat(refused.header("retry-after")).isEqualTo("1");
                assertThat(other.get("/small").status()).isEqualTo(200);
                assertThat(local.get("/large").status()).isEqualTo(200);
                holding.getFirst().close();
                await().until(() -> server.unsent() == LARGE);
                assertThat(other.get("/large").body()).hasSize(LARGE);
            }
        } finally {
            for (SocketChannel channel : holding) {
                channel.close();
            }
        }
        await().until(() -> server.unsent() == 0);
    }

    private static SocketChannel asksAndTakesNothing(SocketAddress address) throws IOException {
        SocketChannel channel = SocketChannel.open();
        channel.setOption(StandardSocketOptions.SO_RCVBUF, 4_096);
        channel.connect(address);
        channel.write(StandardCharsets.US_ASCII.encode("GET /large HTTP/1.1\r\nHost: h\r\n\r\n"));
        return channel;
    }

    @Test
    void bodiesInFlightAreLimitedTogether() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch askedToo = new CountDownLatch(2);
        CompletableFuture<HttpReply> answer = new CompletableFuture<>();
        Duration patient = Duration.ofSeconds(20);
        HttpSettings settings = new HttpSettings(
                "127.0.0.1",
                0,
                Optional.of(folder.resolve("s")),
                1,
                2,
                1_000,
                3_000,
                patient,
                patient,
                patient,
                patient,
                Optional.empty(),
                "test");
        HttpServers server = start(settings, call -> {
            asked.countDown();
            askedToo.countDown();
            return answer;
        });
        try (WireClient first = new WireClient(server.address());
                WireClient second = new WireClient(server.address())) {
            first.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + "b".repeat(1_000));
            assertThat(asked.await(10, TimeUnit.SECONDS)).isTrue();
            second.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n" + "b".repeat(900));
            Answer refused = second.read(true);
            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.header("retry-after")).isEqualTo("1");
            try (WireClient local = new WireClient(UnixDomainSocketAddress.of(folder.resolve("s")))) {
                local.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + "b".repeat(1_000));
                assertThat(askedToo.await(10, TimeUnit.SECONDS))
                        .as("the unix socket has room of its own")
                        .isTrue();
            }
            answer.complete(HttpReply.empty(204));
            assertThat(first.read(true).status()).isEqualTo(204);
            assertThat(first.call("PUT", "/", "b".repeat(1_000)).status())
                    .as("what the first took was given back")
                    .isEqualTo(204);
        }
    }

    @Test
    void aStopLetsRequestsUnderWayBeAnswered() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CompletableFuture<HttpReply> answer = new CompletableFuture<>();
        HttpServers server = start(settings(Optional.empty()), call -> {
            asked.countDown();
            return answer;
        });
        try (WireClient busy = new WireClient(server.address());
                WireClient idle = new WireClient(server.address())) {
            busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
            assertThat(asked.await(10, TimeUnit.SECONDS)).isTrue();
            Thread closing = Thread.ofVirtual().start(() -> server.close(Duration.ofSeconds(10)));
            assertThat(idle.isClosedByServer()).isTrue();
            answer.complete(HttpReply.empty(204));
            Answer last = busy.read(true);
            assertThat(last.status()).isEqualTo(204);
            assertThat(last.header("connection")).isEqualTo("close");
            assertThat(closing.join(Duration.ofSeconds(10))).isTrue();
        }
    }

    /** A client told nothing would send its next request into a connection that is closed under it. */
    @Test
    void anAnswerThatOvertakesTheStopSaysThatTheConnectionEnds() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch stopping = new CountDownLatch(1);
        HttpServers server = start(settings(Optional.empty()), call -> {
            asked.countDown();
            try { // Holds this connection's own thread, so that no word of the stop gets to it before its answer.
                assertThat(stopping.await(10, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                return CompletableFuture.failedFuture(e);
            }
            return CompletableFuture.completedFuture(HttpReply.empty(204));
        });
        try (WireClient busy = new WireClient(server.address());
                WireClient idle = new WireClient(server.address())) {
            busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
            assertThat(asked.await(10, TimeUnit.SECONDS)).isTrue();
            Thread closing = Thread.ofVirtual().start(() -> server.close(Duration.ofSeconds(10)));
            assertThat(idle.isClosedByServer()).isTrue();
            stopping.countDown();
            Answer last = busy.read(true);
            assertThat(last.status()).isEqualTo(204);
            assertThat(last.header("connection")).isEqualTo("close");
            assertThat(closing.join(Duration.ofSeconds(10))).isTrue();
        }
    }
}
