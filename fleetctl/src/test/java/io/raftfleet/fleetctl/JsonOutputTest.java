package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/** What {@code --json} prints can be looked at on a terminal. */
class JsonOutputTest {
    private static String print(Object value) {
        var out = new ByteArrayOutputStream();
        JsonOutput.print(new PrintStream(out, false, StandardCharsets.UTF_8), value);
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void whatWouldActOnATerminalStandsThereAsItsNumber() {
        var said = "a\u001b[2J\u007f\u009b2J\u0085\u202e\u2066\u200f\ufeff\u2028\n\"\\ äöü € \ud83d\ude00";
        var value = Map.of("key\u009b\u202e", said);

        var json = print(List.of(value));

        assertThat(json.strip().lines().skip(1).findFirst().orElseThrow().chars())
                .noneMatch(c -> c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2000 && c < 0x2070) || c == 0xfeff);
        assertThat(json).contains("äöü € \ud83d\ude00");
        var mapper = JsonMapper.shared();
        assertThat(mapper.readTree(json)).as("means the same").isEqualTo(mapper.valueToTree(List.of(value)));
    }
}
