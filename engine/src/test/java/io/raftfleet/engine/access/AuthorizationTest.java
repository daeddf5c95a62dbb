package io.raftfleet.engine.access;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.CallOptions;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.raftfleet.engine.admission.Admission;
import io.raftfleet.engine.admission.AdmissionLimits;
import io.raftfleet.engine.admission.AdmissionMetrics;
import io.raftfleet.engine.admission.GrpcServer;
import io.raftfleet.identity.Identity;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.tls.EngineDialer;
import io.raftfleet.identity.tls.StrangerTls;
import io.raftfleet.identity.tls.TlsIdentity;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.ClusterGrpc;
import io.raftfleet.proto.fleet.FleetGrpc;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An engine's gRPC port with services that do nothing: whoever gets as far as that is told UNIMPLEMENTED. */
class AuthorizationTest {
    private static final Metadata.Key<String> FORWARDED =
            Metadata.Key.of("raftfleet-forwarded", Metadata.ASCII_STRING_MARSHALLER);

    @TempDir
    Path dir;

    private CertificateAuthority authority;
    private GrpcServer server;
    private @Nullable EngineDialer dialer;
    private @Nullable ManagedChannel channel;
    private volatile Caller seen = Caller.PLAINTEXT;
    private volatile Instant now = Instant.now();
    /** Certificates of mallory that began before. */
    private volatile Instant revoked = Instant.MIN;

    private int issued;

    private static final class Nothing implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            return new byte[0];
        }
    }

    private static final class NoMetrics implements AdmissionMetrics {
        @Override
        public void closed(String method, String code) {}

        @Override
        public void admitted(String kind) {}

        @Override
        public void ended(String kind) {}

        @Override
        public void refused(String kind, String reason) {}

        @Override
        public void connectionRefused() {}
    }

    private final class Look implements ServerInterceptor {
        @Override
        public <Q, R> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
            seen = Caller.current();
            return next.startCall(call, headers);
        }
    }

    /** Of everybody who is called mallory. */
    private @Nullable String revoked(Identity peer, Instant began) {
        return peer.id().name().equals("mallory") && began.isBefore(revoked) ? "it was revoked" : null;
    }

    @BeforeEach
    void listen() throws IOException {
        authority = CertificateAuthority.create(dir.resolve("ca"), "c1", now, Duration.ofDays(30));
        var limits = AdmissionLimits.usual();
        var metrics = new NoMetrics();
        server = new GrpcServer(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                Optional.of(identity(Kind.ENGINE, "e1", null)),
                true,
                limits,
                new Admission(limits, metrics),
                metrics,
                Thread::startVirtualThread,
                List.of(new Authorization(FORWARDED, () -> now, this::revoked), new Look()),
                List.of(
                        new HealthGrpc.HealthImplBase() {}.bindService(),
                        new ServerReflectionGrpc.ServerReflectionImplBase() {}.bindService(),
                        new FleetGrpc.FleetImplBase() {}.bindService(),
                        new AccessGrpc.AccessImplBase() {}.bindService(),
                        new AgentGatewayGrpc.AgentGatewayImplBase() {}.bindService(),
                        new ClusterGrpc.ClusterImplBase() {}.bindService()));
        server.start();
    }

    @AfterEach
    void close() {
        hangUp();
        server.close();
    }

    private void hangUp() {
        if (channel != null) {
            channel.shutdownNow();
        }
        if (dialer != null) {
            dialer.close();
        }
    }

    private TlsIdentity identity(Kind kind, String name, @Nullable Role role) throws IOException {
        issued++;
        var files =
                new TlsFiles(dir.resolve("ca/ca.pem"), dir.resolve(issued + ".pem"), dir.resolve(issued + "-key.pem"));
        authority
                .issue(kind, name, Optional.ofNullable(role), List.of(), now, Duration.ofDays(1))
                .write(files.certificate(), files.key());
        return TlsIdentity.open(files, InstantSource.system());
    }

    /** From now on calls come with this certificate. */
    private void as(Kind kind, String name, @Nullable Role role) throws IOException {
        hangUp();
        var dialing = new EngineDialer(Optional.of(identity(kind, name, role)), line -> {});
        dialer = dialing;
        channel = dialing.to("127.0.0.1:" + server.port()).build();
    }

    private Status call(String method, Map<String, String> headers) {
        var metadata = new Metadata();
        headers.forEach((name, value) -> metadata.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value));
        return call(method, MetadataUtils.newAttachHeadersInterceptor(metadata));
    }

    private Status call(String method, ClientInterceptor saying) {
        var descriptor = MethodDescriptor.<byte[], byte[]>newBuilder()
                .setType(MethodDescriptor.MethodType.UNARY)
                .setFullMethodName(method)
                .setRequestMarshaller(new Nothing())
                .setResponseMarshaller(new Nothing())
                .build();
        try {
            ClientCalls.blockingUnaryCall(
                    ClientInterceptors.intercept(Objects.requireNonNull(channel), saying),
                    descriptor,
                    CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS),
                    new byte[0]);
            return Status.OK;
        } catch (StatusRuntimeException e) {
            return e.getStatus();
        }
    }

    @Test
    void everyMethodIsTriedWithEveryCertificate() throws Exception {
        record Who(Kind kind, @Nullable Role role) {}
        for (var who : List.of(
                new Who(Kind.AGENT, null),
                new Who(Kind.ENGINE, null),
                new Who(Kind.USER, Role.VIEWER),
                new Who(Kind.USER, Role.OPERATOR),
                new Who(Kind.USER, Role.ADMIN))) {
            as(who.kind(), "x", who.role());
            for (var method : AccessTest.methods()) {
                var caller = new Caller(Caller.Kind.valueOf(who.kind().name()), "x", Optional.ofNullable(who.role()));
                var answer = call(method, Map.of());
                var objection = GrpcAccess.of(method).objection(caller, method);
                assertThat(answer.getCode())
                        .as("%s calls %s: %s", caller, method, answer)
                        .isEqualTo(objection == null ? Status.Code.UNIMPLEMENTED : Status.Code.PERMISSION_DENIED);
                if (objection != null) {
                    assertThat(answer.getDescription()).isEqualTo(objection);
                }
            }
        }
    }

    @Test
    void strangersMayAskToJoinAndNothingElse() throws Exception {
        hangUp();
        channel = NettyChannelBuilder.forAddress("127.0.0.1", server.port())
                .sslContext(StrangerTls.believingAnybody())
                .build();
        for (var method : AccessTest.methods()) {
            var answer = call(method, Map.of());
            boolean open = GrpcAccess.of(method).strangers();
            assertThat(answer.getCode())
                    .as("a stranger calls %s: %s", method, answer)
                    .isEqualTo(open ? Status.Code.UNIMPLEMENTED : Status.Code.UNAUTHENTICATED);
        }
        assertThat(call(AccessGrpc.getJoinMethod().getFullMethodName(), Map.of("raftfleet-caller", "user admin alice"))
                        .getCode())
                .isEqualTo(Status.Code.PERMISSION_DENIED);
    }

    @Test
    void anEnginePassesOnWhoCalled() throws Exception {
        var create = FleetGrpc.getCreateUnitsMethod().getFullMethodName();
        as(Kind.ENGINE, "e2", null);
        assertThat(call(create, Map.of()).getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
        assertThat(call(create, Map.of("raftfleet-caller", "user viewer eve")).getDescription())
                .startsWith("user/eve (viewer) may not call");
        assertThat(call(create, Map.of("raftfleet-caller", "user operator alice", "raftfleet-forwarded", "1"))
                        .getCode())
                .isEqualTo(Status.Code.UNIMPLEMENTED);
        assertThat(seen).isEqualTo(new Caller(Caller.Kind.USER, "alice", Optional.of(Role.OPERATOR)));
        assertThat(call(create, Map.of("raftfleet-caller", "whoever")).getDescription())
                .startsWith("engine/e2 says that it calls for \"whoever\"");
    }

    @Test
    void whoWasRevokedMayNothingThroughAnEngineThatDoesNotKnow() throws Exception {
        var anybodys = FleetGrpc.getVersionMethod().getFullMethodName();
        as(Kind.ENGINE, "e2", null);
        now = now.truncatedTo(ChronoUnit.MILLIS);
        revoked = now;
        for (var who : List.of("user admin mallory", "agent - mallory")) {
            for (var certified : List.of(
                    Map.of("raftfleet-caller", who),
                    Map.of(
                            "raftfleet-caller",
                            who,
                            "raftfleet-caller-certified-ms",
                            Long.toString(now.toEpochMilli() - 1)))) {
                var answer = call(anybodys, certified);
                assertThat(answer.getCode()).as(certified.toString()).isEqualTo(Status.Code.UNAUTHENTICATED);
                assertThat(answer.getDescription()).contains("mallory", "shown to another engine", "revoked");
            }
            assertThat(call(
                                    anybodys,
                                    Map.of(
                                            "raftfleet-caller",
                                            who,
                                            "raftfleet-caller-certified-ms",
                                            Long.toString(now.toEpochMilli())))
                            .getCode())
                    .as(who + " joined again")
                    .isEqualTo(Status.Code.UNIMPLEMENTED);
        }
        assertThat(call(
                                FleetGrpc.getCreateUnitsMethod().getFullMethodName(),
                                Map.of("raftfleet-caller", "local admin root"))
                        .getCode())
                .isEqualTo(Status.Code.UNIMPLEMENTED);
        assertThat(call(
                                anybodys,
                                Map.of("raftfleet-caller", "user admin alice", "raftfleet-caller-certified-ms", "soon"))
                        .getCode())
                .isEqualTo(Status.Code.PERMISSION_DENIED);
    }

    @Test
    void whoIsPassedOnIsWhoArrives() throws Exception {
        var anybodys = FleetGrpc.getVersionMethod().getFullMethodName();
        as(Kind.ENGINE, "e2", null);
        var began = now.minus(Duration.ofDays(3)).truncatedTo(ChronoUnit.SECONDS);
        var alice = Caller.of(
                new Identity(new SpiffeId("c1", Kind.USER, "alice"), Optional.of(Role.VIEWER), began, Instant.MAX));
        alice.in(Context.ROOT).run(() -> call(anybodys, Authorization.passingOn()));
        assertThat(seen).isEqualTo(alice);
        assertThat(seen.certified()).isEqualTo(began);
        Caller.LOCAL.in(Context.ROOT).run(() -> call(anybodys, Authorization.passingOn()));
        assertThat(seen).isEqualTo(Caller.LOCAL);
    }

    @Test
    void nobodyElseDoes() throws Exception {
        var create = FleetGrpc.getCreateUnitsMethod().getFullMethodName();
        as(Kind.USER, "mallory", Role.ADMIN);
        for (var header : List.of("raftfleet-caller", "raftfleet-forwarded")) {
            var answer = call(create, Map.of(header, "user admin alice"));
            assertThat(answer.getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
            assertThat(answer.getDescription()).contains("engines alone may");
        }
        as(Kind.AGENT, "m", null);
        assertThat(call(create, Map.of("raftfleet-caller", "user admin alice")).getCode())
                .isEqualTo(Status.Code.PERMISSION_DENIED);
    }

    @Test
    void aCallOnAConnectionThatOutlivedItsCertificateIsUnauthenticated() throws Exception {
        as(Kind.USER, "alice", Role.ADMIN);
        var list = FleetGrpc.getListUnitsMethod().getFullMethodName();
        assertThat(call(list, Map.of()).getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
        now = now.plus(Duration.ofDays(2));
        var answer = call(list, Map.of());
        assertThat(answer.getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
        assertThat(answer.getDescription()).contains("expired at");
    }
}
