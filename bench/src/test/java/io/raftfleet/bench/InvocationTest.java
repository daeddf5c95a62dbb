package io.raftfleet.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class InvocationTest {
    @Test
    void whereResultsGoIsLeftOut() {
        assertThat(Invocation.of(List.of("start", "--units", "300", "--json", "a.json", "--html=b.html", "--rounds=1")))
                .isEqualTo("bin/fleet bench start --units 300 --rounds=1");
    }

    @Test
    void wordsAreQuotedForTheShell() {
        assertThat(Invocation.of(List.of("start", "a b", "it's"))).isEqualTo("bin/fleet bench start 'a b' 'it'\\''s'");
    }
}
