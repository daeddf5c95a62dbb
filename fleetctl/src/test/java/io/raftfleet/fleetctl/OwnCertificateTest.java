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
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
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

    @Test
    @DisplayName(
            "who has used four fifths of a certificate is told, once, and what to type; results and exit code stay as they are")
    void aCertificateThatEndsSoon() throws IOException {
        var authority = CertificateAuthority.open(directory.resolve("ca"));
        Instant now = Instant.now();
        for (String name : List.of("carol", "dave")) {
            var files = files("ca/ca.pem", name + ".pem", name + "-key.pem");
            Duration life = Duration.ofHours(name.equals("carol") ? 100 : 40);
            authority
                    .issue(
                            Kind.USER,
                            name,
                            Optional.of(Role.OPERATOR),
                            List.of(),
                            now.minus(life.dividedBy(10).multipliedBy(name.equals("carol") ? 9 : 7)),
                            life)
                    .write(files.certificate(), files.key());
        }
        var carol = version("carol");
        assertThat(carol.exit()).isZero();
        assertThat(carol.err())
                .startsWith("WARNING: the certificate of user/carol ends at ")
                .containsOnlyOnce("\n")
                .contains(", in 9 hours. ")
                .endsWith("fleetctl user create carol --role operator\n");
        var dave = version("dave");
        assertThat(dave.err()).isEmpty();
        assertThat(dave.out()).isEqualTo(carol.out());
    }

    private Result version(String name) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        int exit = Fleetctl.run(
                new Terminal(
                        InputStream.nullInputStream(),
                        new PrintStream(out, false, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        Map.of(),
                        directory,
                        false),
                "--endpoint=127.0.0.1:" + server.getPort(),
                "--ca-file=" + directory.resolve("ca/ca.pem"),
                "--cert-file=" + directory.resolve(name + ".pem"),
                "--key-file=" + directory.resolve(name + "-key.pem"),
                "version",
                "--json");
        return new Result(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
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
