package io.raftfleet.state.raft;

import java.io.IOException;
import java.nio.file.Path;

/**
 * This engine's heap has no room for the registry of a checkpoint, or of the log behind it: nothing is damaged, and nothing but more memory
 * helps.
 */
public final class RegistryTooLargeException extends IOException {
    private static final long serialVersionUID = 1;

    RegistryTooLargeException(Path checkpoint, long needed, long capacity) {
        this("of checkpoint " + checkpoint, needed, capacity);
    }

    /** @param index of the entry of this engine's own log that was one too many */
    RegistryTooLargeException(long index, long needed, long capacity) {
        this("as of entry " + index + " of this engine's log", needed, capacity);
    }

    private RegistryTooLargeException(String which, long needed, long capacity) {
        super("The registry " + which + " needs about " + mebibytes(needed)
                + " MiB of memory, and of this engine's heap of "
                + mebibytes(Runtime.getRuntime().maxMemory()) + " MiB it can have " + mebibytes(capacity)
                + ": give the engine a larger heap, at least twice what the registry needs.");
    }

    private static long mebibytes(long bytes) {
        return (bytes + (1 << 20) - 1) >> 20;
    }
}
