package io.raftfleet.chaos.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One process that can be started, signalled, and started again. What it writes is appended to one file. Guarded by its own
 * monitor, which no wait holds.
 */
public final class Daemon {
    private static final Duration SIGNAL_LIMIT = Duration.ofSeconds(5);
    private static final Duration KILL_LIMIT = Duration.ofSeconds(10);
    private static final int TAIL_BYTES = 64 * 1024;

    private final String name;
    private final List<String> command;
    private final Path log;
    private @Nullable Process process;

    Daemon(String name, List<String> command, Path log) {
        this.name = name;
        this.command = List.copyOf(command);
        this.log = log;
    }

    /** What it is started with. */
    public List<String> command() {
        return command;
    }

    /** What messages call it. */
    public String name() {
        return name;
    }

    /** Where its output goes. */
    public Path log() {
        return log;
    }

    /** Starts it, unless it runs. Environment variables named {@code FLEET_…} are not passed on. */
    public synchronized void start() {
        if (running()) {
            return;
        }
        try {
            // Whoever runs this in the background of a shell, or by nohup, has signals ignored that a daemon must hear.
            var whole = new ArrayList<>(List.of("env", "--default-signal=HUP,INT"));
            whole.addAll(command);
            var builder = new ProcessBuilder(whole)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
            builder.environment()
                    .keySet()
                    .removeIf(variable -> variable.startsWith("FLEET_") || variable.startsWith("FLEETCTL_"));
            process = builder.start();
            process.getOutputStream().close();
        } catch (IOException e) {
            throw new UncheckedIOException(name + " can't be started", e);
        }
    }

    public synchronized boolean running() {
        return process != null && process.isAlive();
    }

    synchronized boolean hasStarted() {
        return process != null;
    }

    /** Its process id; of the last process when it doesn't run. */
    public synchronized long pid() {
        return started().pid();
    }

    /** SIGTERM; doesn't wait. */
    public synchronized void terminate() {
        started().destroy();
    }

    /** SIGKILL; doesn't wait. */
    public synchronized void kill() {
        started().destroyForcibly();
    }

    /** SIGTERM, and waits for its end. */
    void stop(Duration limit) {
        terminate();
        var unused = awaitExit(limit);
    }

    /** SIGKILL, and waits until it is gone. */
    void killed() {
        kill();
        var unused = awaitExit(KILL_LIMIT);
    }

    /** SIGHUP: a daemon reads its settings again. */
    public void hangUp() {
        signal("HUP");
    }

    /** SIGSTOP: it keeps its sockets and does nothing. */
    public void pause() {
        signal("STOP");
    }

    /** SIGCONT. */
    public void resume() {
        signal("CONT");
    }

    /** Waits for its end; the exit code, 128 plus the signal for one that a signal ended. */
    public int awaitExit(Duration limit) {
        Process ending;
        synchronized (this) {
            ending = started();
        }
        try {
            if (!ending.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new NotInTimeException(
                        name + " has not ended within " + limit.toMillis() + " ms; its log ends: " + tail(20), null);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for the end of " + name, e);
        }
        return ending.exitValue();
    }

    /** The last lines that it wrote. */
    public String tail(int lines) {
        try (var file = Files.newByteChannel(log)) {
            file.position(Math.max(0, file.size() - TAIL_BYTES));
            var bytes = ByteBuffer.allocate(TAIL_BYTES);
            while (bytes.hasRemaining() && file.read(bytes) >= 0) {
                // On to the end.
            }
            var all = StandardCharsets.UTF_8
                    .decode(bytes.flip())
                    .toString()
                    .lines()
                    .toList();
            return String.join("\n", all.subList(Math.max(0, all.size() - lines), all.size()));
        } catch (IOException e) {
            return "(no log: " + e.getMessage() + ")";
        }
    }

    private void signal(String signal) {
        try {
            var kill = new ProcessBuilder("kill", "-" + signal, Long.toString(pid()))
                    .inheritIO()
                    .start();
            if (!kill.waitFor(SIGNAL_LIMIT.toMillis(), TimeUnit.MILLISECONDS) || kill.exitValue() != 0) {
                throw new IllegalStateException("SIG" + signal + " could not be sent to " + name + ", pid " + pid());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while signalling " + name, e);
        }
    }

    private synchronized Process started() {
        if (process == null) {
            throw new IllegalStateException(name + " has not been started");
        }
        return process;
    }
}
