package io.raftfleet.state.raft;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;

/**
 * How an engine is to begin, said once, in its data directory: it is gone with the first start, and with the disk. So nothing that
 * could make an engine which lost its disk begin anew stays in a configuration.
 */
public final class FirstStart {
    /** A directory in the data directory that is not Raft's: keys and certificates, which outlive a registry. */
    public static final String CERTIFICATES = "certificates";

    private FirstStart() {}

    /**
     * Makes the data directory of an engine that has not started yet.
     *
     * @param join to wait to be added to the cluster; else to be the first of a new one
     * @throws StartRefusedException when the directory has more in it than certificates
     * @throws IOException when it can't be written
     */
    public static void prepare(Path dataDir, UUID clusterId, String engineId, boolean join) throws IOException {
        DataDirectory.prepare(dataDir, clusterId, engineId, join);
    }

    /**
     * Moves what an engine has written into a data directory into one of its own in there, {@code former-...}. Certificates stay.
     *
     * @return that directory; empty when there was nothing
     * @throws IOException when the engine runs, or files can't be moved
     */
    public static Optional<Path> setAside(Path dataDir) throws IOException {
        return DataDirectory.setAside(dataDir);
    }

    /**
     * Makes the data directory of an engine with which a lost cluster comes back: at its first start it is the only member, and begins with
     * what a backup or etcd holds. What was there before is set aside.
     *
     * @param backup is copied; empty to begin with what etcd holds
     * @return where what was there is now; empty when there was nothing
     * @throws IOException when the engine runs, or files can't be written
     */
    public static Optional<Path> restore(Path dataDir, UUID clusterId, String engineId, Optional<Path> backup)
            throws IOException {
        return DataDirectory.prepareRestoration(dataDir, clusterId, engineId, backup.orElse(null));
    }
}
