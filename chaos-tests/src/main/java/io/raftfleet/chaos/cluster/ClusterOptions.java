package io.raftfleet.chaos.cluster;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A cluster to be.
 *
 * @param name of the directory that its logs go to, below {@code target/clusters}
 * @param engines how many
 * @param agents which
 * @param agentTtl after which a silent machine is lost
 * @param electionMin lower bound of the election timeout
 * @param electionMax upper bound of the election timeout
 * @param hosts where the processes run
 */
public record ClusterOptions(
        String name,
        int engines,
        List<AgentSpec> agents,
        Duration agentTtl,
        Duration electionMin,
        Duration electionMax,
        Hosts hosts) {
    public ClusterOptions {
        agents = List.copyOf(agents);
    }

    /** Three engines, no agents, a TTL of 10 s, election timeouts that a busy machine of two cores keeps. */
    public static ClusterOptions of(String name) {
        return new ClusterOptions(
                name,
                3,
                List.of(),
                Duration.ofSeconds(10),
                Duration.ofMillis(300),
                Duration.ofMillis(600),
                Hosts.LOOPBACK);
    }

    public ClusterOptions withEngines(int count) {
        return new ClusterOptions(name, count, agents, agentTtl, electionMin, electionMax, hosts);
    }

    public ClusterOptions withAgentTtl(Duration ttl) {
        return new ClusterOptions(name, engines, agents, ttl, electionMin, electionMax, hosts);
    }

    public ClusterOptions withElection(Duration min, Duration max) {
        return new ClusterOptions(name, engines, agents, agentTtl, min, max, hosts);
    }

    /** On other hosts. */
    public ClusterOptions on(Hosts other) {
        return new ClusterOptions(name, engines, agents, agentTtl, electionMin, electionMax, other);
    }

    /** One more agent. */
    public ClusterOptions with(AgentSpec agent) {
        var all = new ArrayList<>(agents);
        all.add(agent);
        return new ClusterOptions(name, engines, all, agentTtl, electionMin, electionMax, hosts);
    }

    /** So many machines with a systemd each where this host allows it, else as many in memory, in one process. */
    public ClusterOptions withMachines(int count) {
        if (!Cluster.systemdObstacle().isEmpty()) {
            return with(AgentSpec.hollow("hollow", count));
        }
        var all = this;
        for (int i = 1; i <= count; i++) {
            all = all.with(AgentSpec.systemd("a" + i, "127.0.0." + (10 + i)));
        }
        return all;
    }
}
