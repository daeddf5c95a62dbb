package io.raftfleet.state;

import io.raftfleet.proto.log.Record;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The registry as it will be once the records of an entry in the making have been applied: the changes of these records, over
 * the tables as they are. Applies records by the code that every engine applies the entry by. Takes space for what changes alone;
 * thrown away once the entry is applied, or is not to be.
 *
 * <p>Units, their contents and machines are spoken of ahead; states of units, departures and answers to requests stay as they are
 * applied, for nothing is decided on them. Owned by one thread.
 */
public final class Speculation {
    /** Another entry was applied since: what was decided so far was decided on what is no more. */
    public static final class OvertakenException extends RuntimeException {
        private static final long serialVersionUID = 1;

        OvertakenException(long from, long to) {
            super("the registry went on from index " + from + " to " + to);
        }
    }

    private final Registry registry;
    private final long appliedIndex;
    private final RegistryView view;
    private final List<Change> changes = new ArrayList<>();
    private final FanOut fanOut;
    private final Transition transition;
    /** Stands for the index that the entry will have, which is known once it is in the log: above all that were applied. */
    private final long index;

    /** To be made under the registry's lock. */
    Speculation(Registry registry, Tables applied, EventWindow events, long appliedIndex) {
        this.registry = registry;
        this.appliedIndex = appliedIndex;
        this.index = appliedIndex + 1;
        var ahead = applied.over();
        this.view = new RegistryView(ahead, events, () -> appliedIndex);
        this.fanOut = new FanOut(applied);
        this.transition = new Transition(ahead, index, changes, fanOut);
    }

    /**
     * Reads what will be; see {@link Registry#read}. Tables can't be listed.
     *
     * @throws OvertakenException when something else was applied since this was made
     */
    public <T> T read(Function<RegistryView, T> read) {
        return now(() -> read.apply(view));
    }

    /**
     * Applies a record that is to be proposed with those before it, in this order. One that fails leaves this of no use.
     *
     * @return what it changes of units and machines, in order, to be read before the next one is applied; versions and start
     *     generations are not yet those that will be
     * @throws IllegalStateException when it would be dropped, and so should not have been decided
     * @throws OvertakenException when something else was applied since this was made
     */
    public List<Change> apply(Record record) {
        return now(() -> {
            int before = changes.size();
            var why = transition.apply(record);
            if (why != null) {
                throw new IllegalStateException(
                        "a " + record.getRecordCase() + " was decided that does not hold: " + why);
            }
            return Collections.unmodifiableList(changes.subList(before, changes.size()));
        });
    }

    /** Counts a record of the entry that is not {@linkplain #apply applied} here, as nothing is decided on it: a report. */
    public void count(Record record) {
        now(() -> {
            fanOut.count(record);
            return record;
        });
    }

    /** How many changes the entry makes when it is applied, at most, with all records so far: see {@link Versions#MAX_ORDINAL}. */
    public long mostChanges() {
        return Chronicle.MOST_OF_AN_ENTRY + 1 + changes.size() + fanOut.changes();
    }

    /** How many of {@link #mostChanges} are none of the records so far: a later one of the entry may undo what they do. */
    public long undoneLater() {
        return fanOut.undone();
    }

    /** The version that a record decided on this unit has to carry. */
    public long version(UnitRecord unit) {
        return Versions.index(unit.version()) == index ? Versions.IN_THIS_ENTRY : unit.version();
    }

    private <T> T now(Supplier<T> what) {
        return registry.read(applied -> {
            if (applied.appliedIndex() != appliedIndex) {
                throw new OvertakenException(appliedIndex, applied.appliedIndex());
            }
            return what.get();
        });
    }
}
