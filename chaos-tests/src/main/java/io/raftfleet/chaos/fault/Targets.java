package io.raftfleet.chaos.fault;

import io.raftfleet.chaos.cluster.AgentNode;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.chaos.cluster.NotInTimeException;
import java.time.Duration;
import java.util.List;
import java.util.random.RandomGenerator;

/** Chooses what a fault hits. */
final class Targets {
    private static final Duration LEADER_LIMIT = Duration.ofSeconds(3);

    private final Cluster cluster;

    Targets(Cluster cluster) {
        this.cluster = cluster;
    }

    Cluster cluster() {
        return cluster;
    }

    /** The leader in half of all cases, else any engine. Always draws twice. */
    EngineNode engine(RandomGenerator random) {
        boolean leader = random.nextBoolean();
        var any = cluster.engines().get(random.nextInt(cluster.engines().size()));
        return leader ? leader(any) : any;
    }

    /** The engine that leads, or another one while none does. */
    EngineNode leader(EngineNode otherwise) {
        try {
            return cluster.awaitLeader(LEADER_LIMIT);
        } catch (NotInTimeException e) {
            return otherwise;
        }
    }

    AgentNode agent(RandomGenerator random) {
        return cluster.agents().get(random.nextInt(cluster.agents().size()));
    }

    List<String> engineNames() {
        return cluster.engines().stream().map(EngineNode::id).toList();
    }

    List<String> agentNames() {
        return cluster.agents().stream().map(AgentNode::name).toList();
    }

    /** For messages: an engine, and whether it leads. */
    String show(EngineNode engine) {
        return engine.saysItLeads(Duration.ofSeconds(1)) ? "leader " + engine.id() : engine.id();
    }
}
