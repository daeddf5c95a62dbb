package io.raftfleet.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.raftfleet.proto.cluster.BackupChunk;
import io.raftfleet.proto.cluster.BackupRequest;
import io.raftfleet.proto.cluster.ClusterGrpc;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.JournalRequest;
import io.raftfleet.proto.fleet.LogChunk;
import io.raftfleet.proto.fleet.VersionRequest;
import io.raftfleet.proto.fleet.VersionResponse;
import io.raftfleet.proto.fleet.WatchEvent;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A client of engines of which some are gone without a word, and some refuse. */
class ConnectionRaceTest {
    private final List<String> failures = new CopyOnWriteArrayList<>();
    private Server engine = NettyServerBuilder.forPort(0).build();
    private ServerSocket silent;

    ConnectionRaceTest() throws IOException {
        // Its connections are made by the kernel, and nobody ever says a word on them.
        silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    }

    @BeforeEach
    void start() throws IOException {
        engine = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(new FleetGrpc.FleetImplBase() {
                    @Override
                    public void version(VersionRequest request, StreamObserver<VersionResponse> observer) {
                        observer.onNext(
                                VersionResponse.newBuilder().setVersion("1").build());
                        observer.onCompleted();
                    }

                    @Override
                    public void watch(WatchRequest request, StreamObserver<WatchResponse> observer) {
                        observer.onNext(WatchResponse.newBuilder()
                                .addEvents(WatchEvent.newBuilder().setUnitDestroyed("a.service"))
                                .build());
                    }

                    @Override
                    public void journal(JournalRequest request, StreamObserver<LogChunk> observer) {
                        observer.onNext(LogChunk.newBuilder()
                                .setData(ByteString.copyFromUtf8("a line"))
                                .build());
                        observer.onCompleted();
                    }
                })
                .addService(new ClusterGrpc.ClusterImplBase() {
                    @Override
                    public void backup(BackupRequest request, StreamObserver<BackupChunk> observer) {
                        observer.onNext(BackupChunk.newBuilder()
                                .setData(ByteString.copyFromUtf8("a row"))
                                .build());
                        observer.onCompleted();
                    }
                })
                .build()
                .start();
    }

    @AfterEach
    void stop() throws IOException {
        engine.shutdownNow();
        silent.close();
    }

    private FleetClient client(int... ports) {
        var endpoints = java.util.Arrays.stream(ports)
                .mapToObj(port -> new Endpoint("127.0.0.1", port))
                .toList();
        return new FleetClient(ClientOptions.of(endpoints)
                .withRequestTimeout(Duration.ofMinutes(2))
                .withPatience(false)
                .withDebug(failures::add));
    }

    private static int closedPort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @Test
    void anEndpointThatIsSilentIsPassedOverWithoutAFailedAttempt() {
        try (var client = client(silent.getLocalPort(), engine.getPort())) {
            assertThat(client.version().getVersion()).isEqualTo("1");
            assertThat(failures).as("half a minute each").isEmpty();
            assertThat(client.version().getVersion()).isEqualTo("1");
            assertThat(failures).isEmpty();
        }
    }

    @Test
    void silentAndRefusingEndpointsInAnyOrderDoNotKeepACallFromTheOneThatAnswers() throws Exception {
        try (var client = client(closedPort(), silent.getLocalPort(), closedPort(), engine.getPort())) {
            assertThat(client.version().getVersion()).isEqualTo("1");
            assertThat(failures).isEmpty();
        }
    }

    @Test
    void streamsPassOverASilentEndpointToo() throws Exception {
        try (var client = client(silent.getLocalPort(), engine.getPort());
                var watch = client.watch(WatchRequest.getDefaultInstance())) {
            assertThat(watch.next(Duration.ZERO)).as("nothing is there yet").isNull();
            assertThat(watch.next(Duration.ofSeconds(30))).isNotNull();
            assertThat(failures).isEmpty();
        }
        try (var client = client(silent.getLocalPort(), engine.getPort());
                var journal = client.journal(JournalRequest.getDefaultInstance())) {
            assertThat(journal.next()).isEqualTo(ByteString.copyFromUtf8("a line"));
            assertThat(failures).isEmpty();
        }
        try (var client = client(silent.getLocalPort(), engine.getPort());
                var backup = client.backup()) {
            assertThat(backup.next()).isEqualTo(ByteString.copyFromUtf8("a row"));
            assertThat(failures).isEmpty();
        }
    }

    @Test
    void aPortForHttpIsToldByWhatItIsAndAnotherEndpointAnswers() throws Exception {
        try (var http = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            var server = Thread.ofVirtual().start(() -> answerAsAnHttpServer(http));
            try (var client = client(http.getLocalPort())) {
                assertThatThrownBy(client::version)
                        .hasMessageContainingAll(
                                "127.0.0.1:" + http.getLocalPort(), "if it is the one for HTTP, give http://");
            }
            try (var client = client(http.getLocalPort(), engine.getPort())) {
                assertThat(client.version().getVersion()).isEqualTo("1");
            }
            server.interrupt();
        }
    }

    private static void answerAsAnHttpServer(ServerSocket http) {
        while (!http.isClosed()) {
            try (var connection = http.accept()) {
                connection
                        .getOutputStream()
                        .write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                                .getBytes(StandardCharsets.US_ASCII));
                connection.getInputStream().readAllBytes();
            } catch (IOException e) {
                // The client has gone, or the test is over.
            }
        }
    }

    @Test
    void whenAllRefuseEachIsNamed() throws Exception {
        int one = closedPort();
        int two = closedPort();
        try (var client = client(one, two)) {
            assertThatThrownBy(client::version)
                    .isInstanceOfSatisfying(
                            FleetClientException.class,
                            e -> assertThat(e.code()).isEqualTo(Status.Code.UNAVAILABLE))
                    .hasMessageContainingAll("127.0.0.1:" + one, "127.0.0.1:" + two, "connection refused");
        }
    }
}
