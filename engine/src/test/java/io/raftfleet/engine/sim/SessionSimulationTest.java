package io.raftfleet.engine.sim;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * The leader's side and the agents' side of the session under faults. A run that fails is run again, with all that it logs, by
 * {@code -Dsim.seed=N -Dsim.seeds=1}.
 */
class SessionSimulationTest {
    private static final int SEEDS = Integer.getInteger("sim.seeds", 100);
    private static final long FIRST = Long.getLong("sim.seed", 1);
    private static final Logger ROOT = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    private static final Level LEVEL = ROOT.getLevel();

    @BeforeAll
    static void logOneRunAlone() {
        ROOT.setLevel(SEEDS == 1 ? Level.DEBUG : Level.OFF);
    }

    @AfterAll
    static void logAgain() {
        ROOT.setLevel(LEVEL);
    }

    @Test
    void holdsWhateverHappens() {
        int lost = 0;
        for (long seed = FIRST; seed < FIRST + SEEDS; seed++) {
            try (var simulation = new Simulation(seed)) {
                assertThat(simulation.check()).as("seed %d", seed).isEmpty();
                lost += simulation.lost();
            }
        }
        if (SEEDS > 1) {
            assertThat(lost).as("machines that were lost in all runs").isGreaterThan(SEEDS / 10);
        }
    }

    /** Units that run when a backup is restored run on, or are stopped before they are started elsewhere. */
    @Test
    void aRestoredRegistryStartsNothingTwice() {
        int moved = 0;
        for (long seed = FIRST; seed < FIRST + SEEDS; seed++) {
            try (var simulation = new Simulation(seed)) {
                assertThat(simulation.checkRestored()).as("seed %d", seed).isEmpty();
                moved += simulation.moved();
            }
        }
        if (SEEDS > 1) {
            assertThat(moved)
                    .as("units that ran elsewhere than the backup had them, in all runs")
                    .isGreaterThan(SEEDS / 10);
        }
    }

    @Test
    void theSameSeedGivesTheSameRun() {
        assertThat(trace(FIRST)).isEqualTo(trace(FIRST));
    }

    private static long trace(long seed) {
        try (var simulation = new Simulation(seed)) {
            simulation.check();
            return simulation.agenda().trace();
        }
    }
}
