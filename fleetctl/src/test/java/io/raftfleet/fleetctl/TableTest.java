package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** Expected padding is that of Go's text/tabwriter with minimum width 0, tab width 8, padding 1 and tabs. */
class TableTest {
    private static String print(String[]... rows) {
        var table = new Table();
        for (String[] row : rows) {
            table.add(row);
        }
        var bytes = new ByteArrayOutputStream();
        var out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        table.print(out);
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private static String[] row(String... cells) {
        return cells;
    }

    @Test
    void aCellOfSevenFitsAColumnOfEightAndOneOfEightDoesNot() {
        assertThat(print(row("1234567", "x"), row("1", "y"))).isEqualTo("1234567\tx\n1\ty\n");
        assertThat(print(row("12345678", "x"), row("1", "y"))).isEqualTo("12345678\tx\n1\t\ty\n");
        assertThat(print(row("", "x"), row("123456789012345", "y"))).isEqualTo("\t\tx\n123456789012345\ty\n");
    }

    @Test
    void whatATerminalWouldActOnIsShownInstead() {
        assertThat(print(row("m1\n\u001b[2J", "a\tb"), row("\u001b]0;x\u0007", "\u202e")))
                .isEqualTo("m1\\n\\x1b[2J\ta\\tb\n\\x1b]0;x\\x07\t\\u202e\n");
    }

    @Test
    void aLogForATerminalIsHarmlessHoweverItIsCutInChunks() {
        byte[] bytes = "grö\u20ac\ud83d\ude00ße\n\tx\u001b[31m\u009b\u0007".getBytes(StandardCharsets.UTF_8);
        for (int size = 1; size <= bytes.length; size++) {
            var log = new LogText();
            var text = new StringBuilder();
            for (int at = 0; at < bytes.length; at += size) {
                text.append(log.next(ByteString.copyFrom(bytes, at, Math.min(size, bytes.length - at))));
            }
            assertThat(text.toString())
                    .as("in chunks of %d", size)
                    .isEqualTo("grö\u20ac\ud83d\ude00ße\n\tx\\x1b[31m\\x9b\\x07");
        }
        assertThat(new LogText().next(ByteString.copyFrom(new byte[] {'a', (byte) 0x9b, 'b'})))
                .isEqualTo("a\ufffdb");
    }

    @Test
    void lastCellsAreNotPaddedAndWidthsCountCharacters() {
        assertThat(print(row("one"), row("three"))).isEqualTo("one\nthree\n");
        assertThat(print(row("äöüäöüä", "x"), row("a", "y"))).isEqualTo("äöüäöüä\tx\na\ty\n");
        assertThat(print()).isEmpty();
    }
}
