package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ResultsTest {
    private static OutputStream failing(String why) {
        return new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException(why);
            }
        };
    }

    private static String lost(OutputStream to) {
        var results = new Results(to);
        var out = new PrintStream(new BufferedOutputStream(results), false, StandardCharsets.UTF_8);
        out.println("a.service");
        out.flush();
        return results.lost();
    }

    @Test
    void aFullDiskIsTold() {
        assertThat(lost(failing("No space left on device"))).isEqualTo("No space left on device");
    }

    @Test
    void whoReadsNoFurtherLosesNothing() {
        assertThat(lost(failing("Broken pipe"))).isEmpty();
    }

    @Test
    void whatIsWrittenIsNotLost() {
        var bytes = new ByteArrayOutputStream();
        assertThat(lost(bytes)).isEmpty();
        assertThat(bytes.toString(StandardCharsets.UTF_8)).isEqualTo("a.service" + System.lineSeparator());
    }
}
