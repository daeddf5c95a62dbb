package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.RevokeRequest;
import io.raftfleet.proto.model.Principal;
import io.raftfleet.proto.model.PrincipalKind;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** An engine whose certificate is revoked is no engine to the others, nor to agents. */
class EngineRevokedIT {
    @RegisterExtension
    static final ClusterExtension CLUSTER =
            ClusterExtension.own(ClusterOptions.of("revoked").withTls().with(AgentSpec.hollow("a1", 1)));

    @Test
    void enginesAndAgentsTakeItsCertificateNoMore() {
        Cluster cluster = CLUSTER.cluster();
        var leader = cluster.awaitLeader(Ops.SOON);
        var stolen = cluster.followersOf(leader).getFirst();
        var unused = cluster.client()
                .access(
                        AccessGrpc.getRevokeMethod(),
                        RevokeRequest.newBuilder()
                                .setWho(Principal.newBuilder()
                                        .setKind(PrincipalKind.PRINCIPAL_KIND_ENGINE)
                                        .setName(stolen.id()))
                                .build());
        var id = "/engine/" + stolen.id();
        Await.until(
                "the leader says that it takes it no more",
                Ops.SOON,
                () -> saysRevoked(leader.daemon().tail(500), id));

        // Agents hear of it about once a minute, and at their start.
        var agent = cluster.agents().getFirst();
        agent.kill();
        agent.start();
        Await.until(
                "the agent says that it takes it no more",
                Ops.SOON,
                () -> saysRevoked(agent.daemon().tail(500), id));
        Ops.create(cluster.client(), Ops.sleeper("after.service"));
        Ops.awaitActive(cluster.client(), List.of("after.service"));
        assertThat(stolen.daemon().running()).isTrue();
    }

    private static boolean saysRevoked(String log, String id) {
        return log.lines().anyMatch(line -> line.contains(id) && line.contains("it was revoked at"));
    }
}
