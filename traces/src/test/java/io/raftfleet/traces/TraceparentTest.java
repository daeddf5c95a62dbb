package io.raftfleet.traces;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class TraceparentTest {
    private static final String GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    @Test
    void whatIsReadIsWhatIsSent() {
        var context = Traceparent.parse(GOOD);

        assertThat(context).isNotNull();
        assertThat(context.isSampled()).isTrue();
        assertThat(context.isRemote()).isTrue();
        assertThat(Traceparent.of(context)).isEqualTo(GOOD);
    }

    @ParameterizedTest
    @NullSource
    @ValueSource(
            strings = {
                "",
                "00",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
                "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c8031\u0000c-b7ad6b7169203331-01",
                "00-\u00e4af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
                "'; DROP TABLE spans; --"
            })
    void whatIsNoneIsIgnored(String header) {
        assertThat(Traceparent.parse(header)).isNull();
    }

    @Test
    void tenKilobytesAreIgnored() {
        assertThat(Traceparent.parse(GOOD + "-" + "0".repeat(10 * 1024))).isNull();
        assertThat(Traceparent.parse("\u00ff".repeat(10 * 1024))).isNull();
    }
}
