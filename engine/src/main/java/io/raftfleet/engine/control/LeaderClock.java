package io.raftfleet.engine.control;

import io.raftfleet.proto.log.ClockSetBack;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The time that decisions go by: this machine's, but never before the registry's, which is the highest that a leader has written. Where an
 * engine led whose clock was ahead by far, the registry's is set back instead: until it had been caught up with, all requests would be too
 * old to be done. Used by the decision thread.
 */
final class LeaderClock {
    /**
     * So far ahead the registry's clock may be: as clocks of machines differ, and short enough that a request, whose id is good for five
     * minutes, has as much left to be tried again.
     */
    static final Duration MOST_AHEAD = Duration.ofSeconds(150);

    private static final Logger log = LoggerFactory.getLogger(LeaderClock.class);

    private final String engineId;
    private final InstantSource clock;
    private final Registry registry;

    LeaderClock(String engineId, InstantSource clock, Registry registry) {
        this.engineId = engineId;
        this.clock = clock;
        this.registry = registry;
    }

    /** In milliseconds of Unix time. */
    long now() {
        return Math.max(clock.millis(), registrys());
    }

    /** What sets the registry's clock back, where that is needed, and all engines know how; at this machine's time. */
    Optional<Record> correction(int agreedFormat) {
        long own = clock.millis();
        long ahead = registrys() - own;
        if (ahead <= MOST_AHEAD.toMillis() || agreedFormat < EntryFormats.WITH_CLOCK_SET_BACK) {
            return Optional.empty();
        }
        log.warn(
                "engine {}: the cluster's clock is at {}, {} s ahead of this machine's: an engine led whose clock was wrong, or this"
                        + " one's is. It is set back to this one's. Set the clocks of all engines' machines right",
                engineId,
                Instant.ofEpochMilli(registrys()),
                ahead / 1000);
        return Optional.of(Record.newBuilder()
                .setClockSetBack(ClockSetBack.newBuilder().setToMs(own))
                .build());
    }

    private long registrys() {
        return registry.read(RegistryView::clockMs);
    }
}
