package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.NettySslContextServerCredentials;
import io.grpc.stub.StreamObserver;
import io.raftfleet.client.ClientOptions;
import io.raftfleet.client.Endpoint;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.identity.CredentialsException;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.tls.TlsIdentity;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.VersionRequest;
import io.raftfleet.proto.fleet.VersionResponse;
import io.raftfleet.proto.fleet.WatchRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user is told whose files do not fit together: it is looked at only when TLS fails. */
class OwnCertificateTest {
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    @TempDir
    private Path directory = Path.of("");

    private Server server = NettyServerBuilder.forPort(0).build();
    private TlsFiles alice = files("none", "none", "none");
    private TlsFiles bob = alice;

    @BeforeEach
    void start() throws IOException {
        var authority = CertificateAuthority.create(directory.resolve("ca"), "test", Instant.now(), Duration.ofDays(1));
        var other = CertificateAuthority.create(directory.resolve("other"), "test", Instant.now(), Duration.ofDays(1));
        var engine = issue(authority, "ca", Kind.ENGINE, "e1");
        alice = issue(authority, "ca", Kind.USER, "alice");
        bob = issue(other, "other", Kind.USER, "bob");
        server = NettyServerBuilder.forAddress(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                        NettySslContextServerCredentials.create(
                                TlsIdentity.open(engine, InstantSource.system()).grpcServer(Set.of(Kind.USER), false)))
                .addService(new Engine())
                .build()
                .start();
    }

    @AfterEach
    void stop() {
        server.shutdownNow();
    }

    @Test
    void filesThatFitAreTaken() {
        try (var client = client(alice)) {
            assertThat(client.version().getVersion()).isEqualTo("1");
        }
    }

    @Test
    @DisplayName("a key of another certificate is named as such, at once, however patient the caller")
    void anothersKey() {
        try (var client = client(files("ca/ca.pem", "alice.pem", "bob-key.pem"))) {
            assertThatThrownBy(client::version)
                    .isInstanceOfSatisfying(
                            FleetClientException.class,
                            e -> assertThat(e.code()).isEqualTo(Status.Code.FAILED_PRECONDITION))
                    .hasCauseInstanceOf(CredentialsException.class)
                    .hasMessageContaining("bob-key.pem is not the key of the certificate in ");
        }
    }

    @Test
    void aWatchTellsIt() {
        try (var client = client(files("ca/ca.pem", "alice.pem", "bob-key.pem"));
                var watch = client.watch(WatchRequest.getDefaultInstance())) {
            assertThatThrownBy(() -> watch.next(PATIENCE))
                    .isInstanceOf(FleetClientException.class)
                    .hasMessageContaining("bob-key.pem is not the key of the certificate in ");
        }
    }

    @Test
    void aCertificateOfAnotherAuthorityThanTheGivenOne() {
        try (var client = client(files("other/ca.pem", "alice.pem", "alice-key.pem"))) {
            assertThatThrownBy(client::version)
                    .hasMessageContaining("alice.pem")
                    .hasMessageContaining("is not from an authority in ");
        }
    }

    @Test
    void ofFilesThatFitTheEnginesReasonIsTold() {
        // It is asked again and again meanwhile: engines may come to know another authority.
        try (var client = client(bob, Duration.ofSeconds(1))) {
            assertThatThrownBy(client::version)
                    .isInstanceOf(FleetClientException.class)
                    .hasMessageContaining("its certificate is not from an authority in --ca-file");
        }
    }

    private FleetClient client(TlsFiles files) {
        return client(files, PATIENCE);
    }

    private FleetClient client(TlsFiles files, Duration patience) {
        return new FleetClient(ClientOptions.of(Endpoint.parseList("127.0.0.1:" + server.getPort()))
                .withTls(files)
                .withRequestTimeout(patience));
    }

    private TlsFiles issue(CertificateAuthority authority, String folder, Kind kind, String name) throws IOException {
        var files = files(folder + "/ca.pem", name + ".pem", name + "-key.pem");
        authority
                .issue(
                        kind,
                        name,
                        kind == Kind.USER ? Optional.of(Role.OPERATOR) : Optional.empty(),
                        List.of(),
                        Instant.now(),
                        Duration.ofDays(1))
                .write(files.certificate(), files.key());
        return files;
    }

    private TlsFiles files(String authorities, String certificate, String key) {
        return new TlsFiles(directory.resolve(authorities), directory.resolve(certificate), directory.resolve(key));
    }

    private static final class Engine extends FleetGrpc.FleetImplBase {
        @Override
        public void version(VersionRequest request, StreamObserver<VersionResponse> observer) {
            observer.onNext(VersionResponse.newBuilder().setVersion("1").build());
            observer.onCompleted();
        }
    }
}
