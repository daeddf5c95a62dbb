package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.Daemon;
import io.raftfleet.chaos.cluster.EngineAddresses;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Engines and agents that claim what is another's: they end, and say what to do. */
class IdentityIT {
    /** To start it once more may help. */
    private static final int FAILED = 1;

    /** To start it once more does not help. */
    private static final int REFUSED_FOR_GOOD = 13;

    private static final Duration END = Duration.ofSeconds(60);

    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.hollow();

    @Test
    void aMachineIdOfAnotherLiveAgent() {
        Cluster cluster = CLUSTER.cluster();
        var live = cluster.agents().getFirst();
        var before = Ops.machines(cluster.client());
        var seed = cluster.clusterId() + "-" + live.name();
        var second = cluster.addAgent(
                AgentSpec.hollow("second", 1).withMachineId(seed).withPublicIp("127.0.0.99"));
        try {
            Await.until("the second agent says why it is refused", Ops.SOON, () -> {
                var said = second.daemon().tail(50);
                return said.contains(live.machineIds().getFirst())
                        && said.contains("127.0.0.99")
                        && said.contains("in use by the live agent at 127.0.0.1");
            });
            assertThat(Ops.machines(cluster.client())).isEqualTo(before);
        } finally {
            cluster.remove(second);
        }
    }

    @Test
    void aDataDirectoryOfAnotherCluster() throws IOException {
        Cluster cluster = CLUSTER.cluster();
        var own = cluster.freeAddresses("e1");
        var data = copyOfIdentity(cluster);
        var other = UUID.randomUUID().toString();
        var stranger = cluster.strangeEngine("other-cluster", own, data, other, List.of(own));
        assertRefused(
                stranger, REFUSED_FOR_GOOD, data.toString(), "belongs to cluster '" + cluster.clusterId() + "'", other);
    }

    @Test
    void aDataDirectoryOfAnotherEngine() throws IOException {
        Cluster cluster = CLUSTER.cluster();
        var own = cluster.freeAddresses("e9");
        var data = copyOfIdentity(cluster);
        var stranger = cluster.strangeEngine("other-engine", own, data, cluster.clusterId(), List.of(own));
        assertRefused(stranger, REFUSED_FOR_GOOD, data.toString(), "belongs to engine 'e1'", "e9");
    }

    /** The directory of e1, as it says whose it is. */
    private static Path copyOfIdentity(Cluster cluster) throws IOException {
        var data = Files.createTempDirectory(cluster.scratch(), "copy");
        Files.copy(cluster.engine("e1").dataDir().resolve("engine.properties"), data.resolve("engine.properties"));
        return data;
    }

    @Test
    void aDataDirectoryThatAnotherProcessHas() {
        Cluster cluster = CLUSTER.cluster();
        var own = cluster.freeAddresses("e1");
        var data = cluster.engine("e1").dataDir();
        var stranger = cluster.strangeEngine("second-e1", own, data, cluster.clusterId(), List.of(own));
        assertRefused(stranger, FAILED, data.toString(), "in use by another engine process");
        cluster.awaitEqual(Ops.SOON);
    }

    @Test
    void oneIdTwiceAmongThePeers() {
        Cluster cluster = CLUSTER.cluster();
        var own = cluster.freeAddresses("e1");
        var data = cluster.scratch().resolve("twice");
        var stranger = cluster.strangeEngine(
                "twice", own, data, cluster.clusterId(), List.of(own, cluster.freeAddresses("e1")));
        stranger.start();
        assertThat(stranger.awaitExit(END)).isEqualTo(1);
        assertThat(stranger.tail(20)).contains("--peers", "e1");
        assertThat(data).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"http", "grpc", "raft"})
    void aPortInUse(String which) throws IOException {
        Cluster cluster = CLUSTER.cluster();
        var free = cluster.freeAddresses("e1");
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            int port = taken.getLocalPort();
            var own = new EngineAddresses(
                    "e1",
                    which.equals("raft") ? port : free.raftPort(),
                    which.equals("grpc") ? port : free.grpcPort(),
                    which.equals("http") ? port : free.httpPort(),
                    free.socket());
            var data = cluster.scratch().resolve("port-" + which);
            var stranger = cluster.strangeEngine(
                    "port-" + which, own, data, UUID.randomUUID().toString(), List.of(own));
            assertRefused(stranger, FAILED, Integer.toString(port), "address", "in use");
            assertThat(stranger.tail(20))
                    .containsAnyOf("choose another", "configure another")
                    .contains("stop the");
        }
    }

    private static void assertRefused(Daemon stranger, int exitCode, String... message) {
        stranger.start();
        assertThat(stranger.awaitExit(END)).as(stranger.tail(20)).isEqualTo(exitCode);
        var said = stranger.tail(20);
        assertThat(Stream.of(message)).allSatisfy(words -> assertThat(said).containsIgnoringCase(words));
        assertThat(said).as("a message, no stack trace").doesNotContain("\tat ");
    }
}
