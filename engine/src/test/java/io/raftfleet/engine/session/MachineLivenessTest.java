package io.raftfleet.engine.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class MachineLivenessTest {
    private static final long SECOND = 1_000_000_000L;

    private final MachineLiveness liveness = new MachineLiveness(Duration.ofSeconds(30));

    @Test
    void aNewLeaderGivesEveryMachineOneFullTtl() {
        liveness.begin(List.of("m1", "m2"), 100 * SECOND);
        assertThat(liveness.silent(130 * SECOND - 1, 10)).isEmpty();
        assertThat(liveness.silent(130 * SECOND, 10))
                .extracting(MachineLiveness.Silent::machineId, MachineLiveness.Silent::everHeard)
                .containsExactlyInAnyOrder(tuple("m1", false), tuple("m2", false));
    }

    @Test
    void whoIsHeardIsNotLost() {
        liveness.begin(List.of("m1", "m2"), 0);
        liveness.heard("m1", 20 * SECOND);
        assertThat(liveness.silent(30 * SECOND, 10))
                .extracting(MachineLiveness.Silent::machineId)
                .containsExactly("m2");
        assertThat(liveness.silent(49 * SECOND, 10)).isEmpty();
        assertThat(liveness.silent(50 * SECOND, 10)).containsExactly(new MachineLiveness.Silent("m1", true));
        assertThat(liveness.silent(500 * SECOND, 10)).as("told once").isEmpty();
    }

    @Test
    void lossesAreLimited() {
        liveness.begin(List.of("m1", "m2", "m3"), 0);
        assertThat(liveness.silent(31 * SECOND, 2)).hasSize(2);
        assertThat(liveness.silent(31 * SECOND, 2)).hasSize(1);
    }

    @Test
    void aRespiteIsAnotherTtlUnlessTheMachineWasHeardMeanwhile() {
        liveness.begin(List.of(), 0);
        liveness.heard("m1", 0);
        var silent = liveness.silent(30 * SECOND, 10);
        liveness.respite(silent, 30 * SECOND);
        assertThat(liveness.silent(59 * SECOND, 10)).isEmpty();
        assertThat(liveness.silent(60 * SECOND, 10)).containsExactly(new MachineLiveness.Silent("m1", false));
    }

    @Test
    void theClockMayWrap() {
        long almost = Long.MAX_VALUE - 5 * SECOND;
        liveness.begin(List.of(), almost);
        liveness.heard("m1", almost);
        assertThat(liveness.silent(almost + 29 * SECOND, 10)).isEmpty();
        assertThat(liveness.silent(almost + 30 * SECOND, 10)).hasSize(1);
    }
}
