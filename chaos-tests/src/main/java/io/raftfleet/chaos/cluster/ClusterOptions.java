package io.raftfleet.chaos.cluster;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

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
 * @param settings what the configuration file of all its daemons says
 * @param etcd whether there is an etcd to which engines mirror their registry
 * @param tls whether all know each other by certificates; HTTP is plaintext all the same
 * @param place where its files lie; null: its data in a temporary directory that goes with it, its logs as {@code name} says
 */
public record ClusterOptions(
        String name,
        int engines,
        List<AgentSpec> agents,
        Duration agentTtl,
        Duration electionMin,
        Duration electionMax,
        Hosts hosts,
        Map<String, String> settings,
        boolean etcd,
        boolean tls,
        @Nullable Place place) {
    /**
     * Directories that outlast the cluster.
     *
     * @param dir of its data; its path must be short, for unix sockets lie in it
     * @param logs one a process
     */
    public record Place(Path dir, Path logs) {}

    public ClusterOptions {
        agents = List.copyOf(agents);
        settings = Map.copyOf(settings);
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
                Hosts.LOOPBACK,
                Map.of(),
                false,
                false,
                null);
    }

    public ClusterOptions withEngines(int count) {
        return new ClusterOptions(
                name, count, agents, agentTtl, electionMin, electionMax, hosts, settings, etcd, tls, place);
    }

    public ClusterOptions withAgentTtl(Duration ttl) {
        return new ClusterOptions(
                name, engines, agents, ttl, electionMin, electionMax, hosts, settings, etcd, tls, place);
    }

    public ClusterOptions withElection(Duration min, Duration max) {
        return new ClusterOptions(name, engines, agents, agentTtl, min, max, hosts, settings, etcd, tls, place);
    }

    /** On other hosts. */
    public ClusterOptions on(Hosts other) {
        return new ClusterOptions(
                name, engines, agents, agentTtl, electionMin, electionMax, other, settings, etcd, tls, place);
    }

    /** With one more line in the configuration file of all daemons. */
    public ClusterOptions withSetting(String name, String value) {
        var all = new TreeMap<>(settings);
        all.put(name, value);
        return new ClusterOptions(
                this.name, engines, agents, agentTtl, electionMin, electionMax, hosts, all, etcd, tls, place);
    }

    /** With an etcd that engines mirror their registry to. */
    public ClusterOptions withEtcd() {
        return new ClusterOptions(
                name, engines, agents, agentTtl, electionMin, electionMax, hosts, settings, true, tls, place);
    }

    /** With certificates for all; the machines in memory are one a process. */
    public ClusterOptions withTls() {
        return new ClusterOptions(
                name, engines, agents, agentTtl, electionMin, electionMax, hosts, settings, etcd, true, place);
    }

    /** With its files in directories that are there already and stay. */
    public ClusterOptions at(Path dir, Path logs) {
        return new ClusterOptions(
                name,
                engines,
                agents,
                agentTtl,
                electionMin,
                electionMax,
                hosts,
                settings,
                etcd,
                tls,
                new Place(dir, logs));
    }

    /** One more agent. */
    public ClusterOptions with(AgentSpec agent) {
        var all = new ArrayList<>(agents);
        all.add(agent);
        return withAgents(all);
    }

    private ClusterOptions withAgents(List<AgentSpec> others) {
        return new ClusterOptions(
                name, engines, others, agentTtl, electionMin, electionMax, hosts, settings, etcd, tls, place);
    }

    /** The same, but agents with a systemd speak to it over its private socket. */
    public ClusterOptions withPrivateSockets() {
        return withAgents(agents.stream().map(AgentSpec::withPrivateSocket).toList());
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
