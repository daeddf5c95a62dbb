package io.raftfleet.engine.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Test;

class MachineLivenessTest {
    private static final long SECOND = 1_000_000_000L;

    private final MachineLiveness liveness = new MachineLiveness(Duration.ofSeconds(30));

    @Test
    void aNewLeaderGivesEveryMachineOneFullTtl() {
        liveness.begin(Map.of("m1", 1L, "m2", 1L), 100 * SECOND);
        assertThat(silent(130 * SECOND - 1, 10)).isEmpty();
        assertThat(silent(130 * SECOND, 10))
                .extracting(MachineLiveness.Silent::machineId, MachineLiveness.Silent::everHeard)
                .containsExactlyInAnyOrder(tuple("m1", false), tuple("m2", false));
    }

    @Test
    void whoIsHeardIsNotLost() {
        liveness.begin(Map.of("m1", 1L, "m2", 1L), 0);
        liveness.heard("m1", 20 * SECOND);
        assertThat(silent(30 * SECOND, 10))
                .extracting(MachineLiveness.Silent::machineId)
                .containsExactly("m2");
        assertThat(silent(49 * SECOND, 10)).isEmpty();
        assertThat(silent(50 * SECOND, 10)).containsExactly(new MachineLiveness.Silent("m1", 1, true));
        assertThat(silent(500 * SECOND, 10)).as("told once").isEmpty();
    }

    @Test
    void lossesAreLimited() {
        liveness.begin(Map.of("m1", 1L, "m2", 1L, "m3", 1L), 0);
        assertThat(silent(31 * SECOND, 2)).hasSize(2);
        assertThat(silent(31 * SECOND, 2)).hasSize(1);
    }

    @Test
    void aRespiteIsAnotherTtlUnlessTheMachineWasHeardMeanwhile() {
        liveness.begin(Map.of(), 0);
        liveness.opened("m1", 1, 0);
        var silent = silent(30 * SECOND, 10);
        liveness.respite(silent, 30 * SECOND);
        assertThat(silent(59 * SECOND, 10)).isEmpty();
        assertThat(silent(60 * SECOND, 10)).containsExactly(new MachineLiveness.Silent("m1", 1, false));
    }

    @Test
    void theClockMayWrap() {
        long almost = Long.MAX_VALUE - 5 * SECOND;
        liveness.begin(Map.of(), almost);
        liveness.opened("m1", 1, almost);
        assertThat(silent(almost + 29 * SECOND, 10)).isEmpty();
        assertThat(silent(almost + 30 * SECOND, 10)).hasSize(1);
    }

    @Test
    void aMachineThatMayRunFencedUnitsIsGivenTheTimeToStopThem() {
        liveness.begin(Map.of("m1", 7L), 0);
        liveness.heard("m1", 10 * SECOND);
        var asked = new AtomicInteger();
        ToLongFunction<String> extra = id -> {
            asked.incrementAndGet();
            return 12 * SECOND;
        };
        assertThat(liveness.silent(39 * SECOND, 10, extra)).isEmpty();
        assertThat(asked).as("asked only when the TTL is over").hasValue(0);
        assertThat(liveness.silent(40 * SECOND, 10, extra)).isEmpty();
        assertThat(liveness.silent(51 * SECOND, 10, extra)).isEmpty();
        assertThat(asked).as("and not at every tick").hasValue(1);
        assertThat(liveness.silent(52 * SECOND, 10, extra)).containsExactly(new MachineLiveness.Silent("m1", 7, true));
    }

    @Test
    void aMachineHeardAfterItsTtlButBeforeItsUnitsCouldHaveStoppedStays() {
        liveness.begin(Map.of("m1", 7L), 0);
        assertThat(liveness.silent(35 * SECOND, 10, id -> 12 * SECOND)).isEmpty();
        assertThat(liveness.heard("m1", 36 * SECOND)).isTrue();
        assertThat(liveness.silent(65 * SECOND, 10, id -> 0)).isEmpty();
        assertThat(silent(66 * SECOND, 10)).hasSize(1);
    }

    @Test
    void whoWasGivenUpIsHeardAgainOnlyInAnotherSession() {
        liveness.begin(Map.of("m1", 7L), 0);
        assertThat(silent(30 * SECOND, 10)).containsExactly(new MachineLiveness.Silent("m1", 7, false));
        assertThat(liveness.heard("m1", 31 * SECOND)).isFalse();
        assertThat(liveness.hears("m1", 31 * SECOND)).isFalse();
        liveness.opened("m1", 8, 32 * SECOND);
        assertThat(liveness.heard("m1", 33 * SECOND)).isTrue();
        assertThat(silent(63 * SECOND, 10)).containsExactly(new MachineLiveness.Silent("m1", 8, true));
    }

    @Test
    void aMachineThatARestoredRegistrySpeaksOfIsExpectedForLonger() {
        liveness.begin(Map.of("m1", 0L, "m2", 0L), 0);
        assertThat(silent(299 * SECOND, 10)).isEmpty();
        liveness.opened("m1", 1, 299 * SECOND);
        assertThat(silent(300 * SECOND, 10)).containsExactly(new MachineLiveness.Silent("m2", 0, false));
        assertThat(silent(329 * SECOND, 10)).containsExactly(new MachineLiveness.Silent("m1", 1, true));
    }

    private List<MachineLiveness.Silent> silent(long now, int limit) {
        return liveness.silent(now, limit, id -> 0);
    }
}
