package io.raftfleet.bench.result;

import io.raftfleet.bench.process.ProcFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where it was measured.
 *
 * @param cores that this process may use
 * @param memoryMib in MiB
 * @param kernel its release
 * @param jdk its version
 * @param project raftfleet's version
 */
public record Host(int cores, long memoryMib, String kernel, String jdk, String project) {
    /** This one. */
    public static Host here() {
        try {
            return new Host(
                    Runtime.getRuntime().availableProcessors(),
                    ProcFiles.kib(ProcFiles.read(Path.of("/proc/meminfo")), "MemTotal") / 1024,
                    System.getProperty("os.version", "unknown"),
                    Runtime.version().toString(),
                    Optional.ofNullable(Host.class.getPackage().getImplementationVersion())
                            .orElse(System.getProperty("raftfleet.version", "unknown")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String toString() {
        return "%d cores, %d MiB, Linux %s, JDK %s, raftfleet %s".formatted(cores, memoryMib, kernel, jdk, project);
    }
}
