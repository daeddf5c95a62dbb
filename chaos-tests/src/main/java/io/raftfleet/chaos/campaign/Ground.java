package io.raftfleet.chaos.campaign;

import io.raftfleet.chaos.cluster.Hosts;
import io.raftfleet.chaos.cluster.Namespaces;
import io.raftfleet.chaos.fault.Clocks;
import io.raftfleet.chaos.fault.Disks;
import io.raftfleet.chaos.fault.Faults;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a campaign's processes run on, as far as this host allows: hosts, disks and clocks of their own. */
final class Ground implements Hosts, AutoCloseable {
    private static final String ETCD = "etcd";
    private static final String NOT_ASKED = "not in single-namespace mode";

    private final @Nullable Namespaces network;
    private final @Nullable Disks disks;
    private final @Nullable Clocks clocks;
    private final Faults.Ground faults;

    private Ground(Faults.Ground faults) {
        this.faults = faults;
        this.network = faults.network();
        this.disks = faults.disks();
        this.clocks = faults.clocks();
    }

    /** @param etcd whether there is to be a host for one */
    static Ground prepare(boolean separate, boolean etcd, List<String> engines, List<String> agents, Path scratch) {
        var noNetwork = separate ? Namespaces.obstacle() : NOT_ASKED;
        var noDisks = separate ? Disks.obstacle(scratch) : NOT_ASKED;
        var noClocks = separate ? Clocks.obstacle(scratch) : NOT_ASKED;
        var hosts = new ArrayList<>(engines);
        hosts.addAll(agents);
        if (etcd) {
            hosts.add(ETCD);
        }
        return new Ground(new Faults.Ground(
                noNetwork.isEmpty() ? Namespaces.create(hosts) : null,
                noNetwork,
                noDisks.isEmpty() ? Disks.create(scratch, engines) : null,
                noDisks,
                noClocks.isEmpty() ? new Clocks(scratch) : null,
                noClocks));
    }

    Faults.Ground faults() {
        return faults;
    }

    @Override
    public Host engine(String name, Path scratch) {
        var prefix = new ArrayList<String>();
        if (network != null) {
            prefix.addAll(network.prefix(name));
        }
        if (clocks != null) {
            prefix.addAll(clocks.prefix(name));
        }
        return new Host(
                network == null ? "127.0.0.1" : network.address(name),
                prefix,
                disks == null ? scratch.resolve(name) : disks.mount(name).resolve(name));
    }

    @Override
    public Host agent(String name, Path scratch) {
        return network == null
                ? Hosts.LOOPBACK.agent(name, scratch)
                : new Host(network.address(name), network.prefix(name), scratch.resolve(name));
    }

    @Override
    public Host etcd(Path scratch) {
        return network == null
                ? Hosts.LOOPBACK.etcd(scratch)
                : new Host(network.address(ETCD), network.prefix(ETCD), scratch.resolve(ETCD));
    }

    @Override
    public void close() {
        if (disks != null) {
            disks.close();
        }
        if (network != null) {
            network.close();
        }
    }
}
