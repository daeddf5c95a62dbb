package io.raftfleet.chaos.fault;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Wall clocks that jump and come back. */
final class ClockFaults {
    /** Most jumps are of seconds or minutes; a wrong time zone, or a clock that stood still, is hours. */
    private static final int[] FARTHEST_SECONDS = {120, 7_200};

    private final Targets targets;
    private final @Nullable Clocks clocks;
    private final String obstacle;

    /** @param clocks absent when engines have the host's clock */
    ClockFaults(Targets targets, @Nullable Clocks clocks, String obstacle) {
        this.targets = targets;
        this.clocks = clocks;
        this.obstacle = obstacle;
    }

    List<FaultSource> sources() {
        return List.of(new SimpleSource("clock-jump", obstacle, this::jump));
    }

    private Fault jump(RandomGenerator random) {
        var engine = targets.engine(random);
        int seconds = (1 + random.nextInt(FARTHEST_SECONDS[random.nextInt(FARTHEST_SECONDS.length)]))
                * (random.nextBoolean() ? 1 : -1);
        var moved = clocks;
        if (moved == null) {
            throw new IllegalStateException("clocks can't be moved: " + obstacle);
        }
        return new SimpleFault(
                List.of(engine.id()),
                Set.of("clock-" + engine.id()),
                targets.show(engine) + "'s clock by " + seconds + " s",
                e -> moved.set(engine.id(), Duration.ofSeconds(seconds)),
                e -> moved.set(engine.id(), Duration.ZERO));
    }
}
