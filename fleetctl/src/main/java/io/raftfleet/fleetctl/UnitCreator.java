package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.client.WriteOutcome;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The part that {@code submit}, {@code load} and {@code start} share: creates units that are missing, right in their target state,
 * and changes the target of those that are there. One call for thousands.
 */
final class UnitCreator {
    private final Session session;
    private final TargetState goal;
    private final String verb;
    private final Map<String, ByteString> triggered = new LinkedHashMap<>();
    private boolean failed;

    UnitCreator(Session session, TargetState goal, String verb) {
        this.session = session;
        this.goal = goal;
        this.verb = verb;
    }

    /** Units that are now on their way to the goal and can be waited for, with the hash of their contents. */
    Map<String, ByteString> triggered() {
        return triggered;
    }

    /** Whether some of the units were refused, or not replaced as told. */
    boolean failed() {
        return failed;
    }

    /** @throws CommandException when nothing was written */
    void run(List<String> arguments, boolean replace) {
        UnitPlanner.Plan plan;
        try {
            plan = new UnitPlanner(session, goal, replace).plan(arguments);
            failed |= plan.kept();
            refile(List.copyOf(plan.refiled().values()));
            create(List.copyOf(plan.create().values()), replace);
        } catch (CommandException | FleetClientException e) {
            throw new CommandException("Error creating units: " + e.getMessage(), e);
        }
        if (goal != TargetState.TARGET_STATE_INACTIVE) {
            change(plan.present().values());
        }
    }

    /**
     * All but the units that differ from their local files, or are not there: those are returned, nothing is done about them.
     *
     * @throws CommandException when nothing was written
     */
    List<NewUnit> keep(List<String> arguments) {
        try {
            var plan = new UnitPlanner(session, goal, true).plan(arguments);
            failed |= plan.kept();
            refile(List.copyOf(plan.refiled().values()));
            change(plan.present().values());
            return once(plan.create().values());
        } catch (CommandException | FleetClientException e) {
            throw new CommandException("Error replacing units: " + e.getMessage(), e);
        }
    }

    /** A text that many have is sent once. */
    private static List<NewUnit> once(Collection<UnitPlan> plans) {
        Map<ByteString, String> texts = new HashMap<>();
        return plans.stream()
                .map(plan -> plan.unit()
                                .getText()
                                .equals(texts.putIfAbsent(
                                        plan.hash(), plan.unit().getText()))
                        ? plan.unit().toBuilder()
                                .clearText()
                                .setHash(plan.hash())
                                .build()
                        : plan.unit())
                .toList();
    }

    /** Units that go on as they are, with another file of the same options. */
    private void refile(List<NewUnit> units) {
        List<ItemResult> results = session.client().createUnits(units, true).results();
        for (int i = 0; i < units.size(); i++) {
            String name = units.get(i).getName();
            if (results.get(i).getCode() == ItemCode.ITEM_CODE_REPLACED) {
                session.out("Unit " + name + " has the same options: its file was replaced, and it goes on as it is");
            } else if (succeeded(results.get(i))) {
                session.out("Found same Unit(" + name + ") in Registry, nothing to do");
            } else {
                failed = true;
                session.err("Error replacing the file of unit " + name + ": " + reason(results.get(i)));
            }
        }
    }

    private void create(List<UnitPlan> plans, boolean replace) {
        WriteOutcome outcome = session.client()
                .createUnits(
                        plans.stream()
                                .map(plan -> plan.unit().toBuilder()
                                        .setTargetState(goal)
                                        .build())
                                .toList(),
                        replace);
        for (int i = 0; i < plans.size(); i++) {
            UnitPlan plan = plans.get(i);
            ItemResult result = outcome.results().get(i);
            if (!succeeded(result)) {
                failed = true;
                session.err("Error creating units: failed creating unit " + plan.name() + ": " + reason(result));
                continue;
            }
            session.out("Unit " + plan.name() + " inactive");
            trigger(plan.name(), plan.hash(), plan.global());
        }
    }

    private void change(Collection<Unit> present) {
        run(
                new TargetChange(session, goal, verb),
                present.stream().filter(unit -> Words.target(unit) != goal).toList());
        List<Unit> there =
                present.stream().filter(unit -> Words.target(unit) == goal).toList();
        if (goal == TargetState.TARGET_STATE_LAUNCHED) {
            startWhatIsDown(there);
        } else {
            there.stream()
                    .filter(unit -> !unit.getGlobal())
                    .forEach(unit -> triggered.put(unit.getName(), unit.getHash()));
        }
    }

    private void run(TargetChange change, List<Unit> units) {
        change.run(units);
        triggered.putAll(change.triggered());
        failed |= change.failed();
    }

    /** Launched units that have failed or ended start again: who says start wants them up. Those on their way are waited for. */
    private void startWhatIsDown(List<Unit> launched) {
        Map<String, List<UnitState>> states =
                Selection.states(session, launched.stream().map(Unit::getName).toList());
        List<Unit> down = new ArrayList<>();
        for (Unit unit : launched) {
            List<UnitState> all = states.getOrDefault(unit.getName(), List.of());
            if (unit.getGlobal()) {
                tellWhereItIsDown(unit, all);
                continue;
            }
            UnitState state = all.stream()
                    .filter(s -> s.getMachineId().equals(unit.getMachineId()))
                    .findFirst()
                    .orElse(null);
            if (state != null && isDown(state)) {
                down.add(unit);
            } else if (state == null || !isUp(state)) {
                triggered.put(unit.getName(), unit.getHash());
            }
        }
        run(new TargetChange(session, goal, verb).startingAgain(), down);
    }

    /** Whether a launched unit is started again by {@code start}. */
    static boolean isDown(UnitState state) {
        return !state.getPending()
                && (!Words.runs(state) || state.getActiveState().equals("deactivating"));
    }

    private static boolean isUp(UnitState state) {
        return state.getActiveState().equals("active")
                && !state.getPending()
                && state.getError().isEmpty();
    }

    /** One start more would be one on all its machines. */
    private void tellWhereItIsDown(Unit unit, List<UnitState> states) {
        List<UnitState> down = states.stream().filter(UnitCreator::isDown).toList();
        if (!down.isEmpty()) {
            failed = true;
            UnitState first = down.getFirst();
            session.err("Global unit " + unit.getName() + " is launched, but down on " + down.size() + " of "
                    + states.size() + " machines, such as "
                    + Words.machine(first.getMachineId(), session.machine(first.getMachineId()), false)
                    + ": " + first.getActiveState() + " (" + first.getSubState() + ")"
                    + (first.getError().isEmpty() ? "" : ": " + first.getError())
                    + "; start it once more on all of them with: fleetctl restart " + unit.getName());
            new JournalTails(session).print(unit.getName(), first.getMachineId());
        }
    }

    private void trigger(String name, ByteString hash, boolean global) {
        if (goal == TargetState.TARGET_STATE_INACTIVE) {
            return;
        }
        if (global) {
            session.out("Triggered global unit " + name + " " + verb);
        } else {
            triggered.put(name, hash);
        }
    }

    /** Whether an item is done, or was so already. */
    static boolean succeeded(ItemResult result) {
        return result.getCode() == ItemCode.ITEM_CODE_OK
                || result.getCode() == ItemCode.ITEM_CODE_UNCHANGED
                || result.getCode() == ItemCode.ITEM_CODE_REPLACED;
    }

    /** Why an item is not done. */
    static String reason(ItemResult result) {
        return result.getMessage().isEmpty() ? result.getCode().toString() : result.getMessage();
    }
}
