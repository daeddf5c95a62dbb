package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ProgressLineTest {
    @Test
    void whatAMachineSaysActsOnNoTerminal() {
        var err = new ByteArrayOutputStream();
        var stream = new PrintStream(err, true, StandardCharsets.UTF_8);
        var line = new ProgressLine(
                new Terminal(InputStream.nullInputStream(), stream, stream, Map.of(), Path.of("."), true));
        while (err.size() == 0) { // For a tenth of a second nothing is shown.
            line.show("unit a.service: \u001b]0;owned\u0007\n\u009b2J\u202eit");
        }
        assertThat(err.toString(StandardCharsets.UTF_8))
                .isEqualTo("\r\u001b[Kunit a.service: \\x1b]0;owned\\x07\\n\\x9b2J\\u202eit");
    }
}
