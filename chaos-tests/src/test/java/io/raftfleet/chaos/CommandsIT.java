package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.proto.model.UnitState;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** fleetctl as a process, on real systemd managers: what it says and returns is what happened there. */
@Timeout(300)
class CommandsIT {
    private static final String SLEEPER = "[Service]\nExecStart=/bin/sleep infinity\n";

    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.machines();

    @TempDir
    private Path directory;

    @BeforeAll
    static void machinesRunHere() {
        assumeTrue(Cluster.systemdObstacle().isEmpty(), Cluster.systemdObstacle());
    }

    private record Said(int exit, String text) {}

    private Said fleetctl(String... arguments) throws IOException, InterruptedException {
        String endpoints = CLUSTER.cluster().engines().stream()
                .map(engine -> engine.addresses().grpc())
                .collect(Collectors.joining(","));
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                "io.raftfleet.fleetctl.Main",
                "--request-timeout=10",
                "--endpoint",
                endpoints));
        command.addAll(List.of(arguments));
        Path out = directory.resolve("out");
        Process process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(out.toFile())
                .start();
        if (!process.waitFor(90, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError(List.of(arguments) + " did not end, and said: " + Files.readString(out));
        }
        return new Said(process.exitValue(), Files.readString(out, StandardCharsets.UTF_8));
    }

    private void file(String name, String text) throws IOException {
        Files.writeString(directory.resolve(name), text);
    }

    private static UnitState state(String unit) {
        return Ops.states(CLUSTER.cluster().client()).stream()
                .filter(state -> state.getName().equals(unit))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aFileThatSystemdRefusesIsToldAndOverOnceItIsCured() throws Exception {
        file("a.service", "[Service]\nExecStart=relative/path\n");
        Said refused = fleetctl("start", "a.service");
        assertThat(refused.exit()).as(refused.text()).isEqualTo(1);
        assertThat(refused.text())
                .contains("not started: bad unit file setting: ", "a.service:2: ", "relative/path")
                .contains("Last lines of the journal of a.service:");
        file("a.service", SLEEPER);
        Said cured = fleetctl("start", "--replace", "a.service");
        assertThat(cured.exit()).as(cured.text()).isZero();
        assertThat(state("a.service"))
                .returns("loaded", UnitState::getLoadState)
                .returns("active", UnitState::getActiveState)
                .returns("", UnitState::getError);
    }

    @Test
    void aFailureIsToldAndTheNextStartIsJudgedByItself() throws Exception {
        file("a.service", "[Service]\nExecStart=/bin/sh -c 'sleep 0.5; exit 3'\n");
        Said died = fleetctl("start", "a.service");
        assertThat(died.exit()).as(died.text()).isEqualTo(1);
        assertThat(died.text()).contains("failed (failed): its main process exited with status 3");
        file("a.service", SLEEPER);
        Said cured = fleetctl("start", "--replace", "a.service");
        assertThat(cured.exit()).as(cured.text()).isZero();

        file("once.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n");
        for (int i = 0; i < 2; i++) {
            Said ran = fleetctl("start", "once.service");
            assertThat(ran.exit()).as(ran.text()).isZero();
            assertThat(ran.text()).contains("Unit once.service launched on ");
        }
    }

    @Test
    void aJobThatComesToNothingIsTold() throws Exception {
        file("a.socket", "[Socket]\nListenStream=%t/a-socket\n");
        Said lonely = fleetctl("start", "a.socket");
        assertThat(lonely.exit()).as(lonely.text()).isEqualTo(1);
        assertThat(lonely.text()).contains("a.service not loaded");
        file("base.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
        file(
                "top.service",
                "[Unit]\nRequires=base.service\nAfter=base.service\n" + SLEEPER
                        + "[X-Fleet]\nMachineOf=base.service\n");
        assertThat(fleetctl("load", "base.service").exit()).isZero();
        Said needy = fleetctl("start", "top.service");
        assertThat(needy.exit()).as(needy.text()).isEqualTo(1);
        assertThat(needy.text()).contains("a unit that it needs did not start: base.service (failed)");
        assertThat(fleetctl("list-units").text()).contains("a unit that it needs did not start: base.service (failed)");
    }

    @Test
    void aStopIsWaitedForAndReachesWhatIsOnlyLoaded() throws Exception {
        file("slow.service", SLEEPER + "ExecStop=/bin/sleep 3\n");
        assertThat(fleetctl("start", "--stay-up=0", "slow.service").exit()).isZero();
        long begin = System.nanoTime();
        Said slow = fleetctl("stop", "slow.service");
        assertThat(slow.exit()).as(slow.text()).isZero();
        assertThat(Ops.since(begin)).isGreaterThan(Duration.ofSeconds(3));
        assertThat(state("slow.service").getActiveState()).isEqualTo("inactive");

        file("timed.service", SLEEPER);
        assertThat(fleetctl("load", "timed.service").exit()).isZero();
        CLUSTER.cluster()
                .agentOf(state("timed.service").getMachineId())
                .machine()
                .systemctl("start", "timed.service"); // As a timer of the host does.
        Said stopped = fleetctl("stop", "timed.service");
        assertThat(stopped.exit()).as(stopped.text()).isZero();
        assertThat(state("timed.service").getActiveState()).isEqualTo("inactive");
        assertThat(fleetctl("destroy", "timed.service", "never.service").exit()).isEqualTo(1);
    }

    /** As scripts for fleet have it, whose default is a socket for HTTP. */
    @Test
    void fleetsHttpApiCarriesTheSameCommands() throws Exception {
        String http = CLUSTER.cluster().engines().getFirst().http().toString();
        file("h.service", SLEEPER);
        for (String command : List.of("submit", "load", "start", "restart", "stop", "unload", "start", "destroy")) {
            var starts = command.endsWith("start");
            Said said = starts
                    ? fleetctl("--endpoint", http, command, "--stay-up=0", "h.service")
                    : fleetctl("--endpoint", http, command, "h.service");
            assertThat(said.exit()).as(command + ": " + said.text()).isZero();
            switch (command) {
                case "start", "restart" ->
                    assertThat(state("h.service").getActiveState()).isEqualTo("active");
                case "stop", "load" ->
                    assertThat(state("h.service").getActiveState()).isEqualTo("inactive");
                default -> {}
            }
        }
        file("h.service", "[Service]\nExecStart=/bin/false\n");
        Said failed = fleetctl("--endpoint", http, "start", "h.service");
        assertThat(failed.exit()).as(failed.text()).isEqualTo(1);
        assertThat(fleetctl("--endpoint", http, "journal", "h.service").text()).contains("needs gRPC");
    }
}
