package io.raftfleet.chaos.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Recorder;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bin/fleet chaos check}: whole histories are checked, files that are none are refused with what is wrong. */
class CheckCommandTest {
    @TempDir
    Path dir;

    private Path file = Path.of("");
    private final StringWriter said = new StringWriter();

    @BeforeEach
    void write() {
        file = dir.resolve("history.jsonl");
        try (var recorder = new Recorder(file)) {
            recorder.add(new Event.Began(
                    0,
                    Event.FORMAT,
                    7,
                    "bin/fleet chaos --seed 7",
                    "2026-01-01T00:00:00Z",
                    List.of("e1"),
                    Map.of("a1", List.of("m1")),
                    10_000,
                    List.of(),
                    "",
                    false));
            recorder.add(new Event.Skipped(1, "delay", "not installed: gcc; apt-get install gcc"));
            recorder.add(new Event.Settled(2, true, ""));
            recorder.add(new Event.Ended(3));
        }
    }

    private int check(String... more) {
        var line =
                ChaosCommand.commandLine().setOut(new PrintWriter(said, true)).setErr(new PrintWriter(said, true));
        var arguments = new ArrayList<>(List.of("check", file.toString()));
        arguments.addAll(List.of(more));
        return line.execute(arguments.toArray(String[]::new));
    }

    private void refused(String... words) {
        assertThat(check()).isEqualTo(2);
        assertThat(said.toString()).contains(file.toString()).contains(words);
        assertThat(said.toString().lines()).hasSize(1);
    }

    @Test
    void aHistoryThatProvesNothingFails() {
        var page = dir.resolve("report.html");
        assertThat(check("--report", page.toString())).isEqualTo(1);
        assertThat(said.toString())
                .contains(
                        "Seed 7", "kept    each fault does what the design says", "UNSEEN  every unit is linearizable")
                .contains("skipped delay: not installed: gcc; apt-get install gcc")
                .contains("FAILED. To replay: bin/fleet chaos --seed 7");
        assertThat(page).exists();
    }

    @Test
    void historiesOfTheFirstFormatAreChecked() throws IOException {
        var old = Files.readString(file).replace("\"format\":" + Event.FORMAT, "\"format\":1");
        Files.writeString(file, old.substring(0, old.indexOf("{\"type\":\"ended\"")));
        assertThat(check()).isEqualTo(1);
        assertThat(said.toString()).contains("format 1").doesNotContain("each read of a unit", "what a leader counts");
    }

    @Test
    void aHistoryOfALaterFormatIsRefused() throws IOException {
        Files.writeString(file, Files.readString(file).replace("\"format\":" + Event.FORMAT, "\"format\":99"));
        refused("format 99", "reads formats 1 to " + Event.FORMAT, "the version that wrote it");
    }

    @Test
    void aHistoryCutInALineIsRefused() throws IOException {
        var whole = Files.readString(file);
        Files.writeString(file, whole.substring(0, whole.length() - 8));
        refused("ends in the middle of line 4", "stopped before its end");
    }

    @Test
    void aHistoryCutBetweenLinesIsRefused() throws IOException {
        var whole = Files.readString(file);
        Files.writeString(file, whole.substring(0, whole.indexOf("{\"type\":\"ended\"")));
        refused("ends after line 3", "not copied whole");
    }

    @Test
    void aDamagedLineIsRefused() throws IOException {
        Files.writeString(file, Files.readString(file).replace("\"type\":\"skipped\"", "\"type\":\"no such type\""));
        refused("line 2, is no event", "damaged");
    }

    @Test
    void foreignFilesAreRefused() throws IOException {
        for (var text : List.of("", "\n", "hello\n", "[1]\n", "{\"type\":\"began\"}\n", "{\"format\":1}\n")) {
            said.getBuffer().setLength(0);
            Files.writeString(file, text);
            refused("is no history of a campaign");
        }
        said.getBuffer().setLength(0);
        Files.write(file, new byte[] {(byte) 0xff, (byte) 0xfe, 10});
        refused("not UTF-8");
    }

    @Test
    void aFileThatIsNotThereIsRefused() {
        file = dir.resolve("nowhere.jsonl");
        refused("is no file");
    }
}
