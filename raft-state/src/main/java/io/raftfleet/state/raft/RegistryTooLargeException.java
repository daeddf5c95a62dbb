package io.raftfleet.state.raft;

import java.io.IOException;
import java.nio.file.Path;

/** This engine's heap has no room for the registry of a checkpoint: nothing is damaged, and nothing but more memory helps. */
public final class RegistryTooLargeException extends IOException {
    private static final long serialVersionUID = 1;

    RegistryTooLargeException(Path checkpoint, long needed, long capacity) {
        super("The registry of checkpoint " + checkpoint + " needs about " + mebibytes(needed)
                + " MiB of memory, and of this engine's heap of "
                + mebibytes(Runtime.getRuntime().maxMemory()) + " MiB it can have " + mebibytes(capacity)
                + ": give the engine a larger heap, at least twice what the registry needs.");
    }

    private static long mebibytes(long bytes) {
        return (bytes + (1 << 20) - 1) >> 20;
    }
}
