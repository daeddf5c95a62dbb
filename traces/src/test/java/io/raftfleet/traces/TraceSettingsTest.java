package io.raftfleet.traces;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TraceSettingsTest {
    @ParameterizedTest
    @CsvSource({
        "http://127.0.0.1:4318, http://127.0.0.1:4318/v1/traces",
        "http://127.0.0.1:4318/, http://127.0.0.1:4318/v1/traces",
        "https://tempo.example/otlp, https://tempo.example/otlp/v1/traces",
        "https://tempo.example/otlp/v1/traces, https://tempo.example/otlp/v1/traces",
        "http://[::1]:4318, http://[::1]:4318/v1/traces",
    })
    void aCollectorIsNamedWithOrWithoutThePath(String given, String used) {
        assertThat(TraceSettings.of(given, "1").endpoint()).hasToString(used);
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1:4318", "grpc://h:4317", "http://", "http:///v1", "http://h h", "nonsense", ""})
    void whatIsNoUrlIsRefusedWithAnExample(String given) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TraceSettings.of(given, "1"))
                .withMessageContaining(given)
                .withMessageContaining("http://127.0.0.1:4318");
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://u:secret@h:4318", "http://h:4318/?key=secret", "http://h:4318/#secret"})
    void whatMayHaveASecretIsRefusedWithoutTellingIt(String given) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TraceSettings.of(given, "1"))
                .withMessageContaining("collector")
                .withMessageNotContaining("secret");
    }

    @Test
    void theRatioIsAPart() {
        assertThat(TraceSettings.of("http://h", "0.25").ratio()).isEqualTo(0.25);
        for (var wrong : new String[] {"-0.1", "1.1", "NaN", "10%", ""}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> TraceSettings.of("http://h", wrong))
                    .withMessageContaining("0 to 1");
        }
    }
}
