package io.raftfleet.chaos.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Short commands of the host: {@code ip}, {@code iptables}, {@code mount}. */
public final class Commands {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private Commands() {}

    /** As {@link #run(Duration, List)}, for commands that take a moment. */
    public static String run(List<String> command) {
        return run(LIMIT, command);
    }

    /**
     * Runs a command and waits for its end.
     *
     * @param limit after which it is killed
     * @return what it printed
     * @throws IllegalStateException when it can't be run or fails, with what it printed
     */
    public static String run(Duration limit, List<String> command) {
        try {
            var process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            CompletableFuture.delayedExecutor(limit.toMillis(), TimeUnit.MILLISECONDS)
                    .execute(process::destroyForcibly);
            var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            int exit = process.waitFor();
            if (exit != 0) {
                throw new IllegalStateException(String.join(" ", command) + " failed with " + exit + ": " + said);
            }
            return said;
        } catch (IOException e) {
            throw new UncheckedIOException(String.join(" ", command) + " can't be run", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while running " + command, e);
        }
    }

    /** As {@link #run(List)}. */
    public static String run(String... command) {
        return run(List.of(command));
    }

    /** Why a command does not work here; empty when it does. */
    public static String obstacle(String... command) {
        try {
            run(command);
            return "";
        } catch (IllegalStateException | UncheckedIOException e) {
            return String.valueOf(e.getMessage());
        }
    }
}
