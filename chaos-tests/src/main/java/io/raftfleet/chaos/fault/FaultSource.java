package io.raftfleet.chaos.fault;

import java.util.random.RandomGenerator;

/** Makes faults of one kind. */
public interface FaultSource {
    /** As {@code --faults} names it. */
    String kind();

    /** Why such faults can't be injected here; empty where they can. */
    String obstacle();

    /** Draws one; the same random numbers give the same fault, as far as who leads is the same. */
    Fault draw(RandomGenerator random);
}
