package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.raftfleet.unit.UnitFile;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class JournalctlLogSourceIT {
    /** journald learns the unit of a line from its process, which must still be there. */
    private static final String BRIEF = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo once; sleep 0.5'\n";

    @TempDir
    private static Path directory;

    private static SimulatedMachine machine;
    private static SystemdUnitManager manager;
    private static JournalctlLogSource logs;

    @BeforeAll
    static void start() throws Exception {
        SimulatedMachine.assumePossible();
        machine = SimulatedMachine.start(directory);
        manager = new SystemdUnitManager(machine.config(true), machine.warnings());
        logs = new JournalctlLogSource(machine.prefix(), true);
        manager.install(Map.of(
                        "ticker.service",
                        UnitFile.parse(
                                "[Service]\nExecStart=/bin/sh -c 'i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.1; done'\n"),
                        "brief.service",
                        UnitFile.parse(BRIEF)))
                .get(30, TimeUnit.SECONDS);
        manager.start("ticker.service").get(30, TimeUnit.SECONDS);
        manager.start("brief.service").get(30, TimeUnit.SECONDS);
    }

    @AfterAll
    static void stop() {
        if (manager != null) {
            manager.close();
        }
        if (machine != null) {
            machine.close();
        }
    }

    @Test
    void aJournalIsFollowedUntilItIsClosed() throws Exception {
        long before = readers();
        try (InputStream journal = logs.journal("ticker.service", 0, true, "cat");
                BufferedReader lines = new BufferedReader(new InputStreamReader(journal, StandardCharsets.UTF_8))) {
            assertThat(lines.readLine()).startsWith("tick ");
            assertThat(lines.readLine()).startsWith("tick ");
            assertThat(readers()).isEqualTo(before + 1);
        }
        assertThat(readers()).isEqualTo(before);
    }

    @Test
    void aReaderThatWaitsIsReleasedByClosing() throws Exception {
        InputStream journal = logs.journal("brief.service", 0, true, "cat");
        Thread reader = Thread.ofPlatform().start(() -> {
            try {
                while (journal.read() >= 0) {
                    // Until the end.
                }
            } catch (IOException closed) {
                // Just as well.
            }
        });
        journal.close();
        assertThat(reader.join(java.time.Duration.ofSeconds(10))).isTrue();
    }

    @Test
    void lastLinesEnd() throws Exception {
        await().until(() -> all(logs.journal("brief.service", 10, false, "cat")).contains("once"));
        assertThat(all(logs.journal("brief.service", 10, false, "json"))).contains("\"MESSAGE\":\"once\"");
        assertThat(all(logs.journal("ticker.service", 1, false, "cat")).lines()).hasSize(1);
        assertThat(all(logs.journal("unheard-of.service", 10, false, "cat"))).isEmpty();
    }

    @Test
    void statusIsThatOfSystemctl() throws Exception {
        assertThat(all(logs.status("ticker.service")))
                .contains("Active: active (running)")
                .contains("tick ");
        await().until(() -> all(logs.status("brief.service")).contains("inactive"));
        assertThat(all(logs.status("brief.service"))).contains("Active: inactive (dead)");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> all(logs.status("unheard-of.service")))
                .withMessageContaining("unheard-of.service")
                .withMessageContaining("could not be found");
    }

    @Test
    void badInputIsRefused() {
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> logs.journal("*.service", 1, false, "cat"))
                .withMessageContaining("*.service");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> logs.journal("a.service", 1, false, "cat --vacuum-size=1"))
                .withMessageContaining("output");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> logs.journal("a.service", -1, false, "cat"))
                .withMessageContaining("-1");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> new JournalctlLogSource(List.of("/no/such/command"), true).status("a.service"))
                .withMessageContaining("/no/such/command");
    }

    private static long readers() {
        return ProcessHandle.current().children().filter(ProcessHandle::isAlive).count();
    }

    private static String all(InputStream stream) throws IOException {
        try (stream) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
