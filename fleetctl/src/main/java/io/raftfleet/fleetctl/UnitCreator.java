package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.raftfleet.fleetctl.client.FleetClientException;
import io.raftfleet.fleetctl.client.WriteOutcome;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import java.util.Collection;
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

    /** Whether some of the units were refused. */
    boolean failed() {
        return failed;
    }

    /** @throws CommandException when nothing was written */
    void run(List<String> arguments, boolean replace) {
        UnitPlanner.Plan plan;
        try {
            plan = new UnitPlanner(session, goal, replace).plan(arguments);
            create(List.copyOf(plan.create().values()), replace);
        } catch (CommandException | FleetClientException e) {
            throw new CommandException("Error creating units: " + e.getMessage(), e);
        }
        if (goal != TargetState.TARGET_STATE_INACTIVE) {
            change(plan.present().values());
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
        var change = new TargetChange(session, goal, verb);
        change.run(present.stream().filter(unit -> Words.target(unit) != goal).toList());
        triggered.putAll(change.triggered());
        failed |= change.failed();
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
