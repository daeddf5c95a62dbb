package io.raftfleet.engine.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TimingTest {
    @ParameterizedTest
    @CsvSource({"1500,500", "3000,1000", "10000,1000", "30000,3000", "50000,5000", "600000,5000"})
    void heartbeatsAreTenInATtlButAtMostOneASecondAndAtLeastThree(long ttlMs, long heartbeatMs) {
        assertThat(Sessions.Timing.of(Duration.ofMillis(ttlMs)).heartbeat()).hasMillis(heartbeatMs);
    }

    @Test
    void anAgentWhoseHeartbeatsAreAnsweredLateIsNeitherSilentNorLost() {
        for (long ms = 100; ms < 120_000; ms += 100) {
            var timing = Sessions.Timing.of(Duration.ofMillis(ms));
            var answered = timing.heartbeat().plus(timing.betweenConfirmations());
            assertThat(answered.multipliedBy(2)).isCloseTo(timing.silence(), Duration.ofNanos(10));
            assertThat(answered.multipliedBy(2)).isLessThan(timing.ttl());
        }
    }

    /** With TTLs of less than eight seconds heartbeats are fewer than ten, and the lease ends first. */
    @Test
    void anAgentOnAStuckStreamOpensAnotherSessionBeforeItIsLost() {
        for (long ms = 8_000; ms <= 50_000; ms += 100) {
            var timing = Sessions.Timing.of(Duration.ofMillis(ms));
            assertThat(timing.silence().multipliedBy(3)) // As many as the agent bears (OpenSession).
                    .as("TTL of %s ms", ms)
                    .isLessThan(timing.ttl());
        }
    }
}
