package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.Channel;
import io.grpc.Grpc;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Certificates;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.client.FleetClient;
import io.raftfleet.identity.Credentials;
import io.raftfleet.identity.CredentialsException;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.TokenText;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.ca.OwnKey;
import io.raftfleet.identity.ca.PrivateFile;
import io.raftfleet.identity.join.JoinException;
import io.raftfleet.identity.join.JoinedFiles;
import io.raftfleet.identity.join.Joining;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.FindLeaderRequest;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.CreateTokenRequest;
import io.raftfleet.proto.cluster.JoinToken;
import io.raftfleet.proto.cluster.ListTokensRequest;
import io.raftfleet.proto.cluster.RenewRequest;
import io.raftfleet.proto.cluster.RenewResponse;
import io.raftfleet.proto.cluster.RevokeRequest;
import io.raftfleet.proto.model.Principal;
import io.raftfleet.proto.model.PrincipalKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Machines come to a cluster by tokens, and are shut out again. */
class JoinIT {
    private static final String MACHINE = "1".repeat(32);

    @RegisterExtension
    static final ClusterExtension CLUSTER =
            ClusterExtension.own(ClusterOptions.of("join").withTls().with(AgentSpec.hollow("a1", 1)));

    @TempDir
    Path dir;

    private final SecureRandom random = new SecureRandom();

    private static Principal agent(String machine) {
        return Principal.newBuilder()
                .setKind(PrincipalKind.PRINCIPAL_KIND_AGENT)
                .setName(machine)
                .build();
    }

    private static String token(FleetClient admin, Principal who, int uses) {
        return admin.access(
                        AccessGrpc.getCreateTokenMethod(),
                        CreateTokenRequest.newBuilder()
                                .setWho(who)
                                .setUses(uses)
                                .setLifetimeMs(60_000)
                                .build())
                .getToken();
    }

    private TlsFiles join(String token, String machine, String folder) throws IOException {
        var joining = new Joining(TokenText.parse(token), machine, List.of(), random);
        return JoinedFiles.write(
                dir.resolve(folder), "agent-" + machine, joining.key(), joining.join(Joining.PATIENCE));
    }

    /** How an engine answers an agent with this certificate. */
    private static Status.Code asked(EngineNode engine, TlsFiles files) {
        var channel = Grpc.newChannelBuilder(engine.addresses().grpc(), Certificates.credentials(files))
                .build();
        try {
            var unused = AgentGatewayGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(10, TimeUnit.SECONDS)
                    .findLeader(FindLeaderRequest.getDefaultInstance());
            return Status.Code.OK;
        } catch (StatusRuntimeException e) {
            return e.getStatus().getCode();
        } finally {
            channel.shutdownNow();
        }
    }

    @Test
    void aTokenIsACertificateForOneMachineUntilThatIsRevoked() throws Exception {
        Cluster cluster = CLUSTER.cluster();
        cluster.awaitLeader(Ops.SOON);
        var admin = cluster.client();
        var token = token(admin, agent(""), 1);

        var files = join(token, MACHINE, "first");
        assertThat(Credentials.read(files, Instant.now()).self().id().kind()).isEqualTo(Kind.AGENT);
        for (var engine : cluster.engines()) {
            assertThat(asked(engine, files)).as(engine.id()).isEqualTo(Status.Code.OK);
        }
        assertThatThrownBy(() -> join(token, "2".repeat(32), "second"))
                .isInstanceOf(JoinException.class)
                .hasMessageContaining("used as often as it may");
        assertThat(admin.access(AccessGrpc.getListTokensMethod(), ListTokensRequest.getDefaultInstance())
                        .getTokensList())
                .extracting(JoinToken::getUsedList)
                .contains(List.of(agent(MACHINE)));

        var unused = admin.access(
                AccessGrpc.getRevokeMethod(),
                RevokeRequest.newBuilder().setWho(agent(MACHINE)).build());
        for (var engine : cluster.engines()) {
            Await.until(
                    engine.id() + " takes the revoked certificate no more",
                    Ops.SOON,
                    () -> asked(engine, files) != Status.Code.OK);
        }
        var again = join(token(admin, agent(MACHINE), 1), MACHINE, "again");
        for (var engine : cluster.engines()) {
            assertThat(asked(engine, again)).as(engine.id()).isEqualTo(Status.Code.OK);
        }
    }

    @Test
    void whoIsRevokedGetsNothingForATokenThatItKnows() throws Exception {
        Cluster cluster = CLUSTER.cluster();
        cluster.awaitLeader(Ops.SOON);
        var admin = cluster.client();
        String machine = "5".repeat(32);
        var used = token(admin, agent(""), 20);
        var meantForIt = token(admin, agent(machine), 1);
        var ofOthers = token(admin, agent(""), 20);
        var joining = new Joining(TokenText.parse(used), machine, List.of(), random);
        assertThat(joining.join(Joining.PATIENCE).getCertificate()).isNotEmpty();

        var removed = admin.access(
                        AccessGrpc.getRevokeMethod(),
                        RevokeRequest.newBuilder().setWho(agent(machine)).build())
                .getRemovedTokensList();

        assertThatThrownBy(() -> joining.join(Joining.PATIENCE))
                .as("with the same key")
                .isInstanceOf(JoinException.class)
                .hasMessageContaining("the cluster has no token");
        assertThatThrownBy(() -> join(used, "6".repeat(32), "other"))
                .as("as another machine")
                .isInstanceOf(JoinException.class)
                .hasMessageContaining("the cluster has no token");
        assertThatThrownBy(() -> join(meantForIt, machine, "meant"))
                .isInstanceOf(JoinException.class)
                .hasMessageContaining("the cluster has no token");
        assertThatThrownBy(() -> join(ofOthers, machine, "stolen"))
                .as("a token of other machines")
                .isInstanceOf(JoinException.class)
                .hasMessageContaining("made for it alone");
        assertThat(removed)
                .extracting(JoinToken::getId)
                .containsExactlyInAnyOrder(
                        TokenText.parse(used).id(), TokenText.parse(meantForIt).id());
        join(ofOthers, "7".repeat(32), "others");
        join(token(admin, agent(machine), 1), machine, "new");
    }

    @Test
    void whoIsKnownRenewsItsCertificateAndNobodyElses() throws Exception {
        Cluster cluster = CLUSTER.cluster();
        cluster.awaitLeader(Ops.SOON);
        String machine = "3".repeat(32);
        var token = token(cluster.client(), agent(machine), 1);
        var joining = new Joining(TokenText.parse(token), machine, List.of(), random);
        var files = JoinedFiles.write(
                dir.resolve("renewed"), "agent-" + machine, joining.key(), joining.join(Joining.PATIENCE));
        var key = OwnKey.of(
                Credentials.read(files, Instant.now()).chain().getFirst().getPublicKey(),
                Credentials.read(files, Instant.now()).key());
        var channel = Grpc.newChannelBuilder(
                        cluster.engines().getFirst().addresses().grpc(), Certificates.credentials(files))
                .build();
        try {
            var renewed = renew(channel, key);
            assertThatThrownBy(() -> renew(channel, OwnKey.create(random)))
                    .isInstanceOf(StatusRuntimeException.class)
                    .hasMessageStartingWith("PERMISSION_DENIED")
                    .hasMessageContaining("renewed with its own key");
            PrivateFile.replacePublic(files.certificate(), renewed.getCertificate());
        } finally {
            channel.shutdownNow();
        }
        assertThat(Credentials.read(files, Instant.now()).self().id().name()).isEqualTo(machine);
    }

    private static RenewResponse renew(Channel channel, OwnKey key) {
        return AccessGrpc.newBlockingStub(channel)
                .withDeadlineAfter(20, TimeUnit.SECONDS)
                .renew(RenewRequest.newBuilder()
                        .setSigningRequest(ByteString.copyFrom(key.signingRequest()))
                        .build());
    }

    @Test
    void peopleDoNotRenewTheirCertificates() throws Exception {
        Cluster cluster = CLUSTER.cluster();
        cluster.awaitLeader(Ops.SOON);
        var files = cluster.certificates().orElseThrow().of(Kind.USER, "eve", Optional.of(Role.ADMIN));
        for (var engine : cluster.engines()) {
            var channel = Grpc.newChannelBuilder(engine.addresses().grpc(), Certificates.credentials(files))
                    .build();
            try {
                assertThatThrownBy(() -> renew(channel, OwnKey.create(random)))
                        .as(engine.id())
                        .isInstanceOf(StatusRuntimeException.class)
                        .hasMessageStartingWith("PERMISSION_DENIED")
                        .hasMessageContaining("it takes an agent, or an engine");
            } finally {
                channel.shutdownNow();
            }
        }
    }

    /** Who starts with a certificate that has seen three quarters of its life. */
    @Test
    void enginesAndAgentsRenewTheirCertificatesByThemselves() throws Exception {
        Cluster cluster = CLUSTER.cluster();
        var certificates = cluster.certificates().orElseThrow();
        var engine = cluster.followersOf(cluster.awaitLeader(Ops.SOON)).getFirst();
        var agent = cluster.agents().getFirst();
        var engines = certificates.of(Kind.ENGINE, engine.id(), Optional.empty());
        var agents = certificates.of(Kind.AGENT, agent.machineIds().getFirst(), Optional.empty());
        engine.stop(Ops.SOON);
        agent.stop(Ops.SOON);
        wearOut(engines, Kind.ENGINE, engine.id());
        wearOut(agents, Kind.AGENT, agent.machineIds().getFirst());
        var worn = List.of(Credentials.read(engines, Instant.now()), Credentials.read(agents, Instant.now()));
        engine.start();
        agent.start();
        cluster.awaitReady(Ops.SOON);
        for (var before : worn) {
            Await.until(before.self() + " has renewed its certificate", Ops.SOON, () -> renewed(before));
        }
        for (var daemon : List.of(engine.daemon(), agent.daemon())) {
            Await.until(
                    daemon.name() + " uses it",
                    Ops.SOON,
                    () -> daemon.tail(500).contains("uses a new certificate, valid until"));
        }
        cluster.awaitReady(Ops.SOON);
    }

    /** Not while its files are being put in place. */
    private static boolean renewed(Credentials before) {
        try {
            var now = Credentials.read(before.files(), Instant.now());
            return now.self().expires().isAfter(before.self().expires())
                    && now.key().equals(before.key());
        } catch (CredentialsException e) {
            return false;
        }
    }

    private static void wearOut(TlsFiles files, Kind kind, String name) throws IOException {
        Files.delete(files.certificate());
        Files.delete(files.key());
        CertificateAuthority.open(Objects.requireNonNull(files.authorities().getParent()))
                .issue(
                        kind,
                        name,
                        Optional.empty(),
                        List.of(),
                        Instant.now().minus(Duration.ofHours(18)),
                        Duration.ofHours(24))
                .write(files.certificate(), files.key());
    }

    @Test
    void aLeaderThatDiesTakesNoTokenWithIt() throws Exception {
        Cluster cluster = CLUSTER.cluster();
        var leader = cluster.awaitLeader(Ops.SOON);
        var token = token(cluster.client(), agent(""), 1);
        leader.kill();
        try {
            var files = join(token, "4".repeat(32), "after");
            assertThat(asked(cluster.followersOf(leader).getFirst(), files)).isEqualTo(Status.Code.OK);
        } finally {
            leader.start();
            cluster.awaitReady(Ops.SOON);
        }
    }
}
