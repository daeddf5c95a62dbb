package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.model.UnitState;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code watch} shows, in lines and as a table. */
@Timeout(60)
class WatchCommandTest {
    private static final String M1 = "113f16a7c8d94f1a8a1e6c4f4b6a9d01";
    private static final String M2 = "85c0c595a02b4bb4bd9f6c0b6cf7a502";

    @TempDir
    private Path directory;

    private final InMemoryCluster cluster = new InMemoryCluster();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @BeforeEach
    void begin() {
        cluster.startEngine();
        cluster.startEngine();
        cluster.addMachine(M1, "10.0.0.1", Map.of());
    }

    @AfterEach
    void close() {
        cluster.close();
    }

    @Test
    void eachChangeIsALineAndOthersAreNot() throws Exception {
        unit("a.service");
        unit("b.service");
        try (var watch = new Watching(false, "watch", "a")) {
            watch.begun();
            report("b.service", "failed", "failed");
            report("a.service", "failed", "failed");
            watch.until("a.service on 113f16a7.../10.0.0.1: active active -> failed, sub running -> failed\n");
            assertThat(run("destroy", "a.service").exit()).isZero();
            watch.until("a.service on 113f16a7.../10.0.0.1: gone\n");
            assertThat(watch.text()).doesNotContain("b.service").startsWith("20");
        }
    }

    @Test
    void aStateSelectsWhatComesToItAndLeavesIt() throws Exception {
        unit("a.service");
        unit("b.service");
        try (var watch = new Watching(false, "watch", "--json", "--state=failed")) {
            watch.begun();
            assertThat(err.toString(StandardCharsets.UTF_8)).contains("Nothing of that kind is there yet");
            report("b.service", "reloading", "reload");
            report("a.service", "failed", "failed");
            report("a.service", "active", "running");
            watch.until("\"is\":{\"unit\":\"a.service\",\"target\":\"launched\",\"machine\":\"113f16a7.../10.0.0.1\","
                    + "\"active\":\"active\",\"sub\":\"running\",\"error\":\"\"}}\n");
            assertThat(watch.text().lines()).hasSize(2).allMatch(line -> line.contains("\"machine\":\"" + M1 + "\""));
        }
    }

    @Test
    void itGoesOnWithAnotherEngineAndListsAgainWhatIsKeptNoLonger() throws Exception {
        unit("a.service");
        try (var watch = new Watching(false, "watch")) {
            watch.begun();
            InMemoryEngine first = cluster.engines.stream()
                    .filter(engine -> engine.calls.contains("Watch"))
                    .findFirst()
                    .orElseThrow();
            first.kill();
            // Nobody can resume from before this.
            report("a.service", "failed", "failed");
            cluster.compacted = cluster.events.size();
            watch.until(": active active -> failed");
            report("a.service", "active", "running");
            watch.until(": active failed -> active");
            assertThat(watch.text().lines()).hasSize(2);
        }
    }

    @Test
    void aMachineIsNamedAsTablesShowIt() throws Exception {
        unit("a.service");
        try (var watch = new Watching(false, "watch", "--machine=113f16a7.../10.0.0.1")) {
            watch.begun();
            report("a.service", "failed", "failed");
            watch.until("a.service on 113f16a7.../10.0.0.1: active active -> failed, sub running -> failed\n");
        }
        try (var watch = new Watching(false, "watch", "machines", "113f16a7.../10.0.0.1")) {
            watch.begun();
            assertThat(run("cordon", "113f").exit()).isZero();
            watch.until("113f16a7...: state present -> cordoned\n");
        }
    }

    @Test
    void machinesAreFollowedByIdAndAddress() throws Exception {
        cluster.addMachine(M2, "10.0.0.2", Map.of());
        try (var watch = new Watching(false, "watch", "machines", "10.0.0.[1]")) {
            watch.begun();
            assertThat(run("cordon", "85c0").exit()).isZero();
            assertThat(run("cordon", "113f").exit()).isZero();
            watch.until("113f16a7...: state present -> cordoned\n");
            assertThat(watch.text()).doesNotContain("85c0");
        }
    }

    @Test
    void onATerminalATableIsDrawnAndTheScreenGivenBack() throws Exception {
        unit("a.service");
        try (var watch = new Watching(true, "watch")) {
            watch.until("  a.service  launched  113f16a7.../10.0.0.1  active  running");
            report("a.service", "failed", "failed");
            watch.until("* a.service  launched  113f16a7.../10.0.0.1  failed  failed");
        }
        assertThat(out.toString(StandardCharsets.UTF_8))
                .startsWith("\u001b[?1049h")
                .endsWith("\u001b[?1049l");
    }

    @Test
    void aRowThatMovesIsOneChange() {
        var nowhere = row("a.service", "", Map.of("active", "-"));
        var here = row("a.service", M1, Map.of("active", "active"));
        var there = row("a.service", M2, Map.of("active", "active"));
        assertThat(WatchedRow.changes(List.of(nowhere), List.of(here)))
                .containsExactly(new WatchedRow.Change(nowhere, here));
        assertThat(WatchedRow.changes(List.of(here), List.of(here, there)))
                .containsExactly(new WatchedRow.Change(null, there));
        assertThat(WatchedRow.changes(List.of(here, there), List.of())).hasSize(2);
    }

    @Test
    void aNarrowTerminalCutsLinesAndKeepsWhatChanged() {
        var table = new LiveTable(List.of("unit", "active"));
        var rows = new ArrayList<WatchedRow>();
        for (int i = 0; i < 100; i++) {
            rows.add(row("unit-" + i + ".service", M1, Map.of("active", "active\u001b[2J")));
        }
        table.changed(rows.get(70), 1_000);
        List<String> lines = table.lines(rows, "a title that is long", "none", new ScreenSize(12, 6), 2_000);
        assertThat(lines)
                .hasSize(6)
                .allMatch(line -> line.replaceAll("\u001b\\[[01]m", "").length() <= 12);
        assertThat(lines.get(2)).contains("* unit-70.s…");
        assertThat(lines.get(3)).startsWith("  unit-0.se…");
        assertThat(lines.get(5)).startsWith("  97 more");
        assertThat(table.lines(rows, "", "none", new ScreenSize(1, 1), 20_000))
                .allMatch(line -> line.length() <= 1)
                .noneMatch(line -> line.contains("*"));
    }

    private static WatchedRow row(String subject, String machineId, Map<String, String> cells) {
        var all = new LinkedHashMap<String, String>();
        all.put("unit", subject);
        all.putAll(cells);
        return new WatchedRow(subject, machineId, all);
    }

    private void unit(String name) throws IOException {
        Files.writeString(directory.resolve(name), "[Service]\nExecStart=/bin/sleep infinity\n");
        assertThat(run("start", name).exit()).isZero();
    }

    private void report(String name, String active, String sub) {
        cluster.report(UnitState.newBuilder()
                .setName(name)
                .setMachineId(M1)
                .setActiveState(active)
                .setSubState(sub)
                .build());
    }

    private Result run(String... arguments) {
        return Result.of(cluster, directory, Map.of(), arguments);
    }

    /** The command, under way. */
    private final class Watching implements AutoCloseable {
        private final CompletableFuture<Integer> exit = new CompletableFuture<>();
        private final Thread thread;

        Watching(boolean interactive, String... arguments) {
            var all = new ArrayList<>(List.of("--request-timeout=30", "--endpoint", cluster.endpoints()));
            all.addAll(List.of(arguments));
            var terminal = new Terminal(
                    InputStream.nullInputStream(),
                    new PrintStream(new Locked(out), false, StandardCharsets.UTF_8),
                    new PrintStream(err, true, StandardCharsets.UTF_8),
                    Map.of("COLUMNS", "200", "LINES", "40"),
                    directory,
                    interactive);
            thread = Thread.ofPlatform().start(() -> exit.complete(Fleetctl.run(terminal, all.toArray(String[]::new))));
        }

        void begun() {
            Awaitility.await().until(() -> cluster.engines.stream().anyMatch(engine -> engine.calls.contains("Watch")));
        }

        String text() {
            synchronized (out) {
                return out.toString(StandardCharsets.UTF_8);
            }
        }

        void until(String text) {
            Awaitility.await().untilAsserted(() -> assertThat(text()).contains(text));
        }

        @Override
        public void close() {
            thread.interrupt();
            assertThat(exit.join()).isEqualTo(130);
        }
    }

    /** What is written while it is read. */
    private static final class Locked extends OutputStream {
        private final ByteArrayOutputStream to;

        Locked(ByteArrayOutputStream to) {
            this.to = to;
        }

        @Override
        public void write(int b) {
            synchronized (to) {
                to.write(b);
            }
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            synchronized (to) {
                to.write(bytes, offset, length);
            }
        }
    }
}
