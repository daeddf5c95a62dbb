package io.raftfleet.identity.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.grpc.CallOptions;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.NettySslContextServerCredentials;
import io.grpc.stub.ClientCalls;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.raftfleet.identity.CredentialsException;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.TestCluster;
import io.raftfleet.identity.TlsFiles;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.KeyManagementException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two ends on loopback: what each makes of the other. The server does not have what it is asked for: UNIMPLEMENTED is its friendly answer. */
class TlsIdentityTest {
    private static final MethodDescriptor<String, String> METHOD = method("test/Ask");
    /** The one that the server has, and never answers. */
    private static final MethodDescriptor<String, String> WAIT = method("waiting/Wait");

    private static MethodDescriptor<String, String> method(String name) {
        return MethodDescriptor.<String, String>newBuilder()
                .setType(MethodDescriptor.MethodType.UNARY)
                .setFullMethodName(name)
                .setRequestMarshaller(new Text())
                .setResponseMarshaller(new Text())
                .build();
    }

    private static final Duration LIMIT = Duration.ofSeconds(10);

    @TempDir
    Path dir;

    private final List<String> serverSays = new CopyOnWriteArrayList<>();
    private final List<String> clientSays = new CopyOnWriteArrayList<>();
    private final MultiThreadIoEventLoopGroup threads = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final AtomicInteger waiting = new AtomicInteger();
    private volatile Instant now = Instant.now();
    private TestCluster cluster;
    private @Nullable Server server;
    private @Nullable EngineDialer dialer;

    private static final class Text implements MethodDescriptor.Marshaller<String> {
        @Override
        public InputStream stream(String value) {
            return new ByteArrayInputStream(value.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public String parse(InputStream stream) {
            return "";
        }
    }

    @BeforeEach
    void authority() throws IOException {
        cluster = new TestCluster(dir.resolve("ca"), "c1");
    }

    @AfterEach
    void close() {
        if (server != null) {
            server.shutdownNow();
        }
        if (dialer != null) {
            dialer.close();
        }
        var unused = threads.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    private TlsIdentity open(TlsFiles files, InstantSource clock) throws CredentialsException {
        return TlsIdentity.open(files, clock);
    }

    private TlsIdentity open(TlsFiles files) throws CredentialsException {
        return open(files, () -> now);
    }

    /** One who reads its files at a time when they are good. */
    private TlsIdentity believing(TlsFiles files, Instant when) throws CredentialsException {
        var time = new AtomicReference<>(when);
        var identity = open(files, time::get);
        time.set(now);
        return identity;
    }

    /** Listens for all kinds; in plaintext without an identity. */
    private void listen(@Nullable TlsIdentity identity) throws IOException {
        var watch = ConnectionWatch.accepting(Optional.ofNullable(identity), serverSays::add);
        var credentials = identity == null
                ? InsecureServerCredentials.create()
                : NettySslContextServerCredentials.create(identity.grpcServer(EnumSet.allOf(Kind.class), false));
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), credentials)
                .bossEventLoopGroup(threads)
                .workerEventLoopGroup(threads)
                .channelFactory(() -> new NioServerSocketChannel() {
                    @Override
                    protected int doReadMessages(List<Object> accepted) throws Exception {
                        int count = super.doReadMessages(accepted);
                        accepted.subList(accepted.size() - count, accepted.size())
                                .forEach(connection -> watch.add((NioSocketChannel) connection));
                        return count;
                    }
                })
                .addService(ServerServiceDefinition.builder("waiting")
                        .addMethod(WAIT, (call, headers) -> {
                            waiting.incrementAndGet();
                            return new ServerCall.Listener<>() {};
                        })
                        .build())
                .build()
                .start();
    }

    private int port() {
        return Objects.requireNonNull(server).getPort();
    }

    private ManagedChannel dial(@Nullable TlsIdentity identity) {
        var dialing = new EngineDialer(Optional.ofNullable(identity), clientSays::add);
        dialer = dialing;
        return dialing.to("127.0.0.1:" + port()).build();
    }

    private static Status ask(ManagedChannel channel) {
        try {
            ClientCalls.blockingUnaryCall(
                    channel, METHOD, CallOptions.DEFAULT.withDeadlineAfter(10, TimeUnit.SECONDS), "");
            return Status.OK;
        } catch (StatusRuntimeException e) {
            return e.getStatus();
        }
    }

    private void refused(@Nullable TlsIdentity client, String serverWords, String clientWords) {
        var channel = dial(client);
        assertThat(ask(channel).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(serverSays)
                        .anySatisfy(line -> assertThat(line)
                                .startsWith("a connection from 127.0.0.1 failed: ")
                                .contains(serverWords)));
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(clientSays)
                        .anySatisfy(line -> assertThat(line)
                                .startsWith("the connection to the engine at 127.0.0.1 failed: ")
                                .contains(clientWords)));
        channel.shutdownNow();
    }

    @Test
    void everyKindOfOneClusterIsTaken() throws Exception {
        listen(open(cluster.engine("e1")));
        for (var files : List.of(cluster.engine("e2"), cluster.agent("a1"), cluster.user("alice", Role.VIEWER))) {
            var channel = dial(open(files));
            assertThat(ask(channel).getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
            channel.shutdownNow();
        }
        assertThat(serverSays).isEmpty();
        assertThat(clientSays).isEmpty();
    }

    @Test
    void anotherClustersCertificateIsRefusedByTheClientFirst() throws Exception {
        listen(open(cluster.engine("e1")));
        var other = new TestCluster(dir.resolve("other"), "c2").engine("e1");
        refused(
                open(other),
                "it does not accept this side's certificate (certificate_unknown)",
                "its certificate is not from an authority in " + other.authorities());
    }

    @Test
    void oneAuthorityOfTwoClustersKeepsThemApart() throws Exception {
        listen(open(cluster.engine("e1")));
        // The same authority, which says that it is another cluster's.
        var path = Files.createDirectory(dir.resolve("copy"));
        for (var name : List.of("ca.pem", "ca-key.pem")) {
            Files.copy(dir.resolve("ca").resolve(name), path.resolve(name), StandardCopyOption.COPY_ATTRIBUTES);
        }
        var foreign = Certificates.ofCluster(path, "c2", cluster.authorityFile(), dir.resolve("foreign"));
        refused(
                open(foreign),
                "it does not accept this side's certificate",
                "it is spiffe://c1/engine/e1, of another cluster than spiffe://c2/user/mallory");
    }

    @Test
    void aClientThatWouldSpeakToAnybodyIsTurnedAwayForItsCertificate() throws Exception {
        listen(open(cluster.engine("e1")));
        var other = new TestCluster(dir.resolve("other"), "c1").user("mallory", Role.ADMIN);
        careless(open(other).keyManager());
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(serverSays)
                        .anySatisfy(line -> assertThat(line).contains("its certificate is not from an authority in")));
        careless(null);
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(serverSays)
                        .anySatisfy(line -> assertThat(line).contains("it shows no certificate")));
    }

    @Test
    void olderVersionsOfTlsAreRefused() throws Exception {
        listen(open(cluster.engine("e1")));
        var keys = open(cluster.user("old", Role.ADMIN)).keyManager();
        var context = SSLContext.getInstance("TLSv1.2");
        context.init(new KeyManager[] {keys}, new TrustManager[] {Certificates.TRUSTING}, null);
        handshake(context);
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(serverSays)
                        .anySatisfy(line -> assertThat(line).contains("it does not speak TLS 1.3")));
    }

    private void careless(@Nullable KeyManager keys) throws Exception {
        var context = SSLContext.getInstance("TLSv1.3");
        context.init(keys == null ? null : new KeyManager[] {keys}, new TrustManager[] {Certificates.TRUSTING}, null);
        handshake(context);
    }

    private void handshake(SSLContext context) throws IOException, KeyManagementException {
        try (var socket =
                (SSLSocket) context.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port())) {
            socket.setSoTimeout((int) LIMIT.toMillis());
            socket.startHandshake();
            socket.getOutputStream().write(1);
            assertThat(socket.getInputStream().read()).isNegative();
        } catch (IOException expected) {
            // It hung up.
        }
    }

    @Test
    void anExpiredCertificateIsRefusedWhateverItsOwnerBelieves() throws Exception {
        listen(open(cluster.engine("e1")));
        var from = Instant.now().minus(Duration.ofDays(3));
        var old = cluster.issue(Kind.AGENT, "a1", Optional.empty(), from, TestCluster.DAY);
        refused(
                believing(old, from.plusSeconds(60)),
                "its certificate has expired",
                "it does not accept this side's certificate");
    }

    @Test
    void aCertificateThatIsNotValidYetIsRefusedWhateverItsOwnerBelieves() throws Exception {
        listen(open(cluster.engine("e1")));
        var from = Instant.now().plus(Duration.ofDays(3));
        var early = cluster.issue(Kind.AGENT, "a1", Optional.empty(), from, TestCluster.DAY);
        refused(
                believing(early, from.plusSeconds(60)),
                "its certificate is not valid yet",
                "it does not accept this side's certificate");
    }

    @Test
    void aRevokedCertificateIsRefusedOnEitherSideAndALaterOneIsNot() throws Exception {
        var engine = cluster.engine("e1");
        var agent = cluster.agent("a1");
        var own = open(engine);
        own.heed((peer, began) -> peer.id().name().equals("a1") ? "it was revoked" : null);
        listen(own);
        refused(
                open(agent),
                "it is spiffe://c1/agent/a1, and it was revoked",
                "it does not accept this side's certificate");
        serverSays.clear();
        clientSays.clear();

        var other = open(cluster.agent("a2"));
        other.heed((peer, began) -> began.isBefore(Instant.now().plusSeconds(60)) ? "it was revoked" : null);
        refused(other, "it does not accept this side's certificate", "it is spiffe://c1/engine/e1, and it was revoked");
    }

    /** What was open when the word came is closed, too. */
    @Test
    void anOpenConnectionEndsWhenItsPeerIsRevoked() throws Exception {
        listen(open(cluster.engine("e1")));
        var agent = open(cluster.agent("a1"));
        var channel = dial(agent);
        assertThat(ask(channel).getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
        assertThat(agent.connections().count()).isEqualTo(1);
        agent.heed((peer, began) -> "it was revoked");
        agent.look();
        await().atMost(LIMIT).until(() -> agent.connections().count() == 0);
        assertThat(ask(channel).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        channel.shutdownNow();
    }

    /** As an agent's session, which never ends by itself; on either side. */
    @Test
    void aCallThatIsUnderWayEndsWithTheConnectionOfWhoIsRevoked() throws Exception {
        var engine = open(cluster.engine("e1"));
        listen(engine);
        for (int revoker = 0; revoker < 2; revoker++) {
            var agent = open(cluster.agent("a" + revoker));
            var channel = dial(agent);
            var call = ClientCalls.futureUnaryCall(channel.newCall(WAIT, CallOptions.DEFAULT), "");
            int calls = revoker + 1;
            await().atMost(LIMIT).until(() -> waiting.get() == calls);
            var side = revoker == 0 ? agent : engine;
            side.heed((peer, began) -> "it was revoked");
            side.look();
            assertThatThrownBy(() -> call.get(LIMIT.toSeconds(), TimeUnit.SECONDS))
                    .hasRootCauseInstanceOf(StatusRuntimeException.class)
                    .hasMessageContaining("UNAVAILABLE");
            channel.shutdownNow();
        }
    }

    @Test
    void aCertificateThatIssuedItselfIsRefused() throws Exception {
        listen(open(cluster.engine("e1")));
        careless(open(Certificates.selfSigned("c1", dir.resolve("self"))).keyManager());
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(serverSays)
                        .anySatisfy(line -> assertThat(line)
                                .contains("its certificate is not from an authority in " + cluster.authorityFile())));
    }

    /** An engine whose certificate an authority's clock made an hour from now, or an agent whose clock is an hour behind. */
    @Test
    void aClockAnHourBehindIsNamedOnTheSideThatHasIt() throws Exception {
        var from = Instant.now().plus(Duration.ofHours(1));
        var early = cluster.issue(Kind.ENGINE, "e1", Optional.empty(), from, TestCluster.DAY);
        listen(believing(early, from.plusSeconds(60)));
        refused(
                open(cluster.agent("a1")),
                "it does not accept this side's certificate",
                "its certificate is not valid yet");
        assertThat(clientSays).anySatisfy(line -> assertThat(line).contains("set the clocks"));
    }

    /** Or one whose clock is an hour ahead. */
    @Test
    void aClockAnHourAheadIsNamedOnTheSideThatHasIt() throws Exception {
        var from = Instant.now().minus(Duration.ofHours(25));
        var old = cluster.issue(Kind.ENGINE, "e1", Optional.empty(), from, TestCluster.DAY);
        listen(believing(old, from.plusSeconds(60)));
        refused(
                open(cluster.agent("a1")),
                "it says that this side's certificate has expired",
                "its certificate has expired");
        assertThat(clientSays).anySatisfy(line -> assertThat(line).contains("or set the clocks"));
    }

    @Test
    void whoIsNoEngineIsNamedOnBothSides() throws Exception {
        listen(open(cluster.user("mallory", Role.ADMIN)));
        refused(
                open(cluster.agent("a1")),
                "it does not accept this side's certificate",
                "its certificate is not for this end of a connection");
    }

    @Test
    void whoIsNoEngineServesNobody() throws Exception {
        listen(open(cluster.user("mallory", Role.ADMIN)));
        var channel = dial(open(cluster.agent("a1")));
        assertThat(ask(channel).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        await().atMost(LIMIT).untilAsserted(() -> assertThat(clientSays).isNotEmpty());
        channel.shutdownNow();
    }

    @Test
    void plaintextToTls() throws Exception {
        listen(open(cluster.engine("e1")));
        refused(null, "it speaks plaintext, and this side TLS", "as one does that speaks TLS");
    }

    @Test
    void tlsToPlaintext() throws Exception {
        listen(null);
        refused(
                open(cluster.agent("a1")),
                "it speaks TLS, and this side plaintext",
                "it speaks plaintext, and this side TLS");
    }

    @Test
    void aPortOfTlsThatHasNoGrpcIsNamed() throws Exception {
        var engine = open(cluster.engine("e1"));
        var context = SSLContext.getInstance("TLSv1.3");
        context.init(
                new KeyManager[] {engine.keyManager()},
                new TrustManager[] {engine.trust(EnumSet.allOf(Kind.class))},
                null);
        try (var socket = context.getServerSocketFactory().createServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var serving = Thread.ofVirtual().start(() -> {
                try (var accepted = socket.accept()) {
                    var unused = accepted.getInputStream().read();
                } catch (IOException e) {
                    // The client hangs up.
                }
            });
            var dialing = new EngineDialer(Optional.of(open(cluster.agent("a1"))), clientSays::add);
            dialer = dialing;
            var channel = dialing.to("127.0.0.1:" + socket.getLocalPort()).build();
            assertThat(ask(channel).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
            channel.shutdownNow();
            serving.join();
            assertThat(clientSays).singleElement().asString().endsWith(TlsFailure.NO_GRPC);
        }
    }

    @Test
    void aNewCertificateAndAuthorityAreTakenWithoutEndingConnections() throws Exception {
        var files = cluster.engine("e1");
        var own = open(files);
        listen(own);
        var channel = dial(open(cluster.agent("a1")));
        assertThat(ask(channel).getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
        var first = own.current().chain().getFirst();

        var old = Files.readString(cluster.authorityFile());
        var renewed = cluster.engine("e1");
        var next = new TestCluster(dir.resolve("next"), "c1");
        Files.writeString(
                files.authorities(),
                Files.readString(cluster.authorityFile()) + Files.readString(next.authorityFile()));
        replace(renewed.key(), files.key());
        own.look(); // a key that does not fit yet
        assertThat(own.current().chain().getFirst()).isEqualTo(first);
        replace(renewed.certificate(), files.certificate());
        own.look();
        assertThat(own.current().chain().getFirst()).isNotEqualTo(first);
        assertThat(own.connections().count()).isEqualTo(1);
        assertThat(ask(channel).getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
        assertThat(own.connections().count()).isEqualTo(1);
        channel.shutdownNow();

        // One of the new authority, which believes both.
        var successor = next.agent("a2");
        Files.writeString(successor.authorities(), Files.readString(files.authorities()));
        var second = dial(open(successor));
        assertThat(ask(second).getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);

        // The new authority is dropped: so is who came with it.
        Files.writeString(files.authorities(), old);
        own.look();
        await().atMost(LIMIT).until(() -> own.connections().count() == 0);
        second.shutdownNow();
    }

    private static void replace(Path from, Path to) throws IOException {
        Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
    }

    @Test
    void aConnectionEndsWithItsCertificate() throws Exception {
        var engine = cluster.issue(Kind.ENGINE, "e1", Optional.empty(), Instant.now(), Duration.ofDays(30));
        var own = open(engine);
        listen(own);
        var channel = dial(open(cluster.agent("a1")));
        assertThat(ask(channel).getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
        own.look();
        assertThat(own.connections().count()).isEqualTo(1);
        now = now.plus(Duration.ofDays(2));
        own.look();
        await().atMost(LIMIT).until(() -> own.connections().count() == 0);
        channel.shutdownNow();
    }

    @Test
    void filesOfSomebodyElseAreNotTaken() throws Exception {
        var files = cluster.engine("e1");
        var own = open(files);
        var other = cluster.engine("e2");
        replace(other.key(), files.key());
        replace(other.certificate(), files.certificate());
        own.look();
        assertThat(own.current().chain().getFirst().getSubjectX500Principal().getName())
                .contains("CN=e1");
    }

    @Test
    void silentStrangersAreNoConnections() throws Exception {
        var own = open(cluster.engine("e1"));
        listen(own);
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port())) {
            assertThat(socket.isConnected()).isTrue();
            assertThat(own.connections().count()).isZero();
        }
    }
}
