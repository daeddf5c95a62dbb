package io.raftfleet.state;

import io.raftfleet.proto.log.MachineMetadataSet;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.EventKind;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.SafeText;
import io.raftfleet.unit.limits.Limits;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Tells from the records of one entry, and what they changed, what has happened, for the {@link EventLog}. The first
 * {@value #MOST_OF_AN_ENTRY} of an entry are kept one by one, those beyond are counted by kind in one more: so a million units that are started cost
 * next to nothing here, and leave what was before in its place. Deterministic; used by the thread that applies, under the registry's write lock.
 */
final class Chronicle {
    static final int MOST_OF_AN_ENTRY = 250;

    private static final String LEAST_LOADED = "least loaded";

    private final Tables tables;
    /** Without their places and versions, which they get at the entry's end. */
    private final List<LoggedEvent> pending = new ArrayList<>();

    private final Map<EventKind, Integer> more = new EnumMap<>(EventKind.class);

    Chronicle(Tables tables) {
        this.tables = tables;
    }

    /** A record was applied; see also the other one for what machines report. */
    void note(Record record, List<Change> changes) {
        switch (record.getRecordCase()) {
            case CLUSTER_CREATED ->
                happened(
                        EventKind.EVENT_KIND_BEGUN,
                        "",
                        "",
                        "",
                        record.getClusterCreated().getRestoredFrom() == 0 ? "created" : "restored");
            case LEADER_STARTED -> {
                var leader = record.getLeaderStarted().getEngineId();
                if (!leader.isEmpty()) {
                    // Before all that it has decided, wherever in the entry it says so.
                    pending.addFirst(event(EventKind.EVENT_KIND_LEADER, "", "", "", leader));
                }
            }
            case UNIT_CREATED -> {
                var unit = record.getUnitCreated();
                if (unit.getReplacesVersion() == 0) {
                    unit(
                            EventKind.EVENT_KIND_UNIT_SUBMITTED,
                            unit.getName(),
                            unit.getChangedBy(),
                            word(unit.getTargetState()));
                } else {
                    unit(EventKind.EVENT_KIND_UNIT_REPLACED, unit.getName(), unit.getChangedBy(), unit.getReason());
                }
            }
            case UNIT_SOURCE_SET ->
                unit(
                        EventKind.EVENT_KIND_UNIT_REPLACED,
                        record.getUnitSourceSet().getName(),
                        record.getUnitSourceSet().getChangedBy(),
                        "its options stay");
            case TARGET_STATE_SET -> {
                var set = record.getTargetStateSet();
                unit(
                        EventKind.EVENT_KIND_UNIT_TARGETED,
                        set.getName(),
                        set.getChangedBy(),
                        set.getStartAgain() ? "started again" : word(set.getTargetState()));
            }
            case UNIT_DESTROYED ->
                unit(
                        EventKind.EVENT_KIND_UNIT_DESTROYED,
                        record.getUnitDestroyed().getName(),
                        record.getUnitDestroyed().getChangedBy(),
                        "");
            case UNIT_SCHEDULED -> moved(changes, record.getUnitScheduled().getReason());
            case UNIT_UNSCHEDULED -> moved(changes, record.getUnitUnscheduled().getReason());
            case SESSION_OPENED -> opened(changes);
            case MACHINE_LOST ->
                machine(
                        EventKind.EVENT_KIND_MACHINE_LOST,
                        record.getMachineLost().getMachineId(),
                        "",
                        record.getMachineLost().getReason());
            case MACHINE_METADATA_SET -> {
                var set = record.getMachineMetadataSet();
                machine(EventKind.EVENT_KIND_MACHINE_METADATA, set.getMachineId(), set.getChangedBy(), pair(set));
            }
            case MACHINE_MARKED -> {
                var mark = record.getMachineMarked();
                machine(
                        EventKind.EVENT_KIND_MACHINE_MARKED,
                        mark.getMachineId(),
                        mark.getChangedBy(),
                        word(mark.getKind()));
            }
            case MACHINE_FORGOTTEN ->
                machine(
                        EventKind.EVENT_KIND_MACHINE_FORGOTTEN,
                        record.getMachineForgotten().getMachineId(),
                        record.getMachineForgotten().getChangedBy(),
                        "");
            case ROLLOUT_STARTED -> rollout(record.getRolloutStarted().getId());
            case ROLLOUT_ADVANCED -> rollout(record.getRolloutAdvanced().getId());
            default -> {} // No more than how something is, or what is noted by itself.
        }
    }

    /** A machine reports another state of a unit. */
    void note(@Nullable UnitState before, UnitState after) {
        var was = before == null ? "" : before.getActiveState();
        var is = after.getActiveState();
        if (is.equals("failed") && !was.equals("failed")) {
            state(EventKind.EVENT_KIND_UNIT_FAILED, after, after.getError());
        } else if (up(is) && !up(was)) {
            state(EventKind.EVENT_KIND_UNIT_UP, after, after.getSubState());
        } else if (is.equals("inactive") && (up(was) || was.endsWith("activating"))) {
            state(EventKind.EVENT_KIND_UNIT_DOWN, after, after.getError());
        } else if (!after.getError().isEmpty()
                && (before == null || !before.getError().equals(after.getError()))) {
            state(EventKind.EVENT_KIND_UNIT_TROUBLE, after, after.getError());
        }
    }

    /** The entry's last record was noted: what has happened gets its places behind all other changes. */
    void end(long index, List<Change> changes) {
        if (!more.isEmpty()) {
            var counts = more.entrySet().stream()
                    .map(count -> count.getValue() + " " + plural(count.getKey()))
                    .collect(Collectors.joining(", "));
            pending.add(event(EventKind.EVENT_KIND_MORE, "", "", "", counts));
        }
        for (var event : pending) {
            var added = tables.events.add(new LoggedEvent(
                    0,
                    Versions.of(index, changes.size()),
                    event.timeMs(),
                    event.kind(),
                    event.unit(),
                    event.machineId(),
                    event.by(),
                    event.detail(),
                    1,
                    0));
            changes.add(new Change.OfEvent(added));
        }
    }

    private static boolean up(String active) {
        return active.equals("active") || active.equals("reloading");
    }

    private void moved(List<Change> changes, String reason) {
        if (changes.isEmpty() || !(changes.getFirst() instanceof Change.OfUnit unit) || unit.after() == null) {
            return;
        }
        var after = unit.after();
        var from = unit.before() == null ? null : unit.before().machineId();
        var to = after.machineId();
        if (to != null) {
            if (!to.equals(from)) {
                happened(
                        EventKind.EVENT_KIND_UNIT_SCHEDULED,
                        after.name(),
                        to,
                        "",
                        reason.isEmpty() ? why(after) : reason);
            }
        } else if (from != null) {
            happened(EventKind.EVENT_KIND_UNIT_UNSCHEDULED, after.name(), from, "", reason);
        }
    }

    /** Why a unit that was nowhere is where it is, as far as its own file says. */
    private static String why(UnitRecord unit) {
        var wants = unit.wants();
        if (wants.isUnconstrained()) {
            return LEAST_LOADED;
        }
        if (!wants.peers().isEmpty()) {
            return "MachineOf=" + String.join(" ", wants.peers());
        }
        if (wants.machineId().isPresent()) {
            return "MachineID=" + wants.machineId().get();
        }
        if (wants.metadata().isEmpty()) {
            return LEAST_LOADED + " of those that admit it";
        }
        return LEAST_LOADED + " with "
                + wants.metadata().entrySet().stream()
                        .map(choice -> choice.getKey() + "=" + String.join("|", new TreeSet<>(choice.getValue())))
                        .sorted()
                        .collect(Collectors.joining(" "));
    }

    private void opened(List<Change> changes) {
        if (changes.isEmpty() || !(changes.getFirst() instanceof Change.OfMachine machine)) {
            return;
        }
        var before = machine.before();
        var after = machine.after();
        if (before == null || before.sessionEpoch() == 0) {
            machine(EventKind.EVENT_KIND_MACHINE_JOINED, after.id(), "", after.primaryIp());
        } else if (!before.bootId().equals(after.bootId())) {
            machine(EventKind.EVENT_KIND_MACHINE_REBOOTED, after.id(), "", "");
        } else if (!before.present()) {
            machine(EventKind.EVENT_KIND_MACHINE_BACK, after.id(), "", "");
        }
    }

    private static String pair(MachineMetadataSet set) {
        return set.hasValue() ? set.getKey() + "=" + set.getValue() : set.getKey();
    }

    private static String word(TargetState target) {
        return switch (target) {
            case TARGET_STATE_LAUNCHED -> "launched";
            case TARGET_STATE_LOADED -> "loaded";
            default -> "inactive";
        };
    }

    private static String word(MachineMarkKind mark) {
        return switch (mark) {
            case MACHINE_MARK_KIND_CORDONED -> "cordoned";
            case MACHINE_MARK_KIND_DRAINING -> "draining";
            case MACHINE_MARK_KIND_ENDING -> "ending";
            case MACHINE_MARK_KIND_DRAINED -> "drained";
            default -> "uncordoned";
        };
    }

    private static String plural(EventKind kind) {
        return switch (kind) {
            case EVENT_KIND_UNIT_SUBMITTED -> "units submitted";
            case EVENT_KIND_UNIT_REPLACED -> "units replaced";
            case EVENT_KIND_UNIT_TARGETED -> "units with another target state";
            case EVENT_KIND_UNIT_DESTROYED -> "units destroyed";
            case EVENT_KIND_UNIT_SCHEDULED -> "units scheduled";
            case EVENT_KIND_UNIT_UNSCHEDULED -> "units taken off machines";
            case EVENT_KIND_UNIT_UP -> "units up";
            case EVENT_KIND_UNIT_FAILED -> "units failed";
            case EVENT_KIND_UNIT_DOWN -> "units down";
            case EVENT_KIND_UNIT_TROUBLE -> "units in trouble";
            case EVENT_KIND_ROLLOUT -> "steps of rollouts";
            default -> "changes of machines";
        };
    }

    private void rollout(String id) {
        var rollout = tables.rollouts.get(id);
        if (rollout != null) {
            happened(EventKind.EVENT_KIND_ROLLOUT, "", "", rollout.now().getChangedBy(), rollout.words());
        }
    }

    private void unit(EventKind kind, String name, String by, String detail) {
        happened(kind, name, "", by, detail);
    }

    private void state(EventKind kind, UnitState state, String detail) {
        happened(kind, state.getName(), state.getMachineId(), "", detail);
    }

    private void machine(EventKind kind, String machineId, String by, String detail) {
        happened(kind, "", machineId, by, detail);
    }

    private void happened(EventKind kind, String unit, String machineId, String by, String detail) {
        if (pending.size() < MOST_OF_AN_ENTRY) {
            pending.add(event(kind, unit, machineId, by, detail));
        } else {
            more.merge(kind, 1, Integer::sum);
        }
    }

    private LoggedEvent event(EventKind kind, String unit, String machineId, String by, String detail) {
        return new LoggedEvent(
                0,
                0,
                tables.info().clockMs(),
                kind,
                unit,
                machineId,
                by,
                SafeText.cut(detail, Limits.MESSAGE_BYTES),
                1,
                0);
    }
}
