package io.raftfleet.agent.systemd;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Asks for the states of units with new files of which systemd says nothing by itself, those that nobody starts: a little later, and
 * for all at once. For an answer systemd loads a unit, and drops it again as nothing needs it, which takes it as long as half a
 * start; so units that are about to be started are left out, as systemd tells of those in signals.
 *
 * <p>Owned by the manager's thread.
 */
final class Settling {
    /** A start is late that is not over so long after it was announced, or asked for: then its unit is asked for too. */
    static final Duration PATIENCE = Duration.ofSeconds(30);

    /** How long until the next look while starts are to come; nothing but their being late depends on it. */
    private static final Duration LATER = Duration.ofSeconds(5);

    private final StateTable table;
    private final Supplier<Set<String>> ordered;
    private final Timer timer;
    private final LongSupplier nanoClock;
    private final Duration soon;
    private final Consumer<List<String>> ask;

    /** Units that are about to be started, and since when. */
    private final Map<String, Long> starting = new HashMap<>();

    /** Counts looks that are due, of which only the last is taken: one that was due later may have been overtaken. */
    private long due;

    private boolean dueSoon;

    /** Runs tasks on the manager's thread. */
    @FunctionalInterface
    interface Timer {
        void later(Runnable task, Duration pause);
    }

    /**
     * One that asks for nothing yet.
     *
     * @param ordered names of units with orders that systemd has not answered
     * @param soon how long after an installation
     * @param ask asks systemd for the states of these units
     */
    Settling(
            StateTable table,
            Supplier<Set<String>> ordered,
            Timer timer,
            LongSupplier nanoClock,
            Duration soon,
            Consumer<List<String>> ask) {
        this.table = table;
        this.ordered = ordered;
        this.timer = timer;
        this.nanoClock = nanoClock;
        this.soon = soon;
        this.ask = ask;
    }

    /** These units have new files, and some of them are to be started next. */
    void installed(Collection<String> units, Set<String> toStart) {
        long now = nanoClock.getAsLong();
        for (String unit : units) {
            if (toStart.contains(unit)) {
                starting.put(unit, now);
            } else {
                starting.remove(unit);
            }
        }
        soon();
    }

    /** These units have no files any more. */
    void uninstalled(Collection<String> units) {
        units.forEach(starting::remove);
    }

    /** A start is over, or there is none: what systemd has not told by now it may never tell. */
    void startEnded(String unit) {
        starting.remove(unit);
        if (table.isUnknown(unit)) {
            soon();
        }
    }

    /** Of these units, those that are not about to be started. */
    List<String> quiet(Collection<String> units) {
        long now = nanoClock.getAsLong();
        for (String unit : ordered.get()) {
            starting.put(unit, now);
        }
        starting.values().removeIf(since -> now - since >= PATIENCE.toNanos());
        return units.stream().filter(unit -> !starting.containsKey(unit)).toList();
    }

    private void soon() {
        if (!dueSoon) {
            dueSoon = true;
            in(soon);
        }
    }

    private void in(Duration pause) {
        long number = ++due;
        timer.later(
                () -> {
                    if (number == due) {
                        look();
                    }
                },
                pause);
    }

    private void look() {
        dueSoon = false;
        Set<String> unknown = table.unknown();
        List<String> quiet = quiet(unknown);
        if (quiet.size() < unknown.size()) {
            in(LATER);
        }
        if (!quiet.isEmpty()) {
            ask.accept(quiet);
        }
    }
}
