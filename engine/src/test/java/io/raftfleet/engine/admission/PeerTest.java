package io.raftfleet.engine.admission;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.tls.EngineDialer;
import io.raftfleet.identity.tls.TlsIdentity;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.VersionRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Under what calls over TLS are counted. */
class PeerTest {
    @TempDir
    Path dir;

    private final List<Peer> seen = new ArrayList<>();

    private TlsIdentity identity(CertificateAuthority authority, Kind kind, String name) throws IOException {
        var files = new TlsFiles(dir.resolve("ca/ca.pem"), dir.resolve(name + ".pem"), dir.resolve(name + "-key.pem"));
        authority
                .issue(
                        kind,
                        name,
                        kind == Kind.USER ? Optional.of(Role.VIEWER) : Optional.empty(),
                        List.of(),
                        Instant.now(),
                        Duration.ofDays(1))
                .write(files.certificate(), files.key());
        return TlsIdentity.open(files, InstantSource.system());
    }

    private final class Look implements ServerInterceptor {
        @Override
        public <Q, R> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
            synchronized (seen) {
                seen.add(Peer.of(call.getAttributes()));
            }
            return next.startCall(call, headers);
        }
    }

    @Test
    void anEngineIsCountedUnderItsNameAndOthersUnderTheirAddress() throws IOException {
        var authority = CertificateAuthority.create(dir.resolve("ca"), "c1", Instant.now(), Duration.ofDays(30));
        var limits = AdmissionLimits.usual();
        var metrics = new CountedRefusals();
        try (var server = new GrpcServer(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                Optional.of(identity(authority, Kind.ENGINE, "e1")),
                false,
                limits,
                new Admission(limits, metrics),
                metrics,
                Thread::startVirtualThread,
                List.of(new Look()),
                new HeldFleet().services())) {
            server.start();
            for (var kind : List.of(Kind.ENGINE, Kind.AGENT, Kind.USER)) {
                call(server, identity(authority, kind, "x-" + kind));
            }
        }
        assertThat(seen)
                .extracting(Peer::name)
                .containsExactly("engine/x-ENGINE", "engine/x-ENGINE", "loopback", "loopback", "loopback", "loopback");
        assertThat(seen).extracting(Peer::engine).containsExactly(true, true, false, false, false, false);
    }

    /** Twice, over one connection. */
    private static void call(GrpcServer server, TlsIdentity identity) {
        try (var dialer = new EngineDialer(Optional.of(identity), line -> {})) {
            ManagedChannel channel = dialer.to("127.0.0.1:" + server.port()).build();
            for (int i = 0; i < 2; i++) {
                assertThat(FleetGrpc.newBlockingStub(channel)
                                .withDeadlineAfter(60, TimeUnit.SECONDS)
                                .version(VersionRequest.getDefaultInstance())
                                .getVersion())
                        .isEqualTo("held");
            }
            channel.shutdownNow();
        }
    }
}
