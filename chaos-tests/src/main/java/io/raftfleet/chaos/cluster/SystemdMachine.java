package io.raftfleet.chaos.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A simulated machine with a systemd manager, a bus and a journal of its own, as {@code bin/systemd-machine} makes it. Lives
 * longer than the agent on it, as a real one does.
 */
public final class SystemdMachine {
    private static final Duration COMMAND_LIMIT = Duration.ofSeconds(20);
    private static final Duration END_LIMIT = Duration.ofSeconds(30);

    private final Path script;
    private final Path dir;
    private final Daemon daemon;

    SystemdMachine(String name, Path script, Path dir, Path log) {
        this.script = script;
        this.dir = dir;
        this.daemon = new Daemon(
                name + "-machine",
                List.of(script.toString(), "run", "--die-with-parent", "--stop-timeout", "1", dir.toString()),
                log);
    }

    /** Why machines can't run on this host; empty where they can. */
    static String obstacle(Path script) {
        try {
            var check = new ProcessBuilder(script.toString(), "check")
                    .redirectErrorStream(true)
                    .start();
            check.getOutputStream().close();
            var said = new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            return check.waitFor() == 0 ? "" : said.isEmpty() ? "the check failed" : said;
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while looking whether machines can run here", e);
        }
    }

    void start() {
        daemon.start();
    }

    void awaitReady(Duration limit) {
        Await.until(daemon.name() + " is up", limit, () -> {
            if (!daemon.running()) {
                throw new IllegalStateException(daemon.name() + " has ended: " + daemon.tail(20));
            }
            return Files.exists(dir.resolve("env"));
        });
    }

    /** What {@code bin/systemd-machine help} says of {@code DIR/env}. */
    public Map<String, String> environment() {
        try {
            var variables = new HashMap<String, String>();
            for (var line : Files.readAllLines(dir.resolve("env"))) {
                int equals = line.indexOf('=');
                variables.put(line.substring(0, equals), line.substring(equals + 1));
            }
            return variables;
        } catch (IOException e) {
            throw new UncheckedIOException(daemon.name() + " is not up", e);
        }
    }

    public String machineId() {
        return value("MACHINE_ID");
    }

    /** Where the manager finds unit files. */
    public Path unitsDir() {
        return Path.of(value("UNITS_DIR"));
    }

    Path bootIdFile() {
        return dir.resolve("run/boot-id");
    }

    String bus() {
        return value("DBUS_SESSION_BUS_ADDRESS");
    }

    String privateSocket() {
        return value("SYSTEMD_PRIVATE_ADDRESS");
    }

    /** Put before a command it runs inside the machine. */
    String execPrefix() {
        return script + " exec " + dir;
    }

    /** Runs {@code systemctl --user} inside; what it printed, whatever its exit code. */
    public String systemctl(String... arguments) {
        var command = new ArrayList<>(List.of(script.toString(), "exec", dir.toString(), "systemctl", "--user"));
        command.addAll(List.of(arguments));
        try {
            var process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            CompletableFuture.delayedExecutor(COMMAND_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                    .execute(process::destroyForcibly);
            return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("could not run " + command, e);
        }
    }

    /** Starts a command inside; its output is to be read by the caller, who also ends it. */
    public Process start(String... command) {
        var whole = new ArrayList<>(List.of(script.toString(), "exec", dir.toString()));
        whole.addAll(List.of(command));
        try {
            var process = new ProcessBuilder(whole)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            process.getOutputStream().close();
            return process;
        } catch (IOException e) {
            throw new UncheckedIOException("could not run " + whole, e);
        }
    }

    /** A property of each unit, as the manager itself has it, by unit. */
    public Map<String, String> property(String property, List<String> units) {
        var arguments = new ArrayList<>(List.of("show", "--property=Id", "--property=" + property, "--"));
        arguments.addAll(units);
        var values = new HashMap<String, String>();
        for (var block : systemctl(arguments.toArray(String[]::new)).split("\n\n", -1)) {
            var fields = new HashMap<String, String>();
            block.lines()
                    .filter(line -> line.indexOf('=') > 0)
                    .forEach(line ->
                            fields.put(line.substring(0, line.indexOf('=')), line.substring(line.indexOf('=') + 1)));
            var id = fields.get("Id");
            var value = fields.get(property);
            if (id != null && value != null) {
                values.put(id, value);
            }
        }
        return values;
    }

    void close() {
        if (daemon.running()) {
            daemon.terminate();
            var unused = daemon.awaitExit(END_LIMIT);
        }
    }

    Daemon daemon() {
        return daemon;
    }

    private String value(String variable) {
        var value = environment().get(variable);
        if (value == null) {
            throw new IllegalStateException(daemon.name() + " tells no " + variable + " in its env file");
        }
        return value;
    }
}
