package io.raftfleet.engine.control;

import io.raftfleet.proto.log.ClockSet;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The time that decisions go by: the {@linkplain ClusterTime cluster's}, but never before the registry's, which is the highest that a leader has
 * written. Where that is far from what it should be, since an engine leads anew after nothing was written for long, or led whose clock was wrong, or a
 * machine was suspended, a record of its own sets it, ahead or back: by a time that is wrong by minutes, clients' requests are too old to be done, or not made
 * yet. Used by the decision thread.
 */
final class LeaderClock {
    /** So long a leader waits for what the other engines' clocks show, when the registry's would have to be set. */
    private static final long PATIENCE_NANOS = Duration.ofSeconds(1).toNanos();

    private static final Logger log = LoggerFactory.getLogger(LeaderClock.class);

    private final String engineId;
    private final ClusterTime clocks;
    private final Registry registry;
    private final Controller.Proposer proposer;
    private final LongSupplier nanos;
    /** What was seen when it looked last. */
    private ClusterTime.Reading reading = new ClusterTime.Reading(0, 0, false);
    /** When this leader's last entry was applied, or it began to lead, by the monotonic clock. */
    private long writtenNanos;
    /** Since when it waits, by the monotonic clock; 0 while there is nothing to wait for. */
    private long waiting;
    /** Whether it is said that this machine's clock is wrong. */
    private boolean said;

    /** @param nanos the monotonic clock */
    LeaderClock(Controller.Inputs inputs, LongSupplier nanos) {
        this.nanos = nanos;
        this.engineId = inputs.engineId();
        this.registry = inputs.registry();
        this.proposer = inputs.proposer();
        this.clocks = new ClusterTime(inputs.clock(), proposer::clocks, registry);
    }

    /** Begins to lead. */
    void leading() {
        written();
        waiting = 0;
        said = false;
        look();
    }

    /** An entry of this leader has been applied: the registry's clock is right as of now, if it was before. */
    void written() {
        writtenNanos = nanos.getAsLong();
    }

    /** Looks at all clocks. */
    void look() {
        reading = clocks.look();
        sayWhoseIsWrong();
    }

    /** What is decided now is decided at this time, in milliseconds of Unix time; not far from what was seen at the last look, whatever a clock does. */
    long now() {
        long since = clocks.own().millis() - reading.ownMs();
        return Math.max(reading.ms() + Math.clamp(since, 0, ClusterTime.FAR.toMillis()), registrys());
    }

    /** For an entry that is nothing but written: it does not make the registry's clock leap. */
    long stamp() {
        long registrys = registrys();
        return leaps(registrys) ? registrys : Math.max(reading.ms(), registrys);
    }

    /** Looks at all clocks. Whether nothing should be decided before it {@link #waits} or the registry's clock is {@linkplain #correction set}. */
    boolean isOff() {
        look();
        if (!leaps(registrys())) {
            waiting = 0;
            return false;
        }
        return waits() || settable();
    }

    /**
     * Whether what most clocks show, or whether all engines know how the registry's is set, may yet be heard. Where they don't know, and it would be set
     * ahead, it leaps by itself, and nothing is won by waiting.
     */
    boolean waits() {
        boolean known = proposer.agreedFormat() >= EntryFormats.WITH_CLOCK_SET;
        if (known ? reading.byMost() : !back()) {
            return false;
        }
        long now = nanos.getAsLong();
        waiting = waiting == 0 ? now : waiting;
        return now - waiting < PATIENCE_NANOS;
    }

    /** It is set back only by what most show. */
    private boolean settable() {
        return proposer.agreedFormat() >= EntryFormats.WITH_CLOCK_SET && (reading.byMost() || !back());
    }

    private boolean back() {
        return reading.ms() < registrys();
    }

    /** What the registry's clock is to be set to; empty where it can't be. */
    Optional<Record> correction() {
        if (!settable()) {
            return Optional.empty();
        }
        if (back()) {
            log.warn(
                    "engine {}: the cluster's clock was at {}, {} s ahead of most engines' clocks, as after an engine led whose clock"
                            + " was wrong: it is set back. Tokens may have expired, and deadlines of drains been reached, too early",
                    engineId,
                    Instant.ofEpochMilli(registrys()),
                    (registrys() - reading.ms()) / 1000);
        }
        return Optional.of(Record.newBuilder()
                .setClockSet(ClockSet.newBuilder().setToMs(reading.ms()))
                .build());
    }

    /** Whether the registry's clock would leap: it is not where it was, and as much further as this leader has written nothing. Before the cluster's first entry it can't. */
    private boolean leaps(long registrys) {
        long passed = TimeUnit.NANOSECONDS.toMillis(nanos.getAsLong() - writtenNanos);
        return registrys != 0
                && ClusterTime.far(reading.ms(), registrys)
                && ClusterTime.far(reading.ms(), registrys + passed);
    }

    private void sayWhoseIsWrong() {
        long behind = reading.ms() - reading.ownMs();
        if (behind != 0 && !said) {
            log.warn(
                    "engine {}: this machine's clock is {} s {} what most engines' show, by which the cluster goes: set it right",
                    engineId,
                    Math.abs(behind) / 1000,
                    behind > 0 ? "behind" : "ahead of");
        }
        said = behind != 0;
    }

    private long registrys() {
        return registry.read(RegistryView::clockMs);
    }
}
