package io.raftfleet.state.raft;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.net.HostAndPort;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.tls.TlsIdentity;
import io.raftfleet.state.raft.TestCluster.Member;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.proto.RaftProtos.RaftRpcRequestProto;
import org.apache.ratis.proto.RaftProtos.RequestVoteRequestProto;
import org.apache.ratis.proto.grpc.RaftServerProtocolServiceGrpc;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.thirdparty.com.google.protobuf.ByteString;
import org.apache.ratis.thirdparty.io.grpc.ManagedChannel;
import org.apache.ratis.thirdparty.io.grpc.Status;
import org.apache.ratis.thirdparty.io.grpc.StatusRuntimeException;
import org.apache.ratis.thirdparty.io.grpc.netty.GrpcSslContexts;
import org.apache.ratis.thirdparty.io.grpc.netty.NettyChannelBuilder;
import org.apache.ratis.thirdparty.io.netty.handler.ssl.SslContextBuilder;
import org.apache.ratis.thirdparty.io.netty.handler.ssl.SslProvider;
import org.apache.ratis.util.ProtoUtils;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Engines that know each other by certificates, and others who have one, or none. */
class RaftTlsTest {
    @TempDir
    Path dir;

    private CertificateAuthority authority;
    private int issued;

    @BeforeEach
    void authority() throws IOException {
        authority = CertificateAuthority.create(dir.resolve("ca"), "c1", Instant.now(), Duration.ofDays(1));
    }

    private TlsIdentity identity(Kind kind, String name) throws IOException {
        issued++;
        var files =
                new TlsFiles(dir.resolve("ca/ca.pem"), dir.resolve(issued + ".pem"), dir.resolve(issued + "-key.pem"));
        authority
                .issue(
                        kind,
                        name,
                        kind == Kind.USER ? Optional.of(Role.ADMIN) : Optional.empty(),
                        List.of(),
                        Instant.now(),
                        Duration.ofDays(1))
                .write(files.certificate(), files.key());
        return TlsIdentity.open(files, InstantSource.system());
    }

    private TestCluster started() throws IOException {
        var cluster = new TestCluster(dir, 3, b -> b);
        for (var peer : cluster.peers) {
            var own = identity(Kind.ENGINE, peer.id());
            cluster.start(peer.id(), b -> b.tls(Optional.of(own)));
        }
        cluster.leader();
        return cluster;
    }

    @Test
    void enginesWithCertificatesElectAndReplicateAndReplaceALeader() throws Exception {
        try (TestCluster cluster = started()) {
            cluster.set("v", "k");
            cluster.awaitEqualDigests();
            Member leader = cluster.leader();
            cluster.kill(leader.config.engineId());
            cluster.set("w", "k");
        }
    }

    @Test
    void whoHasNoEnginesCertificateGetsNoWordIn() throws Exception {
        try (TestCluster cluster = started()) {
            Member leader = cluster.leader();
            long term = leader.node.view().term();
            assertThat(vote(cluster, leader, null, "e2").getCode()).isEqualTo(Status.Code.UNAVAILABLE);
            assertThat(vote(cluster, leader, identity(Kind.USER, "admin"), "e2").getCode())
                    .isEqualTo(Status.Code.UNAVAILABLE);
            assertThat(vote(cluster, leader, identity(Kind.AGENT, "a1"), "e2").getCode())
                    .isEqualTo(Status.Code.UNAVAILABLE);
            assertThat(leader.node.view().term()).isEqualTo(term);
        }
    }

    @Test
    void anEngineSpeaksForItselfAlone() throws Exception {
        try (TestCluster cluster = started()) {
            Member leader = cluster.leader();
            long term = leader.node.view().term();
            String other = cluster.peers.stream()
                    .map(EnginePeer::id)
                    .filter(id -> !id.equals(leader.config.engineId()))
                    .findFirst()
                    .orElseThrow();
            var answer = vote(cluster, leader, identity(Kind.ENGINE, "e9"), other);
            assertThat(answer.getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
            assertThat(answer.getDescription())
                    .isEqualTo("it says that it is engine '" + other + "', with a certificate of engine 'e9'");
            // Nor does a certificate make a member.
            assertThat(vote(cluster, leader, identity(Kind.ENGINE, "e9"), "e9").getDescription())
                    .contains("is no engine that this one");
            assertThat(leader.node.view().term()).isEqualTo(term);
        }
    }

    @Test
    void anEngineOfAnotherAuthorityStaysOutside() throws Exception {
        try (TestCluster cluster = started()) {
            Member leader = cluster.leader();
            authority = CertificateAuthority.create(dir.resolve("other"), "c1", Instant.now(), Duration.ofDays(1));
            issued++;
            var files = new TlsFiles(
                    dir.resolve("other/ca.pem"), dir.resolve(issued + ".pem"), dir.resolve(issued + "-key.pem"));
            authority
                    .issue(Kind.ENGINE, "e2", Optional.empty(), List.of(), Instant.now(), Duration.ofDays(1))
                    .write(files.certificate(), files.key());
            var foreign = TlsIdentity.open(files, InstantSource.system());
            assertThat(vote(cluster, leader, foreign, "e2").getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        }
    }

    /** What an engine answers to somebody with this certificate who wants its vote in another's name, for a term far ahead. */
    private static Status vote(TestCluster cluster, Member engine, @Nullable TlsIdentity client, String name)
            throws Exception {
        HostAndPort address = HostAndPort.fromString(engine.config.self().raftAddress());
        NettyChannelBuilder builder = NettyChannelBuilder.forAddress(address.getHost(), address.getPort());
        if (client == null) {
            builder.usePlaintext();
        } else {
            builder.sslContext(GrpcSslContexts.configure(SslContextBuilder.forClient(), SslProvider.JDK)
                    .keyManager(client.keyManager())
                    .trustManager(client.trust(Set.of(Kind.ENGINE)))
                    .build());
        }
        ManagedChannel channel = builder.build();
        try {
            var request = RequestVoteRequestProto.newBuilder()
                    .setServerRequest(RaftRpcRequestProto.newBuilder()
                            .setRequestorId(ByteString.copyFromUtf8(name))
                            .setReplyId(ByteString.copyFromUtf8(engine.config.engineId()))
                            .setRaftGroupId(ProtoUtils.toRaftGroupIdProtoBuilder(RaftGroupId.valueOf(cluster.id))))
                    .setCandidateTerm(1_000)
                    .build();
            var answered = RaftServerProtocolServiceGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(20, TimeUnit.SECONDS)
                    .requestVote(request);
            throw new AssertionError("taken: " + answered);
        } catch (StatusRuntimeException e) {
            return e.getStatus();
        } finally {
            channel.shutdownNow();
        }
    }
}
