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
 * Asks for the states of units with new files that nobody starts, as systemd says nothing of those by itself: a little later, and for
 * all at once. For an answer systemd loads a unit, and drops it again as nothing needs it, which takes half as long as a start; so units
 * that are about to be started are left out, as systemd tells of those in signals.
 *
 * <p>Owned by the manager's thread.
 */
final class Settling {
    /** A start that was announced and is not ordered for so long may never be: its unit is asked for too. */
    static final Duration ANNOUNCED = Duration.ofSeconds(5);

    /** A start that is not over so long after it was last seen to wait for systemd's answer is late: the same. */
    static final Duration ORDERED = Duration.ofSeconds(30);

    /** How long until the next look while starts are to come; nothing but what is late depends on it. */
    private static final Duration LATER = Duration.ofSeconds(1);

    private final StateTable table;
    private final Supplier<Set<String>> orderedStarts;
    private final Timer timer;
    private final LongSupplier nanoClock;
    private final Duration soon;
    private final Consumer<List<String>> ask;

    /** Units that are about to be started, and until when they are left to that. */
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
     * @param orderedStarts names of units whose starts are ordered, and not answered by systemd
     * @param soon how long after an installation
     * @param ask asks systemd for the states of these units
     */
    Settling(
            StateTable table,
            Supplier<Set<String>> orderedStarts,
            Timer timer,
            LongSupplier nanoClock,
            Duration soon,
            Consumer<List<String>> ask) {
        this.table = table;
        this.orderedStarts = orderedStarts;
        this.timer = timer;
        this.nanoClock = nanoClock;
        this.soon = soon;
        this.ask = ask;
    }

    /** These units have new files, and some of them are to be started next. */
    void installed(Collection<String> units, Set<String> toStart) {
        long until = nanoClock.getAsLong() + ANNOUNCED.toNanos();
        for (String unit : units) {
            if (toStart.contains(unit)) {
                starting.put(unit, until);
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

    /** A start is over, or came to nothing: what systemd has not told by now it may never tell. */
    void startEnded(String unit) {
        starting.remove(unit);
        if (table.isUnknown(unit)) {
            soon();
        }
    }

    /** All units but those whose states are unknown and that are about to be started: what to ask for once systemd has read its files anew. */
    List<String> toAsk() {
        Set<String> left = table.unknown();
        quiet(left).forEach(left::remove);
        return table.names().stream().filter(unit -> !left.contains(unit)).toList();
    }

    /** Of these units, those that are not about to be started now; notes who is, and forgets who is late. */
    private List<String> quiet(Set<String> units) {
        long now = nanoClock.getAsLong();
        Set<String> ordered = orderedStarts.get();
        if (!ordered.isEmpty()) {
            // Starts are ordered some at a time: the turn of others comes when systemd has answered these.
            starting.replaceAll((unit, until) -> Math.max(until, now + ANNOUNCED.toNanos()));
        }
        for (String unit : ordered) {
            starting.put(unit, now + ORDERED.toNanos());
        }
        starting.values().removeIf(until -> until - now <= 0);
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
