package io.raftfleet.engine.control;

import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.RolloutAdvanced;
import io.raftfleet.proto.log.RolloutForgotten;
import io.raftfleet.proto.log.RolloutUnit;
import io.raftfleet.proto.model.RolloutPhase;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.Rollout;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.SafeText;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.Units;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Has rollouts go on: looks at the group of each that is under way, by what is applied, replaces what still has its old file, and says when all
 * of it is healthy, or a unit of it is not going to be. How long each unit has been active is soft: a new leader counts from when it looked
 * first. Owned by the decision thread.
 */
final class RolloutPace {
    /** So long, and so many, that have come to their end are kept. */
    static final Duration KEPT = Duration.ofDays(7);

    static final int MOST_KEPT = 64;

    /** Units that are replaced by one entry. */
    private static final int MOST_REPLACED = 256;
    /** Bytes of the log that a reason may take. */
    private static final int MOST_REASON = 512;

    private static final Set<String> UP = Set.of("active", "reloading", "refreshing");

    /** What is to be written of a rollout. */
    sealed interface Step {
        String rollout();
    }

    /** A unit of the group still has the other file. */
    record Replace(String rollout, RolloutUnit unit) implements Step {}

    /** It gets on, stops or turns round. */
    record Advance(RolloutAdvanced record) implements Step {
        @Override
        public String rollout() {
            return record.getId();
        }
    }

    /** It has been kept for long enough. */
    record Forget(String rollout) implements Step {}

    /**
     * A unit of a group in one start on one machine.
     *
     * @param start what was started where
     * @param sinceMs when that was seen first, by the leader's clock
     * @param activeMs since when it is active; negative when it has not been
     * @param pid of its main process then; 0 for none
     */
    private record Seen(String start, long sinceMs, long activeMs, int pid) {}

    /** @param step of the rollout that these were seen in */
    private record Watched(long step, Map<String, Seen> units) {}

    private final Map<String, Watched> watched = new HashMap<>();
    /** Whose last step could not be decided by a fault of the engine, and for what reason it is to stop. */
    private final Map<String, String> faulty = new HashMap<>();

    private String deciding = "";

    /** Forgets what was seen: what is applied may not be what was decided. */
    void restart() {
        watched.clear();
    }

    /** What has to be written; costs nothing without rollouts, else time in proportion to the groups that are under way. */
    List<Step> look(RegistryView applied, long nowMs) {
        var rollouts = applied.rollouts();
        if (rollouts.isEmpty()) {
            return List.of();
        }
        var steps = new ArrayList<Step>();
        var ended = new ArrayList<Rollout>();
        for (var rollout : rollouts) {
            if (rollout.now().getPhase() == RolloutPhase.ROLLOUT_PHASE_RUNNING) {
                look(applied, rollout, nowMs, steps);
            } else {
                watched.remove(rollout.id());
                if (!rollout.active()) {
                    ended.add(rollout);
                }
            }
        }
        forget(ended, nowMs, steps);
        return steps;
    }

    private void look(RegistryView applied, Rollout rollout, long nowMs, List<Step> steps) {
        var fault = faulty.get(rollout.id());
        if (fault != null) {
            steps.add(new Advance(stopped(rollout, fault)));
            return;
        }
        long step = rollout.now().getStep();
        var before = watched.get(rollout.id());
        var watch = before != null && before.step() == step ? before : new Watched(step, new HashMap<>());
        watched.put(rollout.id(), watch);
        var replace = new ArrayList<Step>();
        boolean healthy = true;
        var leftAlone = new ArrayList<String>();
        for (var unit : rollout.group()) {
            var there = applied.unit(unit.getName());
            if (there == null || !there.hash().equals(rollout.goal(unit))) {
                // One that is gone, or has got another file meanwhile, is somebody else's matter.
                if (there != null && there.hash().equals(rollout.origin(unit))) {
                    healthy = false;
                    if (replace.size() < MOST_REPLACED) {
                        replace.add(new Replace(rollout.id(), unit));
                    }
                } else {
                    leftAlone.add(unit.getName());
                }
                continue;
            }
            if (there.target() != TargetState.TARGET_STATE_LAUNCHED || there.global()) {
                continue;
            }
            var seen = see(applied, there, watch, nowMs);
            var trouble = trouble(applied, there, seen, rollout, nowMs);
            if (trouble != null) {
                steps.add(new Advance(failed(rollout, "unit " + there.name() + " " + trouble)));
                return;
            }
            healthy &= seen.activeMs() >= 0
                    && nowMs - seen.activeMs() >= rollout.plan().getHealthWaitMs();
        }
        steps.addAll(replace);
        if (healthy) {
            steps.add(new Advance(next(rollout, leftAlone)));
        }
    }

    /** What the unit's machine says of the start that it is in; null when it has said nothing of it yet. */
    private static @Nullable UnitState state(RegistryView applied, UnitRecord unit) {
        var machine = unit.machineId();
        var state = machine == null ? null : applied.state(unit.name(), machine);
        return state == null
                        || state.getPending()
                        || !unit.hash().toByteString().equals(state.getHash())
                        || (state.getStartGeneration() != 0 && state.getStartGeneration() != unit.startGeneration())
                ? null
                : state;
    }

    private static Seen see(RegistryView applied, UnitRecord unit, Watched watch, long nowMs) {
        // Another machine, or another order to start, is nothing that systemd did: it is waited for anew.
        var start = unit.machineId() + "/" + unit.startGeneration();
        var state = state(applied, unit);
        boolean up = state != null && state.getLaunched() && UP.contains(state.getActiveState());
        return watch.units().compute(unit.name(), (name, before) -> {
            if (before == null || !before.start().equals(start)) {
                before = new Seen(start, nowMs, -1, 0);
            }
            int pid = state == null ? 0 : state.getMainPid();
            if (!up || (before.activeMs() >= 0 && before.pid() != 0)) {
                return before;
            }
            return new Seen(start, before.sinceMs(), before.activeMs() >= 0 ? before.activeMs() : nowMs, pid);
        });
    }

    /** Why a unit is not going to be healthy; null as long as it may be. */
    private static @Nullable String trouble(
            RegistryView applied, UnitRecord unit, Seen seen, Rollout rollout, long nowMs) {
        var state = state(applied, unit);
        boolean wasUp = seen.activeMs() >= 0;
        if (state != null) {
            var active = state.getActiveState();
            var on = " on " + String.valueOf(unit.machineId()).substring(0, 8) + "...";
            var why = state.getError().isEmpty() ? "" : ": " + state.getError();
            if (active.equals("failed")) {
                return "failed" + on + why;
            }
            if (state.getSubState().startsWith("auto-restart")
                    || (wasUp && active.equals("activating"))
                    || (wasUp && seen.pid() != 0 && state.getMainPid() != 0 && state.getMainPid() != seen.pid())) {
                return "was started again by systemd" + on + why;
            }
            if (wasUp && active.equals("deactivating")) {
                return "ends" + on + why;
            }
            if (active.equals("inactive")
                    && (state.getLaunched() || !state.getError().isEmpty())) {
                return (state.getLaunched() ? "has ended" : "could not be started") + on + why;
            }
        }
        if (wasUp || nowMs - seen.sinceMs() < rollout.plan().getStartWaitMs()) {
            return null;
        }
        return "is not up after " + rollout.plan().getStartWaitMs() / 1000 + " s: "
                + (unit.machineId() == null
                        ? "it is on no machine, see: fleetctl why " + unit.name()
                        : state == null
                                ? "its machine has not said that it is started"
                                : state.getActiveState() + " (" + state.getSubState() + ")");
    }

    private static RolloutAdvanced stopped(Rollout rollout, String why) {
        return rollout.next()
                .setPhase(RolloutPhase.ROLLOUT_PHASE_STOPPED)
                .setReason(SafeText.cut(why, MOST_REASON))
                .build();
    }

    /** It turns round if it was told to, else it stops. */
    private static RolloutAdvanced failed(Rollout rollout, String why) {
        if (!rollout.plan().getRollback() || rollout.now().getBack()) {
            return stopped(rollout, why);
        }
        var next = rollout.next().setReason(SafeText.cut(why, MOST_REASON));
        RolloutOrders.back(rollout, next);
        return next.build();
    }

    /** @param leftAlone units of the group that it passes by */
    private static RolloutAdvanced next(Rollout rollout, List<String> leftAlone) {
        var now = rollout.now();
        var next = rollout.next().setLeftAlone(now.getLeftAlone() + leftAlone.size());
        if (now.getLeftAlone() == 0 && !leftAlone.isEmpty()) {
            next.setFirstLeftAlone(leftAlone.getFirst());
        }
        int size = rollout.plan().getMaxUnavailable();
        if (now.getBack() ? now.getFrom() == 0 : now.getTo() >= rollout.plan().getUnitsCount()) {
            next.setPhase(RolloutPhase.ROLLOUT_PHASE_DONE);
        } else if (now.getBack()) {
            next.setFrom(Math.max(0, now.getFrom() - size)).setTo(now.getFrom());
        } else {
            next.setFrom(now.getTo()).setTo(Math.min(rollout.plan().getUnitsCount(), now.getTo() + size));
        }
        return next.build();
    }

    private static void forget(List<Rollout> ended, long nowMs, List<Step> steps) {
        ended.sort(Comparator.comparingLong(Rollout::changedMs).reversed());
        long bytes = 0;
        for (int i = 0; i < ended.size(); i++) {
            var rollout = ended.get(i);
            bytes += rollout.plan().getKeptBytes();
            if (i >= MOST_KEPT
                    || (i > 0 && bytes > RolloutOrders.MOST_KEPT_BYTES)
                    || nowMs - rollout.changedMs() >= KEPT.toMillis()) {
                steps.add(new Forget(rollout.id()));
            }
        }
    }

    /** Turns what {@link #look} found into records, as far as it still holds and the entry has room. */
    void decide(List<Step> steps, Batch batch, Draft draft) {
        for (var step : steps) {
            var rollout = draft.rollout(step.rollout());
            if (rollout == null || batch.full()) {
                continue;
            }
            deciding = step.rollout();
            switch (step) {
                case Advance advance -> advance(rollout, advance.record(), batch, draft);
                case Replace replace -> {
                    if (rollout.now().getPhase() == RolloutPhase.ROLLOUT_PHASE_RUNNING
                            && rollout.group().contains(replace.unit())) {
                        replace(rollout, replace.unit(), batch, draft);
                    }
                }
                case Forget forget -> {
                    if (!rollout.active()) {
                        batch.add(draft.rollout(Record.newBuilder()
                                .setRolloutForgotten(
                                        RolloutForgotten.newBuilder().setId(forget.rollout()))
                                .build()));
                    }
                }
            }
            faulty.remove(step.rollout());
        }
    }

    private static void advance(Rollout rollout, RolloutAdvanced record, Batch batch, Draft draft) {
        if (record.getStep() == rollout.now().getStep() + 1) {
            batch.add(draft.rollout(record));
        }
    }

    private static void replace(Rollout rollout, RolloutUnit unit, Batch batch, Draft draft) {
        var there = draft.unit(unit.getName());
        if (there == null || !there.hash().equals(rollout.origin(unit))) {
            return;
        }
        var records = new ArrayList<Record>();
        var refusal = replaced(rollout, there, rollout.goal(unit), rollout.goalSource(unit), records, draft);
        if (refusal != null) {
            advance(rollout, failed(rollout, refusal), batch, draft);
        }
        records.forEach(batch::add);
    }

    /** Gives a unit another file, as any write does; returns why that is refused, or null. */
    private static @Nullable String replaced(
            Rollout rollout,
            UnitRecord unit,
            UnitHash hash,
            @Nullable String digest,
            List<Record> records,
            Draft draft) {
        var text = draft.contents(hash);
        if (text == null) {
            return "the file of unit " + unit.name() + " is kept no longer";
        }
        try {
            var file = UnitFile.stored(text);
            Units.validate(unit.name(), file);
            var submission = new Submission(
                    unit.name(),
                    file,
                    draft.source(digest),
                    Requirements.of(unit.name(), file),
                    rollout.plan().getChangedBy(),
                    "rollout " + rollout.id() + (rollout.now().getBack() ? " goes back" : ""));
            var result = Items.create(
                    NewUnit.newBuilder().setName(unit.name()).build(), true, true, submission, draft, records);
            return result.getCode() == ItemCode.ITEM_CODE_REPLACED ? null : result.getMessage();
        } catch (InvalidUnitException e) {
            return String.valueOf(e.inUnit(unit.name()).getMessage());
        }
    }

    /** {@link #decide} threw: the rollout that it was at is to stop, so that nothing else is held up. Returns its id. */
    String fault() {
        faulty.put(
                deciding,
                "the leader failed to decide its next step, which is a fault of the engine: its log says why");
        return deciding;
    }
}
