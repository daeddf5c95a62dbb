package io.raftfleet.agent.session;

import io.raftfleet.proto.agent.StateReport;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.Digest;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What the registry has yet to hear of a machine's units. Holds at most one pending change a unit, the latest, and what was
 * sent but not acknowledged; that becomes pending again with the next session. Owned by the machine's loop.
 *
 * <p>A unit that went and came again is reported gone in one report and back in a later one, so that the order is certain.
 */
public final class ReportQueue {
    /** The latest of one unit: went, is now in {@code state}, or first the one and then the other. */
    private record Change(boolean gone, @Nullable UnitState state) {}

    /** @param since when the oldest of the changes came up */
    private record Sent(long sequence, Map<String, Change> changes, long since) {}

    /** For so long a unit counts as under way at most. */
    static final Duration UNDER_WAY = Duration.ofSeconds(30);

    /** So many reports more may be on their way when all that was under way is over. */
    static final int LAST = 8;

    private final int maxInFlight;
    private final LongSupplier nanoClock;
    private final Map<String, Change> pending = new LinkedHashMap<>();
    private final ArrayDeque<StateReport.Builder> ready = new ArrayDeque<>();
    private final ArrayDeque<Sent> inFlight = new ArrayDeque<>();
    /** Units whose latest state is not the last of their order, and since when, by {@link #nanoClock}; the oldest first. */
    private final Map<String, Long> underWay = new LinkedHashMap<>();
    /** Those that have been for {@link #UNDER_WAY}, and still are. */
    private final Set<String> lasting = new HashSet<>();
    /** Whether units were under way when a report was made, and not all has been sent since. */
    private boolean saidUnderWay;
    /** Whether {@link #pending} has a unit that has left, or is down and stays it: somebody may wait for that, or has to know. */
    private boolean hurries;

    private Runnable onWork = () -> {};
    private Consumer<Collection<String>> onGoneCommitted = names -> {};
    private long sequence;
    /** When the oldest came up of what is {@link #pending} or {@link #ready}. Means nothing while nothing is. */
    private long since;

    /** A queue that lets at most {@code maxInFlight} reports wait for their acknowledgement. */
    public ReportQueue(int maxInFlight) {
        this(maxInFlight, System::nanoTime);
    }

    /** The same by another clock, in nanoseconds. */
    public ReportQueue(int maxInFlight, LongSupplier nanoClock) {
        this.maxInFlight = maxInFlight;
        this.nanoClock = nanoClock;
    }

    /** Who sends reports, told when there is something to send, and who hears of units whose end is committed. */
    void connect(Runnable work, Consumer<Collection<String>> goneCommitted) {
        onWork = work;
        onGoneCommitted = goneCommitted;
    }

    /** A unit is now in this state. */
    public void put(UnitState state) {
        begin();
        if (!state.getPending()) {
            settled(state.getName());
            hurries |= !state.getActiveState().equals("active");
        } else if (!lasting.contains(state.getName())) {
            underWay.putIfAbsent(state.getName(), nanoClock.getAsLong());
        }
        pending.merge(
                state.getName(), new Change(false, state), (before, now) -> new Change(before.gone(), now.state()));
        onWork.run();
    }

    /** The machine does not have this unit, or has it no longer. */
    public void gone(String name) {
        begin();
        settled(name);
        hurries = true;
        pending.put(name, new Change(true, null));
        onWork.run();
    }

    /**
     * All states of these buckets, to replace what the registry holds in them.
     *
     * @param limit how many states a report may hold; a bucket that has more is continued by ordinary reports
     */
    void replace(Collection<Integer> buckets, Collection<UnitState> states, int limit) {
        begin();
        Map<Integer, List<UnitState>> byBucket = new LinkedHashMap<>();
        buckets.forEach(bucket -> byBucket.put(bucket, new ArrayList<>()));
        for (UnitState state : states) {
            List<UnitState> bucket = byBucket.get(Digest.bucket(state.getName()));
            if (bucket != null) {
                bucket.add(state);
            }
        }
        drop(byBucket.keySet(), limit);
        StateReport.Builder report = StateReport.newBuilder();
        for (Map.Entry<Integer, List<UnitState>> bucket : byBucket.entrySet()) {
            List<UnitState> members = bucket.getValue();
            if (report.getWholeBucketsCount() > 0 && report.getStatesCount() + members.size() > limit) {
                ready.addLast(report);
                report = StateReport.newBuilder();
            }
            int fit = Math.min(limit, members.size());
            report.addWholeBuckets(bucket.getKey()).addAllStates(members.subList(0, fit));
            members.subList(fit, members.size()).forEach(this::put);
        }
        if (report.getWholeBucketsCount() > 0) {
            ready.addLast(report);
        }
        onWork.run();
    }

    /** Pending states in these buckets are part of what replaces them; units that went are reported before that. */
    private void drop(Set<Integer> buckets, int limit) {
        StateReport.Builder report = StateReport.newBuilder();
        Iterator<Map.Entry<String, Change>> changes = pending.entrySet().iterator();
        while (changes.hasNext()) {
            Map.Entry<String, Change> change = changes.next();
            if (buckets.contains(Digest.bucket(change.getKey()))) {
                if (change.getValue().gone()) {
                    report.addGone(change.getKey());
                }
                if (report.getGoneCount() == limit) {
                    ready.addLast(report);
                    report = StateReport.newBuilder();
                }
                changes.remove();
            }
        }
        if (report.getGoneCount() > 0) {
            ready.addLast(report);
        }
    }

    /**
     * The next report to send, or null when there is none or too many are unacknowledged. {@value #LAST} more may be than otherwise if all
     * that was under way is over, and one more if a unit has left or is down: an engine may not acknowledge those before for some tenths of a
     * second.
     */
    @Nullable
    StateReport next(long sessionEpoch, int limit) {
        if (inFlight.size() >= maxInFlight && inFlight.size() >= maxInFlight + mayOvertake()) {
            return null;
        }
        StateReport.Builder report = ready.pollFirst();
        Map<String, Change> taken = new LinkedHashMap<>();
        if (report == null) {
            report = StateReport.newBuilder();
            take(report, taken, limit);
            if (taken.isEmpty()) {
                return null;
            }
        } else {
            add(report, taken);
        }
        sequence++;
        inFlight.addLast(new Sent(sequence, taken, since));
        int units = countUnderWay();
        saidUnderWay = units > 0 || (saidUnderWay && !pending.isEmpty());
        return report.setSessionEpoch(sessionEpoch)
                .setSequence(sequence)
                .setUnderWay(units)
                .build();
    }

    /** How many reports need not wait for those before them: all that was under way is over, or somebody may wait for a unit. */
    private int mayOvertake() {
        if (!ready.isEmpty() || pending.isEmpty()) {
            return 0;
        }
        if (saidUnderWay && countUnderWay() == 0) {
            return LAST;
        }
        return hurries ? 1 : 0;
    }

    /** One that takes longer than {@link #UNDER_WAY} holds nothing up any more: it may go on for hours, or for ever. */
    private int countUnderWay() {
        long now = nanoClock.getAsLong();
        Iterator<Map.Entry<String, Long>> units = underWay.entrySet().iterator();
        while (units.hasNext()) {
            Map.Entry<String, Long> eldest = units.next();
            if (now - eldest.getValue() <= UNDER_WAY.toNanos()) {
                break;
            }
            lasting.add(eldest.getKey());
            units.remove();
        }
        return underWay.size();
    }

    private void settled(String name) {
        underWay.remove(name);
        lasting.remove(name);
    }

    private static void add(StateReport.Builder report, Map<String, Change> changes) {
        for (String name : report.getGoneList()) {
            changes.merge(name, new Change(true, null), ReportQueue::followedBy);
        }
        for (UnitState state : report.getStatesList()) {
            changes.merge(state.getName(), new Change(false, state), ReportQueue::followedBy);
        }
    }

    private void take(StateReport.Builder report, Map<String, Change> taken, int limit) {
        hurries &= pending.size() > limit;
        Iterator<Map.Entry<String, Change>> changes = pending.entrySet().iterator();
        while (changes.hasNext() && taken.size() < limit) {
            Map.Entry<String, Change> entry = changes.next();
            Change change = entry.getValue();
            if (change.gone()) {
                report.addGone(entry.getKey());
                taken.put(entry.getKey(), new Change(true, null));
            } else if (change.state() != null) {
                report.addStates(change.state());
                taken.put(entry.getKey(), change);
            }
            if (change.gone() && change.state() != null) {
                entry.setValue(new Change(false, change.state()));
            } else {
                changes.remove();
            }
        }
    }

    /** Reports up to this sequence are committed. */
    void acknowledged(long upTo) {
        Set<String> gone = new HashSet<>();
        while (!inFlight.isEmpty() && inFlight.getFirst().sequence() <= upTo) {
            inFlight.removeFirst().changes().forEach((name, change) -> {
                if (change.gone()) {
                    gone.add(name);
                }
            });
        }
        if (!gone.isEmpty()) {
            onGoneCommitted.accept(gone);
        }
        onWork.run();
    }

    /** The session is over: what it did not acknowledge is to be sent again, unless there is newer. */
    void sessionEnded() {
        Map<String, Change> again = new LinkedHashMap<>();
        if (!inFlight.isEmpty()) {
            since = inFlight.getFirst().since();
        }
        for (Sent sent : inFlight) {
            sent.changes().forEach((name, change) -> again.merge(name, change, ReportQueue::followedBy));
        }
        ready.forEach(report -> add(report, again));
        pending.forEach((name, change) -> again.merge(name, change, ReportQueue::followedBy));
        pending.clear();
        pending.putAll(again);
        inFlight.clear();
        ready.clear();
        sequence = 0;
    }

    private static Change followedBy(Change earlier, Change later) {
        return later.gone() ? later : new Change(earlier.gone(), later.state());
    }

    private void begin() {
        if (pending.isEmpty() && ready.isEmpty()) {
            since = nanoClock.getAsLong();
        }
    }

    /** For how long something has not been acknowledged that the registry has yet to hear; zero when it has heard all. */
    public Duration lag() {
        if (inFlight.isEmpty() && pending.isEmpty() && ready.isEmpty()) {
            return Duration.ZERO;
        }
        long oldest = inFlight.isEmpty() ? since : inFlight.getFirst().since();
        return Duration.ofNanos(nanoClock.getAsLong() - oldest);
    }

    /** How many units have changes that are not acknowledged, counted once a report. */
    public int unacknowledged() {
        return pending.size()
                + inFlight.stream().mapToInt(sent -> sent.changes().size()).sum();
    }
}
