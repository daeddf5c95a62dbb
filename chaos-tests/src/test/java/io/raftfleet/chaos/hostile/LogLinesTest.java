package io.raftfleet.chaos.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogLinesTest {
    @TempDir
    Path dir;

    private boolean passes(String text) throws IOException {
        var log = Files.writeString(dir.resolve("e1.log"), text);
        return LogLines.check(Map.of("e1", log)).passed();
    }

    @Test
    void linesOfAnEngine() throws IOException {
        assertThat(passes("one line\n\tat a stack trace\nünïcödé \\u001b[31m\n"))
                .isTrue();
    }

    @Test
    void charactersOfStrangers() throws IOException {
        for (var bad :
                List.of("\u001b[31m", "\u0000", "\u007f", "\u009b", "a\rb", "\u2028", "\u2029", "\u202e", "\u2066")) {
            assertThat(passes("unit \"" + bad + "\" is refused\n")).as(bad).isFalse();
        }
    }

    @Test
    void linesOfStrangers() throws IOException {
        assertThat(passes("unit \"a\n" + Odd.FORGED_LINE + "\" is refused\n")).isFalse();
        assertThat(passes("unit \"a\\n" + Odd.FORGED_LINE + "\" is refused\n")).isTrue();
    }
}
