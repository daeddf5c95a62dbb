package io.raftfleet.engine.control;

import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.raft.EngineClocks;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * What the time is by the engines' clocks: this machine's, unless it is far from what most of them show; then theirs. Of clocks that differ by minutes it
 * is the one in the middle. Where there are two in the middle, it is the one that is behind, since a clock that is ahead does more harm; unless it is
 * behind what a leader has written. Safe for use by any thread.
 *
 * @param own this machine's
 * @param clocks what the engines' clocks show, as far as is known
 * @param registry whose clock is what leaders have written
 */
public record ClusterTime(InstantSource own, Supplier<EngineClocks> clocks, Registry registry)
        implements InstantSource {
    /** So far apart clocks may be: half of what a request's id is good for, so that the client's may be wrong by the other half. */
    static final Duration FAR = Duration.ofSeconds(150);

    /**
     * A look at all clocks.
     *
     * @param ms what the time is, in milliseconds of Unix time
     * @param ownMs what this machine's clock shows
     * @param byMost whether more than half of the engines' clocks are near it
     */
    record Reading(long ms, long ownMs, boolean byMost) {}

    Reading look() {
        long here = own.millis();
        var known = clocks.get();
        long[] shown = Stream.concat(Stream.of(here), known.others().stream())
                .mapToLong(Long::longValue)
                .sorted()
                .toArray();
        long middle = shown[(shown.length - 1) / 2];
        if (middle < registry.read(RegistryView::clockMs) - FAR.toMillis()) {
            middle = shown[shown.length / 2];
        }
        long time = far(here, middle) ? middle : here;
        long near = LongStream.of(shown).filter(ms -> !far(ms, time)).count();
        return new Reading(time, here, 2 * near > known.voters());
    }

    /** The latest of what this may be: by most engines' clocks, by this machine's where it can't be told that it is wrong, and by what was written. */
    public long latestMs() {
        var reading = look();
        long latest = Math.max(reading.ms(), registry.read(RegistryView::clockMs));
        return reading.byMost() ? latest : Math.max(latest, reading.ownMs());
    }

    @Override
    public Instant instant() {
        return Instant.ofEpochMilli(look().ms());
    }

    static boolean far(long one, long other) {
        return Math.abs(one - other) > FAR.toMillis();
    }
}
