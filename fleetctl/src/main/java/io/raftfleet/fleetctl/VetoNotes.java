package io.raftfleet.fleetctl;

import io.raftfleet.client.WaitedUnit;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.model.Unit;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** Tells people why units that they wait for are on no machine: after a second, then at growing intervals, each reason once. */
final class VetoNotes {
    /** Lines of one kind before it says that there are more. */
    static final int MOST_LINES = 10;

    private static final long FIRST = TimeUnit.SECONDS.toNanos(1);
    private static final long LONGEST = TimeUnit.SECONDS.toNanos(30);

    private final Session session;
    private final WaitProgress progress;
    private final Map<String, String> told = new HashMap<>();
    private long next;
    private long interval = FIRST;

    VetoNotes(Session session, WaitProgress progress) {
        this.session = session;
        this.progress = progress;
        this.next = System.nanoTime() + FIRST;
    }

    void check(Collection<WaitedUnit> waiting, long now) {
        if (now - next < 0) {
            return;
        }
        interval = Math.min(LONGEST, interval * 2);
        next = now + interval;
        ask(waiting);
    }

    /** Asks without regard to when it did so last. */
    void ask(Collection<WaitedUnit> waiting) {
        ask(
                waiting.stream()
                        .map(WaitedUnit::unit)
                        .filter(Objects::nonNull)
                        .filter(unit -> !isUnplaced(unit))
                        .map(Unit::getName)
                        .limit(MOST_LINES)
                        .toList(),
                false);
        List<String> unplaced = waiting.stream()
                .map(WaitedUnit::unit)
                .filter(Objects::nonNull)
                .filter(VetoNotes::isUnplaced)
                .map(Unit::getName)
                .limit(UnitNames.MOST_NAMES)
                .toList();
        ask(unplaced, true);
    }

    private void ask(List<String> units, boolean unplaced) {
        if (units.isEmpty()) {
            return;
        }
        var names = new HashSet<>(units);
        var request = ListUnitsRequest.newBuilder()
                .addAllNames(UnitNames.asFilter(units))
                .setUnplacedOnly(unplaced)
                .setWithVetoes(true);
        for (Unit unit : session.client().listUnits(request.build()).rows()) {
            if (unit.getVetoesCount() > 0 && names.contains(unit.getName())) {
                tell(unit.getName(), unplaced ? "for a machine" : "to be started", Words.vetoes(unit));
            }
        }
    }

    private void tell(String name, String what, String reason) {
        if (reason.equals(told.put(name, reason))) {
            return;
        }
        progress.clear();
        if (told.size() <= MOST_LINES) {
            session.err("Unit " + name + " waits " + what + ": " + reason);
        } else if (told.size() == MOST_LINES + 1) {
            session.err("More units wait, see: fleetctl list-units");
        }
    }

    /** What was told of a unit, to be put behind a message; empty when nothing was. */
    String reasonOf(String name) {
        String reason = told.get(name);
        return reason == null ? "" : ": " + reason;
    }

    /** Whether a unit wants a machine and has none. */
    static boolean isUnplaced(Unit unit) {
        return !unit.getGlobal()
                && unit.getMachineId().isEmpty()
                && Words.target(unit) != io.raftfleet.proto.model.TargetState.TARGET_STATE_INACTIVE;
    }
}
