package io.raftfleet.engine.control;

import io.raftfleet.proto.log.ClockSet;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The time that decisions go by: the {@linkplain ClusterTime cluster's}, but never before the registry's, which is the highest that a leader has
 * written. Where the two are far apart, as nothing was written for long, or an engine led whose clock was wrong, a record of its own sets the
 * registry's, ahead or back: by a time that is wrong by minutes, clients' requests are too old to be done, or not made yet. Used by the decision thread.
 */
final class LeaderClock {
    /** So long a leader waits for what the other engines' clocks show, when the registry's would have to be set. */
    private static final long PATIENCE_NANOS = Duration.ofSeconds(2).toNanos();

    private static final Logger log = LoggerFactory.getLogger(LeaderClock.class);

    private final String engineId;
    private final ClusterTime clocks;
    private final Registry registry;
    private final Controller.Proposer proposer;
    /** What was seen when it looked last. */
    private ClusterTime.Reading reading = new ClusterTime.Reading(0, 0, false);
    /** Since when it waits, by the monotonic clock; 0 while there is nothing to wait for. */
    private long waiting;
    /** Whether it is said that this machine's clock is wrong. */
    private boolean said;

    LeaderClock(Controller.Inputs inputs) {
        this.engineId = inputs.engineId();
        this.registry = inputs.registry();
        this.proposer = inputs.proposer();
        this.clocks = new ClusterTime(inputs.clock(), proposer::clocks, registry);
    }

    /** Looks at all clocks. */
    void look() {
        reading = clocks.look();
        sayWhoseIsWrong();
    }

    /** What is decided now is decided at this time, in milliseconds of Unix time. */
    long now() {
        return Math.max(clocks.own().millis() + reading.behindMs(), registrys());
    }

    /** For an entry that is nothing but written: it does not make the registry's clock leap. */
    long stamp() {
        long registrys = registrys();
        return leaps(registrys) ? registrys : Math.max(reading.ms(), registrys);
    }

    /** Whether nothing should be decided yet: the registry's clock would have to be set, and what most show, or whether all know how, is not known. */
    boolean waits() {
        if (!leaps(registrys()) || (reading.byMost() && proposer.agreedFormat() >= EntryFormats.WITH_CLOCK_SET)) {
            waiting = 0;
            return false;
        }
        long now = System.nanoTime();
        waiting = waiting == 0 ? now : waiting;
        return now - waiting < PATIENCE_NANOS;
    }

    /** What the registry's clock is to be set to, where that is far from what it shows, and all engines know how; back only to what most show. */
    Optional<Record> correction() {
        long registrys = registrys();
        boolean back = reading.ms() < registrys;
        if (!leaps(registrys) || (back && !reading.byMost()) || proposer.agreedFormat() < EntryFormats.WITH_CLOCK_SET) {
            return Optional.empty();
        }
        if (back) {
            log.warn(
                    "engine {}: the cluster's clock was at {}, {} s ahead of most engines' clocks, as after an engine led whose clock"
                            + " was wrong: it is set back. Tokens may have expired, and deadlines of drains been reached, too early",
                    engineId,
                    Instant.ofEpochMilli(registrys),
                    (registrys - reading.ms()) / 1000);
        }
        return Optional.of(Record.newBuilder()
                .setClockSet(ClockSet.newBuilder().setToMs(reading.ms()))
                .build());
    }

    /** Before the cluster's first entry there is no clock that could. */
    private boolean leaps(long registrys) {
        return registrys != 0 && ClusterTime.far(reading.ms(), registrys);
    }

    private void sayWhoseIsWrong() {
        long behind = reading.behindMs();
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
