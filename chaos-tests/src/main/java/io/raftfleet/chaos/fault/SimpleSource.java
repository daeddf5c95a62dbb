package io.raftfleet.chaos.fault;

import java.util.function.Function;
import java.util.random.RandomGenerator;

/** A kind of fault put together from how to draw it. */
record SimpleSource(String kind, String obstacle, Function<RandomGenerator, Fault> drawing) implements FaultSource {
    @Override
    public Fault draw(RandomGenerator random) {
        return drawing.apply(random);
    }
}
