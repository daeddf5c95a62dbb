package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SuggestionsTest {
    private static final List<String> COMMANDS = List.of(
            "cat", "destroy", "list-machines", "list-unit-files", "list-units", "start", "status", "stop", "why");

    @ParameterizedTest
    @CsvSource({
        "strat, start",
        "STOP, stop",
        "detsroy, destroy",
        "list-machine, list-machines",
        "lst-units, list-units",
        "wyh, why",
        "statsu, status"
    })
    void aSlipIsKnown(String typed, String meant) {
        assertThat(Suggestions.closest(typed, COMMANDS)).startsWith(meant);
    }

    @Test
    void anAbbreviationIsKnown() {
        assertThat(Suggestions.closest("list-u", COMMANDS)).containsExactly("list-unit-files", "list-units");
        assertThat(Suggestions.closest("dest", COMMANDS)).containsExactly("destroy");
    }

    @Test
    void nothingIsMadeUp() {
        assertThat(Suggestions.closest("frobnicate", COMMANDS)).isEmpty();
        assertThat(Suggestions.closest("", COMMANDS)).isEmpty();
        assertThat(Suggestions.closest("x".repeat(100_000), COMMANDS)).isEmpty();
        assertThat(Suggestions.closest("start", List.of("x".repeat(100_000)))).isEmpty();
    }

    @Test
    void mistakesAreCounted() {
        assertThat(Suggestions.mistakes("", "")).isZero();
        assertThat(Suggestions.mistakes("web.servce", "web.service")).isEqualTo(1);
        assertThat(Suggestions.mistakes("ab", "ba")).isEqualTo(1);
        assertThat(Suggestions.mistakes("kitten", "sitting")).isEqualTo(3);
    }

    @Test
    void theyAreAskedAbout() {
        assertThat(Suggestions.question(List.of(), "; look")).isEqualTo("; look");
        assertThat(Suggestions.question(List.of("a"), "")).isEqualTo("; did you mean a?");
        assertThat(Suggestions.question(List.of("a", "b", "c"), "")).isEqualTo("; did you mean a, b or c?");
    }
}
