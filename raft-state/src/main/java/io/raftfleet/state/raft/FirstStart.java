package io.raftfleet.state.raft;

import java.io.IOException;
import java.nio.file.Path;
import java.util.UUID;

/**
 * How an engine is to begin, said once, in its data directory: it is gone with the first start, and with the disk. So nothing that
 * could make an engine which lost its disk begin anew stays in a configuration.
 */
public final class FirstStart {
    private FirstStart() {}

    /**
     * Makes the data directory of an engine that has not started yet.
     *
     * @param join to wait to be added to the cluster; else to be the first of a new one
     * @throws StartRefusedException when the directory has something in it
     * @throws IOException when it can't be written
     */
    public static void prepare(Path dataDir, UUID clusterId, String engineId, boolean join) throws IOException {
        DataDirectory.prepare(dataDir, clusterId, engineId, join);
    }
}
