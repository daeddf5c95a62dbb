package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;

class UnitWarningsTest {
    @Test
    void keepsEachLineOnceWithoutTheUnitsNameAndWhatSaysNothing() {
        assertThat(UnitWarnings.lines("a.service", """
                        /run/a.service:2: Neither a valid executable name nor an absolute path: x
                        a.service: Unit configuration has fatal error, unit will not be started.
                        /run/a.service:2: Neither a valid executable name nor an absolute path: x
                        a.service: Failed to do it.

                        """))
                .containsExactly(
                        "/run/a.service:2: Neither a valid executable name nor an absolute path: x",
                        "Failed to do it.");
        assertThat(UnitWarnings.lines("a.service", "y".repeat(10_000)).getFirst())
                .hasSizeLessThan(420);
    }

    @Test
    void nothingIsKnownWithoutAJournal() {
        assertThat(UnitWarnings.none().of("a.service", Instant.EPOCH))
                .isCompletedWithValueMatching(lines -> lines.isEmpty());
    }
}
