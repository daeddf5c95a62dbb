package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** A machine with a real systemd manager, bus and journal, run by {@code bin/systemd-machine}. */
final class SimulatedMachine implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path directory;
    private final Process supervisor;
    private Map<String, String> environment = Map.of();

    private SimulatedMachine(Path directory, Process supervisor) {
        this.directory = directory;
        this.supervisor = supervisor;
    }

    /** Skips the test, saying why, where no machine can run. */
    static void assumePossible() throws IOException {
        Process check =
                new ProcessBuilder(script(), "check").redirectErrorStream(true).start();
        String reason = new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assumeTrue(check.onExit().join().exitValue() == 0, () -> "no systemd machine can run here: " + reason.strip());
    }

    static SimulatedMachine start(Path directory) throws IOException {
        Process supervisor = new ProcessBuilder(script(), "run", "--die-with-parent", directory.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        var machine = new SimulatedMachine(directory, supervisor);
        BufferedReader output = supervisor.inputReader();
        assertThat(output.readLine())
                .as("what the machine in %s prints", directory)
                .isEqualTo("ready");
        machine.environment = machine.readEnvironment();
        return machine;
    }

    /** Ends the machine in order, and starts it again as after a boot. */
    SimulatedMachine restart() throws IOException {
        close();
        return start(directory);
    }

    /** A configuration for this machine: through its bus, or straight to systemd. */
    SystemdConfig config(boolean direct) throws IOException {
        return new SystemdConfig(
                get(direct ? "SYSTEMD_PRIVATE_ADDRESS" : "DBUS_SESSION_BUS_ADDRESS"),
                direct,
                unitsDirectory(),
                searchDirectory(),
                directory.resolve("run/boot-id"),
                SystemdConfig.Timing.DEFAULT);
    }

    UnitWarnings warnings() {
        return UnitWarnings.ofJournal(prefix(), true);
    }

    Path unitsDirectory() {
        return directory.resolve("units");
    }

    Path searchDirectory() {
        return Path.of(get("UNITS_DIR"));
    }

    String get(String key) {
        return Objects.requireNonNull(environment.get(key), key);
    }

    List<String> prefix() {
        return List.of(script(), "exec", directory.toString());
    }

    /** Runs a command inside; returns what it prints, whatever its exit code. */
    String exec(String... command) throws IOException {
        List<String> whole = new ArrayList<>(prefix());
        whole.addAll(List.of(command));
        Process process = new ProcessBuilder(whole).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                    .as("%s ends", whole)
                    .isTrue();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IOException(interrupted);
        }
        return output;
    }

    /** A property of a unit, as {@code systemctl show} has it. */
    String show(String unit, String property) throws IOException {
        return exec("systemctl", "--user", "show", "--property=" + property, "--value", unit)
                .strip();
    }

    /** When systemd began, in microseconds of the monotonic clock. */
    long managerStart() throws IOException {
        return Long.parseLong(exec("systemctl", "--user", "show", "--property=UserspaceTimestampMonotonic", "--value")
                .strip());
    }

    /** How many times systemd has read its files. */
    long reloads() throws IOException {
        return exec("journalctl", "--quiet", "--output=cat", "_PID=" + get("MANAGER_PID"))
                .lines()
                .filter(line -> line.startsWith("Reloading"))
                .count();
    }

    @Override
    public void close() {
        supervisor.destroy();
        try {
            if (!supervisor.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                supervisor.destroyForcibly();
            }
        } catch (InterruptedException hurried) {
            supervisor.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    private Map<String, String> readEnvironment() throws IOException {
        Map<String, String> read = new HashMap<>();
        for (String line : Files.readAllLines(directory.resolve("env"))) {
            int equals = line.indexOf('=');
            read.put(line.substring(0, equals), line.substring(equals + 1));
        }
        return read;
    }

    private static String script() {
        for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
            Path script = folder.resolve("bin/systemd-machine");
            if (Files.isExecutable(script)) {
                return script.toString();
            }
        }
        throw new AssertionError("bin/systemd-machine is not above the working directory");
    }
}
