package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.PlanRequest;
import io.raftfleet.proto.fleet.PlanResponse;
import io.raftfleet.proto.fleet.PlannedPlace;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.model.TargetState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Puts a plan into words: a unit a line, what keeps one off machines below it, and a sum at the end. */
final class PlanText {
    private final Session session;
    private final PlanRequest request;
    private final PlanResponse plan;
    private final @Nullable String drained;
    private final Map<String, Integer> sums = new LinkedHashMap<>();
    private int unplaced;
    private int refused;

    /** @param drained the machine whose drain is planned; null for none */
    PlanText(Session session, PlanRequest request, PlanResponse plan, @Nullable String drained) {
        this.session = session;
        this.request = request;
        this.plan = plan;
        this.drained = drained;
    }

    /** Returns the exit code. */
    int tell() {
        named();
        if (drained != null) {
            order(plan.getMachines(0));
        }
        others();
        if (plan.getCut()) {
            session.out("More units would move than are told here");
        }
        session.out(sum());
        if (unplaced + refused > 0 || plan.getCut()) {
            session.err("Not all of it would come about");
            return 1;
        }
        return 0;
    }

    private void named() {
        var places = new HashMap<String, PlannedPlace>();
        plan.getPlacesList().stream()
                .filter(PlannedPlace::getNamed)
                .forEach(place -> places.put(place.getUnit(), place));
        for (int i = 0; i < plan.getCreateCount(); i++) {
            String name = request.getCreate().getUnits(i).getName();
            line(name, plan.getCreate(i), created(plan.getCreate(i)), places.get(name));
        }
        for (int i = 0; i < plan.getTargetsCount(); i++) {
            TargetStateChange change = request.getTargets().getChanges(i);
            line(
                    change.getName(),
                    plan.getTargets(i),
                    started(change, plan.getTargets(i)),
                    places.get(change.getName()));
        }
    }

    private static String created(ItemResult result) {
        return switch (result.getCode()) {
            case ITEM_CODE_OK -> "create";
            case ITEM_CODE_REPLACED -> "replace";
            default -> "unchanged";
        };
    }

    private static String started(TargetStateChange change, ItemResult result) {
        return switch (result.getCode()) {
            case ITEM_CODE_OK -> change.getStartAgain() ? "start again" : "start";
            default -> "unchanged";
        };
    }

    private void line(String name, ItemResult result, String verb, @Nullable PlannedPlace place) {
        if (!UnitCreator.succeeded(result)) {
            refused++;
            session.out(name + ": refused: " + UnitCreator.reason(result));
            return;
        }
        sums.merge(verb, 1, Integer::sum);
        session.out(name + ": " + verb + (place == null ? "" : ", " + where(place)));
        vetoes(place);
    }

    private String where(PlannedPlace place) {
        String before = place.getMachineBefore();
        String after = place.getMachineAfter();
        if (place.getGlobal()) {
            return "on " + place.getMachines() + (place.getMachines() == 1 ? " machine" : " machines")
                    + ", as it is global";
        }
        if (place.getTargetState() == TargetState.TARGET_STATE_INACTIVE) {
            return "on no machine, as it is inactive";
        }
        if (after.isEmpty()) {
            return before.isEmpty() ? "on no machine" : "off " + legend(before) + ", on no machine";
        }
        if (before.isEmpty()) {
            return "on " + legend(after);
        }
        return before.equals(after) ? "stays on " + legend(after) : "from " + legend(before) + " to " + legend(after);
    }

    private void vetoes(@Nullable PlannedPlace place) {
        if (place == null || place.getGlobal() || place.getTargetState() == TargetState.TARGET_STATE_INACTIVE) {
            return;
        }
        if (place.getMachineAfter().isEmpty() || isOnDrained(place)) {
            unplaced++;
            place.getVetoesList().forEach(veto -> session.out("    " + veto.getMessage()));
        }
    }

    private boolean isOnDrained(PlannedPlace place) {
        return drained != null && place.getMachineAfter().equals(drained);
    }

    private void order(ItemResult result) {
        String machine = legend(String.valueOf(drained));
        if (!UnitCreator.succeeded(result)) {
            refused++;
            session.out("Machine " + machine + ": refused: " + UnitCreator.reason(result));
        } else {
            session.out("Machine " + machine + ": "
                    + (result.getMessage().isEmpty() ? "drain; global units end there last" : result.getMessage()));
        }
    }

    private void others() {
        List<PlannedPlace> others = new ArrayList<>(plan.getPlacesList());
        others.removeIf(PlannedPlace::getNamed);
        if (!others.isEmpty() && drained == null) {
            session.out("Would follow from that:");
        }
        for (PlannedPlace place : others) {
            String before = place.getMachineBefore();
            sums.merge(
                    isOnDrained(place) ? "stay" : place.getMachineAfter().isEmpty() ? "take off" : "move",
                    1,
                    Integer::sum);
            boolean reason = !place.getReason().isEmpty() && !before.equals(drained);
            session.out("  " + place.getUnit() + ": " + where(place) + (reason ? " (" + place.getReason() + ")" : ""));
            vetoes(place);
        }
    }

    private String sum() {
        var parts = new ArrayList<String>();
        sums.forEach((verb, count) -> parts.add(count + " " + (verb.equals("unchanged") ? verb : "to " + verb)));
        if (refused > 0) {
            parts.add(refused + " refused");
        }
        if (unplaced > 0) {
            parts.add(unplaced + (drained == null ? " without a machine" : " that no other machine admits"));
        }
        return "Plan: " + (parts.isEmpty() ? "nothing to do" : String.join(", ", parts)) + ". Nothing was done.";
    }

    private String legend(String id) {
        return Words.machine(id, session.machine(id), false);
    }
}
