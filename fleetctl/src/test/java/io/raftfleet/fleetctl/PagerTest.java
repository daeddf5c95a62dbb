package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Commands on a terminal whose pager writes what it gets into a file. */
@Timeout(60)
class PagerTest {
    private static final String M1 = "113f16a7c8d94f1a8a1e6c4f4b6a9d01";
    private static final int UNITS = 500;

    private final InMemoryCluster cluster = new InMemoryCluster();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @TempDir
    Path directory;

    @BeforeEach
    void start() {
        cluster.startEngine();
        cluster.addMachine(M1, "10.0.0.1", Map.of());
    }

    @AfterEach
    void stop() {
        cluster.close();
    }

    private void units(int count) {
        for (int i = 0; i < count; i++) {
            String name = "unit-%04d.service".formatted(i);
            cluster.add(
                    io.raftfleet.proto.model.Unit.newBuilder().setName(name).build(),
                    InMemoryEngine.state(name, M1, "active", "running"));
        }
    }

    private Path read() {
        return directory.resolve("read");
    }

    private int run(Map<String, String> environment, String... arguments) {
        var variables = new HashMap<>(Map.of(
                "FLEETCTL_ENDPOINT",
                cluster.endpoints(),
                "FLEETCTL_REQUEST_TIMEOUT",
                "30",
                "PATH",
                System.getenv("PATH"),
                "PAGER",
                "cat >" + read()));
        variables.putAll(environment);
        return Fleetctl.run(
                new Terminal(
                        InputStream.nullInputStream(),
                        new PrintStream(out, false, StandardCharsets.UTF_8),
                        new PrintStream(err, false, StandardCharsets.UTF_8),
                        variables,
                        directory,
                        true),
                arguments);
    }

    private String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void whatIsLongGoesThroughThePagerAndStandardErrorAfterIt() throws IOException {
        units(UNITS);
        cluster.warnings.put("unit-0001.service", "is odd");
        assertThat(run(Map.of(), "list-units")).isZero();
        assertThat(Files.readString(read()))
                .startsWith("UNIT\t")
                .contains("unit-0499.service")
                .endsWith("WARNING: Unit unit-0001.service: is odd\n");
        assertThat(out()).isEmpty();
        assertThat(err.size()).isZero();
    }

    @Test
    void whatIsShortDoesNot() {
        units(3);
        cluster.warnings.put("unit-0001.service", "is odd");
        assertThat(run(Map.of(), "list-units")).isZero();
        assertThat(read()).doesNotExist();
        assertThat(out()).startsWith("UNIT\t").contains("unit-0002.service");
        assertThat(err.toString(StandardCharsets.UTF_8)).isEqualTo("WARNING: Unit unit-0001.service: is odd\n");
    }

    @Test
    void aPagerThatIsLeftEarlyIsNoError() {
        units(5_000);
        assertThat(run(Map.of("PAGER", "head -n 1 >/dev/null"), "list-units", "--full"))
                .isZero();
        assertThat(err.size()).isZero();
    }

    @Test
    void theExitCodeIsTheCommandsOwn() {
        var journal = cluster.engines.getFirst().journal;
        for (int i = 0; i < UNITS; i++) {
            journal.add("line " + i);
        }
        units(1);
        assertThat(run(Map.of("PAGER", "cat >" + read() + "; exit 3"), "list-units", "--help"))
                .isZero();
        assertThat(read()).exists();
        assertThat(run(Map.of(), "status", "unit-9999.service")).isEqualTo(1);
    }

    @Test
    void aPagerCanBeTurnedOff() {
        units(UNITS);
        for (var off : java.util.List.of(
                Map.of("FLEETCTL_PAGER", "cat"),
                Map.of("FLEETCTL_PAGER", ""),
                Map.of("FLEETCTL_NO_PAGER", "true"),
                Map.of("PAGER", "no-such-program-here"))) {
            out.reset();
            assertThat(run(off, "list-units")).isZero();
            assertThat(out()).as(off.toString()).contains("unit-0499.service");
        }
        out.reset();
        assertThat(run(Map.of(), "--no-pager", "list-units")).isZero();
        assertThat(out()).contains("unit-0499.service");
        assertThat(read()).doesNotExist();
    }

    @Test
    void statesAreColouredOnATerminalUnlessThatIsUnwanted() {
        units(1);
        cluster.add(
                io.raftfleet.proto.model.Unit.newBuilder()
                        .setName("bad.service")
                        .build(),
                InMemoryEngine.state("bad.service", M1, "failed", "\u001b[2Jx"));
        assertThat(run(Map.of("TERM", "xterm"), "list-units")).isZero();
        assertThat(out()).contains("\u001b[31mfailed\u001b[0m\t\\x1b[2Jx\n", "\u001b[32mactive\u001b[0m\trunning\n");
        for (var off : java.util.List.of(
                Map.of("TERM", "dumb"),
                Map.of("TERM", "xterm", "NO_COLOR", "1"),
                Map.of("FLEETCTL_NO_COLOR", "true"))) {
            out.reset();
            assertThat(run(off, "list-units")).isZero();
            assertThat(out()).as(off.toString()).contains("failed\t\\x1b").doesNotContain("\u001b");
        }
    }
}
