package io.raftfleet.bench;

import io.raftfleet.chaos.cluster.Hosts;
import io.raftfleet.chaos.cluster.Namespaces;
import java.nio.file.Path;
import java.util.List;

/** A host with an address of its own for each process of a cluster, on one network, to which this process belongs, too. */
final class LinkedHosts implements Hosts, AutoCloseable {
    private final Namespaces network;

    /** @throws IllegalStateException when hosts can't be made here */
    LinkedHosts(List<String> hosts) {
        var obstacle = Namespaces.obstacle();
        if (!obstacle.isEmpty()) {
            throw new IllegalStateException("no hosts of their own: " + obstacle);
        }
        network = Namespaces.create(hosts);
    }

    /** From now on nothing reaches a host and nothing comes from it, and nobody is told. */
    void cut(String host) {
        rules(host, "-I");
    }

    /** It is on the network again. */
    void join(String host) {
        rules(host, "-D");
    }

    private void rules(String host, String action) {
        // Out first, since what it sends would keep it alive for others.
        network.run(host, "iptables", "-w", "5", action, "OUTPUT", "-o", "eth0", "-j", "DROP");
        network.run(host, "iptables", "-w", "5", action, "INPUT", "-i", "eth0", "-j", "DROP");
    }

    @Override
    public Host engine(String name, Path scratch) {
        return new Host(network.address(name), network.prefix(name), scratch.resolve(name));
    }

    @Override
    public Host agent(String name, Path scratch) {
        return engine(name, scratch);
    }

    @Override
    public Host etcd(Path scratch) {
        return engine("etcd", scratch);
    }

    @Override
    public void close() {
        network.close();
    }
}
