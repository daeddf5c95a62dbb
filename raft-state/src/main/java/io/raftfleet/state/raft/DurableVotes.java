package io.raftfleet.state.raft;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Makes votes outlast a loss of power. Ratis writes term and vote to a new file, syncs that, and renames it over the old one;
 * POSIX promises that a rename lasts only once the directory was synced too. A vote that was forgotten could be given to two
 * candidates of one term. So the directory is synced before the answer that gives a vote leaves, and before a candidate that
 * voted for itself does anything as leader.
 *
 * <p>Thread-safe: without state of its own.
 */
final class DurableVotes {
    private final Path dir;
    private final boolean on;

    /** @param on false where nothing is to be synced */
    DurableVotes(Path dir, boolean on) {
        this.dir = dir;
        this.on = on;
    }

    /** Waits until the vote that was given last is on the disk. */
    void sync() throws IOException {
        if (on) {
            DurableFiles.sync(dir);
        }
    }
}
