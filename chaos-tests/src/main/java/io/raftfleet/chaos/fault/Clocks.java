package io.raftfleet.chaos.fault;

import io.raftfleet.chaos.cluster.Needs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;

/** Wall clocks of processes, by a library put before the C library, {@code chaosclock}, that adds an offset to the host's time. */
public final class Clocks {
    private final Path dir;
    private final Path library;

    /** @param dir for the library and a file a clock */
    public Clocks(Path dir) {
        this.dir = dir;
        this.library = build(dir);
    }

    /** Why clocks can't be moved here; empty where they can. */
    public static String obstacle(Path dir) {
        var missing = Needs.programs("gcc");
        if (!missing.isEmpty()) {
            return missing;
        }
        try {
            var unused = build(dir);
            return "";
        } catch (IllegalStateException | UncheckedIOException e) {
            return Needs.explained(String.valueOf(e.getMessage()));
        }
    }

    private static Path build(Path dir) {
        return Helpers.build("chaosclock", dir, List.of("-shared", "-fPIC", "-ldl"));
    }

    /** Put before a command to give it a clock of its own. */
    public List<String> prefix(String name) {
        set(name, Duration.ZERO);
        return List.of("env", "LD_PRELOAD=" + library, "CHAOSCLOCK=" + file(name));
    }

    /** Sets how far a clock is from the host's, at once. */
    void set(String name, Duration offset) {
        var bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
        bytes.putLong(offset.toNanos()).flip();
        try (var file = FileChannel.open(file(name), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            int written = file.write(bytes, 0);
            if (written != Long.BYTES) {
                throw new IllegalStateException(name + "'s clock was written half");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(name + "'s clock can't be moved", e);
        }
    }

    private Path file(String name) {
        return dir.resolve("clock-" + name);
    }
}
