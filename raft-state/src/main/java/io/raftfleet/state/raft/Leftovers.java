package io.raftfleet.state.raft;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts right what a process that died while it wrote or received a checkpoint has left. Ratis receives into a directory of its
 * own, then renames the state machine's directory away, renames the new one to its place, and removes the old; only then is
 * the log cut ({@code SnapshotManager} in its source).
 */
final class Leftovers {
    private static final Logger LOG = LoggerFactory.getLogger(Leftovers.class);
    private static final String STATE_MACHINE = "sm";
    private static final String RECEIVED = "tmp";

    private Leftovers() {}

    /** To be called before Ratis opens the directories. */
    static void clean(DataDirectory directory) throws IOException {
        DurableFiles.deleteTree(directory.part());
        Path group = directory.group();
        if (!Files.isDirectory(group)) {
            return;
        }
        DurableFiles.deleteTree(group.resolve(RECEIVED));
        List<Path> renamed;
        try (Stream<Path> files = Files.list(group)) {
            renamed = files.filter(f -> f.getFileName().toString().startsWith(STATE_MACHINE + ".tmp"))
                    .sorted(Comparator.reverseOrder()) // named by the time: newest first
                    .toList();
        }
        Path current = group.resolve(STATE_MACHINE);
        if (!renamed.isEmpty() && Checkpoint.list(current).isEmpty()) {
            LOG.warn("A received checkpoint was not yet in place when the process died; {} is used again", renamed);
            DurableFiles.deleteTree(current);
            Files.move(renamed.getFirst(), current, StandardCopyOption.ATOMIC_MOVE);
            DurableFiles.sync(group);
        }
        for (Path old : renamed) {
            DurableFiles.deleteTree(old);
        }
    }

    /** What was received last, complete or not: a directory of checkpoints in one of Ratis' own, by its files' times. */
    static List<Path> received(Path temporary) throws IOException {
        if (!Files.isDirectory(temporary)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(temporary)) {
            Path newest = all.filter(Files::isDirectory)
                    .max(Comparator.comparingLong(d -> d.toFile().lastModified()))
                    .orElse(null);
            return newest == null ? List.of() : Checkpoint.list(newest);
        }
    }
}
