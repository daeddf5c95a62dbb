package io.raftfleet.chaos.cluster;

import java.nio.file.Path;
import java.util.List;

/** Where a cluster's processes run. */
public interface Hosts {
    /** All on this host, on its loopback address. */
    Hosts LOOPBACK = new Hosts() {
        @Override
        public Host engine(String name, Path scratch) {
            return new Host("127.0.0.1", List.of(), scratch.resolve(name));
        }

        @Override
        public Host agent(String name, Path scratch) {
            return new Host("", List.of(), scratch.resolve(name));
        }

        @Override
        public Host etcd(Path scratch) {
            return engine("etcd", scratch);
        }
    };

    /**
     * One place.
     *
     * @param address to listen on; an agent listens on none and announces its own where this is empty
     * @param prefix of the commands that run there
     * @param dataDir what outlasts the process
     */
    record Host(String address, List<String> prefix, Path dataDir) {
        public Host {
            prefix = List.copyOf(prefix);
        }
    }

    /** The place of an engine. */
    Host engine(String name, Path scratch);

    /** The place of an agent. */
    Host agent(String name, Path scratch);

    /** The place of the one etcd. */
    Host etcd(Path scratch);
}
