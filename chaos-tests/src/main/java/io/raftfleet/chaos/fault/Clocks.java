package io.raftfleet.chaos.fault;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Wall clocks of engines, through libfaketime, which reads how much a clock is off from a file, once a second. */
public final class Clocks {
    private static final List<Path> LIBRARIES = List.of(
            Path.of("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"),
            Path.of("/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"),
            Path.of("/usr/lib64/faketime/libfaketime.so.1"));

    private final Path dir;

    public Clocks(Path dir) {
        this.dir = dir;
    }

    /** Why clocks can't be moved here; empty where they can. */
    public static String obstacle() {
        return LIBRARIES.stream().anyMatch(Files::exists) ? "" : "libfaketime is not installed";
    }

    /** Put before a command to give it a clock of its own. */
    public List<String> prefix(String name) {
        set(name, 0);
        var library = LIBRARIES.stream().filter(Files::exists).findFirst().orElseThrow();
        return List.of(
                "env",
                "LD_PRELOAD=" + library,
                "FAKETIME_TIMESTAMP_FILE=" + file(name),
                "FAKETIME_CACHE_DURATION=1",
                "FAKETIME_DONT_FAKE_MONOTONIC=1",
                "DONT_FAKE_MONOTONIC=1",
                "FAKETIME_NO_CACHE=0",
                "NO_FAKE_STAT=1");
    }

    void set(String name, long seconds) {
        try {
            Files.writeString(file(name), (seconds < 0 ? "-" : "+") + Math.abs(seconds) + "s\n");
        } catch (IOException e) {
            throw new UncheckedIOException(name + "'s clock can't be moved", e);
        }
    }

    private Path file(String name) {
        return dir.resolve("clock-" + name);
    }
}
