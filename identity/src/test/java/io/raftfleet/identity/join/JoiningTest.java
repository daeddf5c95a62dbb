package io.raftfleet.identity.join;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.NettySslContextServerCredentials;
import io.grpc.stub.StreamObserver;
import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.TestCluster;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.TokenText;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.tls.TlsIdentity;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.AuthorityRequest;
import io.raftfleet.proto.cluster.AuthorityResponse;
import io.raftfleet.proto.cluster.JoinRequest;
import io.raftfleet.proto.cluster.JoinResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What somebody is told who can't join, and to whom a token is shown. */
class JoiningTest {
    private static final JoinResponse JOINED =
            JoinResponse.newBuilder().setCertificate("certificate").build();

    @TempDir
    Path dir;

    private final Queue<JoinRequest> shown = new ConcurrentLinkedQueue<>();
    /** What the next calls are answered with; then they are taken. */
    private final Queue<Status> answers = new ArrayDeque<>();

    private TestCluster cluster;
    private @Nullable Server server;

    @BeforeEach
    void authority() throws IOException {
        cluster = new TestCluster(dir.resolve("ca"), "c1");
    }

    @AfterEach
    void stop() {
        if (server != null) {
            server.shutdownNow();
        }
    }

    private String listen(ServerCredentials credentials, CertificateAuthority authority) throws IOException {
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), credentials)
                .addService(new AccessGrpc.AccessImplBase() {
                    @Override
                    public void authority(AuthorityRequest request, StreamObserver<AuthorityResponse> responses) {
                        responses.onNext(AuthorityResponse.newBuilder()
                                .setCertificate(authority.certificate())
                                .build());
                        responses.onCompleted();
                    }

                    @Override
                    public void join(JoinRequest request, StreamObserver<JoinResponse> responses) {
                        shown.add(request);
                        var answer = answers.poll();
                        if (answer != null) {
                            responses.onError(answer.asRuntimeException());
                            return;
                        }
                        responses.onNext(JOINED);
                        responses.onCompleted();
                    }
                })
                .build()
                .start();
        return "127.0.0.1:" + server.getPort();
    }

    private String listen(TlsFiles engine) throws IOException {
        return listen(engine, Instant.now());
    }

    private String listen(TlsFiles engine, Instant when) throws IOException {
        var tls = TlsIdentity.open(engine, () -> when).grpcServer(Set.of(Kind.AGENT), true);
        return listen(NettySslContextServerCredentials.create(tls), cluster.authority);
    }

    private Joining joining(String... endpoints) {
        var token = new TokenText(
                "0011",
                "aabb",
                Kind.AGENT,
                "",
                "c1",
                HexFormat.of().formatHex(cluster.authority.digest()),
                List.of(endpoints));
        return new Joining(token, "a".repeat(32), List.of(), new SecureRandom());
    }

    private void refused(Joining joining, String... words) {
        assertThatThrownBy(() -> joining.join(Duration.ZERO))
                .isInstanceOf(JoinException.class)
                .hasMessageContainingAll(words)
                .message()
                .doesNotContain("\n", "aabb");
    }

    @Test
    void anEngineOfTheTokensClusterIsShownIt() throws Exception {
        assertThat(joining(listen(cluster.engine("e1"))).join(Duration.ZERO)).isEqualTo(JOINED);
        assertThat(shown).hasSize(1);
    }

    @Test
    void anotherAuthorityIsToldNothing() throws Exception {
        var other = new TestCluster(dir.resolve("other"), "c1");
        var tls = TlsIdentity.open(other.engine("e1"), Instant::now).grpcServer(Set.of(Kind.AGENT), true);
        var endpoint = listen(NettySslContextServerCredentials.create(tls), other.authority);
        refused(joining(endpoint), endpoint, "shows another authority than the token is of", "make a new token");
        assertThat(shown).isEmpty();
    }

    @Test
    void anAuthorityThatIsShownWithoutItsKeyIsToldNothing() throws Exception {
        var other = new TestCluster(dir.resolve("other"), "c1");
        var tls = TlsIdentity.open(other.engine("e1"), Instant::now).grpcServer(Set.of(Kind.AGENT), true);
        var endpoint = listen(NettySslContextServerCredentials.create(tls), cluster.authority);
        refused(joining(endpoint), endpoint, "its certificate is not from an authority in the token");
        assertThat(shown).isEmpty();
    }

    @Test
    void whatTheEngineRefusesIsSaidWithItsReason() throws Exception {
        var endpoint = listen(cluster.engine("e1"));
        for (var why : List.of("the cluster has no token 0011: it has expired", "has been used as often as it may")) {
            answers.add(Status.UNAUTHENTICATED.withDescription(why));
            refused(joining(endpoint), "the engine at " + endpoint + " refuses: " + why);
        }
    }

    @Test
    void whileNoEngineLeadsItIsTriedAgain() throws Exception {
        var endpoint = listen(cluster.engine("e1"));
        answers.add(Status.UNAVAILABLE.withDescription("no leader is known"));
        refused(joining(endpoint), endpoint + ": no leader is known");
        answers.add(Status.UNAVAILABLE.withDescription("no leader is known"));
        answers.add(Status.UNAVAILABLE.withDescription("no leader is known"));
        assertThat(joining(endpoint).join(Joining.PATIENCE)).isEqualTo(JOINED);
    }

    @Test
    void oneEngineThatIsGoneIsPassedOver() throws Exception {
        var endpoint = listen(cluster.engine("e1"));
        String gone;
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            gone = "127.0.0.1:" + socket.getLocalPort();
        }
        refused(joining(gone), gone + ": ", "Connection refused");
        assertThat(joining(gone, endpoint).join(Duration.ZERO)).isEqualTo(JOINED);
    }

    @Test
    void aClockThatIsAnHourOffIsNamed() throws Exception {
        var later = Instant.now().plus(Duration.ofHours(1));
        var early = cluster.issue(Kind.ENGINE, "e1", Optional.empty(), later, TestCluster.DAY);
        var endpoint = listen(early, later.plusSeconds(60));
        refused(joining(endpoint), endpoint, "its certificate is not valid yet", "set the clocks");
        stop();
        var before = Instant.now().minus(Duration.ofHours(25));
        var old = cluster.issue(Kind.ENGINE, "e1", Optional.empty(), before, TestCluster.DAY);
        endpoint = listen(old, before.plusSeconds(60));
        refused(joining(endpoint), endpoint, "its certificate has expired", "set the clocks");
        assertThat(shown).isEmpty();
    }

    @Test
    void aPortThatSpeaksPlaintextIsNamed() throws Exception {
        var endpoint = listen(InsecureServerCredentials.create(), cluster.authority);
        refused(joining(endpoint), endpoint + ": it speaks plaintext");
        assertThat(shown).isEmpty();
    }
}
