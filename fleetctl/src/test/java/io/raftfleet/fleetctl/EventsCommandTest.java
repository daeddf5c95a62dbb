package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.proto.model.Event;
import io.raftfleet.proto.model.EventKind;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code events} prints. */
@Timeout(60)
class EventsCommandTest {
    private static final String M1 = "113f16a7c8d94f1a8a1e6c4f4b6a9d01";
    private static final Instant NOON = Instant.parse("2026-11-27T12:00:00Z");

    @TempDir
    private Path directory;

    private final InMemoryCluster cluster = new InMemoryCluster();

    @BeforeEach
    void begin() {
        cluster.startEngine();
        cluster.startEngine();
        cluster.addMachine(M1, "10.0.0.1", Map.of());
        cluster.happen(event(EventKind.EVENT_KIND_MACHINE_JOINED, "", M1, "joined at 10.0.0.1"));
        cluster.happen(event(EventKind.EVENT_KIND_UNIT_SUBMITTED, "a\\x2d.service", "", "submitted, by user/alice"));
        cluster.happen(
                event(EventKind.EVENT_KIND_UNIT_UP, "a\\x2d.service", M1, "up on 113f16a7...: \u001b[2Jrunning"));
        cluster.happen(event(EventKind.EVENT_KIND_LEADER, "", "", "engine e1 leads"));
    }

    @AfterEach
    void close() {
        cluster.close();
    }

    private static Event.Builder event(EventKind kind, String unit, String machine, String message) {
        return Event.newBuilder()
                .setKind(kind)
                .setUnit(unit)
                .setMachineId(machine)
                .setTimes(1)
                .setTimeMs(NOON.toEpochMilli())
                .setMessage(message);
    }

    @Test
    void eachIsALineThatStartsWithWhenAndOfWhat() {
        assertThat(run("events").out()).isEqualTo("""
                2026-11-27T12:00:00Z machine 113f16a7...: joined at 10.0.0.1
                2026-11-27T12:00:00Z a\\x2d.service: submitted, by user/alice
                2026-11-27T12:00:00Z a\\x2d.service: up on 113f16a7...: \\x1b[2Jrunning
                2026-11-27T12:00:00Z cluster: engine e1 leads
                """);
    }

    @Test
    void theyAreOfAUnitOrAMachineOrAfterATime() {
        assertThat(run("events", "a\\x2d").out().lines()).hasSize(2).allMatch(line -> line.contains("a\\x2d.service"));
        assertThat(run("events", "a*").out().lines()).hasSize(2);
        assertThat(run("events", "113f").out().lines())
                .hasSize(2)
                .anyMatch(line -> line.contains("joined"))
                .anyMatch(line -> line.contains("up on"));
        assertThat(run("events", "--json", M1).out().lines().toList().getLast())
                .startsWith(
                        "{\"time\":\"2026-11-27T12:00:00Z\",\"kind\":\"unit_up\",\"unit\":\"a\\\\x2d.service\",\"machine\":\""
                                + M1 + "\",\"by\":null,");
        Result none = run("events", "none");
        assertThat(none.exit()).isEqualTo(1);
        assertThat(none.err()).startsWith("Unit none.service does not exist, and no events of it are kept");
        assertThat(run("events", "none*")).isEqualTo(new Result(0, "", "No such events are kept\n"));
        assertThat(run("events", "--since=2026-11-27T12:00:01Z").out()).isEmpty();
    }

    @Test
    void aTimeIsAgoOrADateInUtc() {
        Instant now = Instant.parse("2026-11-27T14:00:00Z");
        assertThat(EventsCommand.time("2h", now)).isEqualTo(NOON);
        assertThat(EventsCommand.time("2026-11-27 12:00", now)).isEqualTo(NOON);
        assertThat(EventsCommand.time("2026-11-27T12:00:00Z", now)).isEqualTo(NOON);
        assertThat(EventsCommand.time("2026-11-27", now)).isEqualTo(Instant.parse("2026-11-27T00:00:00Z"));
        for (String none : List.of("", "soon", "1d", "2026-13-01", "0", "99999999999999999h")) {
            assertThatThrownBy(() -> EventsCommand.time(none, now))
                    .as(none)
                    .isInstanceOf(CommandException.class)
                    .hasMessageContaining("is no time");
        }
        assertThatThrownBy(() -> EventsCommand.time("2026-11-27 14:01", now)).hasMessageContaining("yet to come");
    }

    @Test
    void followedTheyGoOnOverTheEndOfAnEngineWithoutAGapOrADouble() throws Exception {
        var out = new ByteArrayOutputStream();
        var terminal = new Terminal(
                InputStream.nullInputStream(),
                new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8),
                Map.of(),
                directory,
                false);
        var exit = new CompletableFuture<Integer>();
        var thread = Thread.ofPlatform()
                .start(() -> exit.complete(Fleetctl.run(
                        terminal, "--request-timeout=30", "--endpoint", cluster.endpoints(), "events", "-f", "a*")));
        Awaitility.await().until(() -> cluster.engines.stream().anyMatch(engine -> engine.calls.contains("Watch")));
        cluster.engines.stream()
                .filter(engine -> engine.calls.contains("Watch"))
                .findFirst()
                .orElseThrow()
                .kill();
        cluster.happen(event(EventKind.EVENT_KIND_UNIT_FAILED, "a.service", M1, "failed"));
        cluster.happen(event(EventKind.EVENT_KIND_UNIT_FAILED, "b.service", M1, "failed"));
        cluster.compacted = cluster.events.size();
        Awaitility.await()
                .until(() -> cluster.engines.stream()
                                .filter(engine -> engine.calls.contains("ListEvents"))
                                .count()
                        == 2);
        cluster.happen(event(EventKind.EVENT_KIND_UNIT_UP, "a.service", M1, "up"));
        Awaitility.await().until(() -> cluster.engines.stream().allMatch(engine -> engine.calls.contains("Watch")));
        thread.interrupt();
        assertThat(exit.join()).isEqualTo(130);
        assertThat(out.toString(StandardCharsets.UTF_8).lines().skip(2))
                .first()
                .isEqualTo("2026-11-27T12:00:00Z a.service: failed");
        assertThat(out.toString(StandardCharsets.UTF_8))
                .containsOnlyOnce("a.service: failed")
                .doesNotContain("b.service");
    }

    @Test
    void whySaysTheLastOfAUnit() throws Exception {
        Files.writeString(directory.resolve("a.service"), "[Service]\nExecStart=/bin/sleep infinity\n");
        assertThat(run("start", "a.service").exit()).isZero();
        for (int i = 1; i <= 7; i++) {
            cluster.happen(event(EventKind.EVENT_KIND_UNIT_FAILED, "a.service", M1, "failed " + i));
        }
        assertThat(run("why", "a.service").out())
                .contains("  events: 2026-11-27T12:00:00Z failed 3\n          2026-11-27T12:00:00Z failed 4\n")
                .contains("failed 7")
                .doesNotContain("failed 2");
    }

    private Result run(String... arguments) {
        return Result.of(cluster, directory, Map.of(), arguments);
    }
}
