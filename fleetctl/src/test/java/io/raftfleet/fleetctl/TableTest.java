package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

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
    void lastCellsAreNotPaddedAndWidthsCountCharacters() {
        assertThat(print(row("one"), row("three"))).isEqualTo("one\nthree\n");
        assertThat(print(row("äöüäöüä", "x"), row("a", "y"))).isEqualTo("äöüäöüä\tx\na\ty\n");
        assertThat(print()).isEmpty();
    }
}
