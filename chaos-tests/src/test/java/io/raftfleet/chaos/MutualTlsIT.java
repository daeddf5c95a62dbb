package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.Channel;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Certificates;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.client.ClientOptions;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.EngineFrame;
import io.raftfleet.proto.agent.FetchContentsRequest;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.proto.cluster.ClusterGrpc;
import io.raftfleet.proto.cluster.StatusRequest;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A cluster whose processes know each other by certificates. */
class MutualTlsIT {
    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.own(ClusterOptions.of("mutual-tls")
            .withTls()
            .with(AgentSpec.hollow("a1", 1))
            .with(AgentSpec.hollow("a2", 1)));

    private static Certificates certificates(Cluster cluster) {
        return cluster.certificates().orElseThrow();
    }

    private static FleetClient client(List<EngineNode> engines, TlsFiles files) {
        return new FleetClient(
                ClientOptions.of(engines.stream().map(EngineNode::endpoint).toList())
                        .withTls(files)
                        .withRequestTimeout(Duration.ofSeconds(20)));
    }

    @Test
    void theLeaderDiesAndEverybodyKnowsEverybodyStill() {
        Cluster cluster = CLUSTER.cluster();
        var names = Ops.names("tls", 4);
        Ops.launch(cluster.client(), names);
        var before = Ops.awaitActive(cluster.client(), names);
        var epochs = Ops.epochs(cluster.client());
        var leader = cluster.awaitLeader(Ops.SOON);
        var followers = cluster.followersOf(leader);
        var operator = certificates(cluster).of(Kind.USER, "alice", Optional.of(Role.OPERATOR));

        leader.kill();
        try (var alice = client(followers, operator)) {
            Ops.create(alice, Ops.sleeper("after.service"));
            Await.until("all agents have opened sessions with the new leader", Ops.SOON, () -> {
                var now = Ops.epochs(alice);
                return epochs.entrySet().stream().allMatch(e -> now.getOrDefault(e.getKey(), 0L) > e.getValue());
            });
            Ops.awaitActive(alice, List.of("after.service"));
            assertThat(Ops.awaitActive(alice, names)).isEqualTo(before);
        }
        leader.start();
        cluster.awaitReady(Ops.SOON);
    }

    @Test
    void anEngineThatDoesNotLeadAsksTheLeaderForWhomeverCalls() {
        Cluster cluster = CLUSTER.cluster();
        var followers = cluster.followersOf(cluster.awaitLeader(Ops.SOON));
        var certificates = certificates(cluster);
        try (var eve = client(followers, certificates.of(Kind.USER, "eve", Optional.of(Role.VIEWER)));
                var alice = client(followers, certificates.of(Kind.USER, "alice", Optional.of(Role.OPERATOR)))) {
            Ops.create(alice, Ops.sleeper("hers.service"));
            // A unit that waits: why, the leader alone knows, and it is asked in the reader's name.
            Ops.create(alice, Ops.sleeper("nowhere.service", "MachineMetadata=no=such"));
            Await.until("a reader is told why a unit waits", Ops.SOON, () -> {
                var unit = eve.getUnit("nowhere.service");
                return unit != null && unit.getUnit().getVetoesCount() > 0;
            });
            assertThatThrownBy(() -> Ops.create(eve, Ops.sleeper("eve.service")))
                    .hasMessageContaining("user/eve (viewer) may not call")
                    .hasMessageContaining("operator or admin");
            assertThatThrownBy(
                            () -> alice.takeSnapshotAsync(followers.getFirst().endpoint(), Ops.SOON)
                                    .join())
                    .hasMessageContaining("a user with role admin");
            var files = certificates.of(Kind.USER, "alice", Optional.of(Role.OPERATOR));
            assertThat(Ops.fleetctl(
                            cluster,
                            "--ca-file=" + files.authorities(),
                            "--cert-file=" + files.certificate(),
                            "--key-file=" + files.key(),
                            "--request-timeout=30",
                            "list-units",
                            "--no-legend",
                            "--fields=unit"))
                    .contains("hers.service");
        }
    }

    @Test
    void anAgentSpeaksForItsMachineAndReadsItsUnitsAlone() throws Exception {
        Cluster cluster = CLUSTER.cluster();
        var leader = cluster.awaitLeader(Ops.SOON);
        String mine = cluster.agents().get(0).machineIds().getFirst();
        String others = cluster.agents().get(1).machineIds().getFirst();
        Ops.create(cluster.client(), Ops.sleeper("mine.service", "MachineID=" + mine));
        Ops.create(
                cluster.client(),
                Ops.unit(
                        "others.service",
                        "[Service]\nExecStart=/bin/sleep 1000001\n\n[X-Fleet]\nMachineID=" + others + "\n"));
        Ops.awaitActive(cluster.client(), List.of("mine.service", "others.service"));
        var channel = Grpc.newChannelBuilder(
                        leader.addresses().grpc(),
                        Certificates.credentials(certificates(cluster).of(Kind.AGENT, mine, Optional.empty())))
                .build();
        try {
            assertThat(fetch(channel, mine, hash(cluster, "mine.service"))).isEqualTo(Status.Code.OK);
            assertThat(fetch(channel, mine, hash(cluster, "others.service"))).isEqualTo(Status.Code.NOT_FOUND);
            assertThat(fetch(channel, others, hash(cluster, "others.service")))
                    .isEqualTo(Status.Code.PERMISSION_DENIED);

            var ended = new CompletableFuture<Status>();
            AgentGatewayGrpc.newStub(channel)
                    .session(new StreamObserver<EngineFrame>() {
                        @Override
                        public void onNext(EngineFrame frame) {}

                        @Override
                        public void onError(Throwable t) {
                            ended.complete(Status.fromThrowable(t));
                        }

                        @Override
                        public void onCompleted() {
                            ended.complete(Status.OK);
                        }
                    })
                    .onNext(AgentFrame.newBuilder()
                            .setHello(Hello.newBuilder().setMachineId(others).setAgentInstance(7))
                            .build());
            var status = ended.get(Ops.SOON.toSeconds(), TimeUnit.SECONDS);
            assertThat(status.getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
            assertThat(status.getDescription())
                    .startsWith("agent/" + mine + " may not open a session for machine " + others);
        } finally {
            channel.shutdownNow();
        }
    }

    private static ByteString hash(Cluster cluster, String unit) {
        return Objects.requireNonNull(cluster.client().getUnit(unit)).getUnit().getHash();
    }

    private static Status.Code fetch(Channel channel, String machine, ByteString hash) {
        try {
            AgentGatewayGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(20, TimeUnit.SECONDS)
                    .fetchContents(FetchContentsRequest.newBuilder()
                            .setMachineId(machine)
                            .addHashes(hash)
                            .build())
                    .forEachRemaining(contents -> {});
            return Status.Code.OK;
        } catch (StatusRuntimeException e) {
            return e.getStatus().getCode();
        }
    }

    @Test
    void strangersGetNothingAndBothSidesSayWhy() {
        Cluster cluster = CLUSTER.cluster();
        var engine = cluster.engines().getFirst();
        var plain = Grpc.newChannelBuilder(engine.addresses().grpc(), InsecureChannelCredentials.create())
                .build();
        try {
            assertThatThrownBy(() -> ClusterGrpc.newBlockingStub(plain)
                            .withDeadlineAfter(20, TimeUnit.SECONDS)
                            .status(StatusRequest.getDefaultInstance()))
                    .isInstanceOfSatisfying(
                            StatusRuntimeException.class,
                            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
        } finally {
            plain.shutdownNow();
        }
        Await.until(
                "the engine says that somebody spoke plaintext",
                Ops.SOON,
                () -> engine.daemon().tail(200).contains("it speaks plaintext, and this side TLS"));
        try (var client = new FleetClient(ClientOptions.of(List.of(engine.endpoint()))
                .withPatience(false)
                .withRequestTimeout(Duration.ofSeconds(5)))) {
            assertThatThrownBy(() -> client.listMachines(ListMachinesRequest.getDefaultInstance()))
                    .isInstanceOf(FleetClientException.class)
                    .hasMessageContaining("TLS");
        }
    }
}
