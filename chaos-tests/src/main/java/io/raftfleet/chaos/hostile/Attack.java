package io.raftfleet.chaos.hostile;

import java.io.IOException;
import java.util.random.RandomGenerator;

/**
 * One kind of lie, told until the attacker's time is up.
 *
 * @param kind its name in reports
 * @param lie how it is told: whatever the cluster answers, and however it fails, is all right for an attacker
 */
record Attack(String kind, Lie lie) {
    /** Tells it. */
    interface Lie {
        void tell(Attacker attacker, RandomGenerator random) throws IOException, InterruptedException;
    }
}
