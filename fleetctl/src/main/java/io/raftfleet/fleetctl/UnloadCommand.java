package io.raftfleet.fleetctl;

import io.raftfleet.client.WaitGoal;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** {@code unload}: back to inactive, stopped and on no machine. Unlike fleet's, it also takes back units that still wait for a machine. */
final class UnloadCommand extends FleetCommand {
    BlockOptions block = new BlockOptions();

    @Nullable
    List<String> units;

    UnloadCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "unload",
                "Unschedule one or more units in the cluster",
                "",
                "Units remain submitted, on no machine. Units are names or patterns of submitted units.");
        block.describe(syntax);
        syntax.add(Syntax.arguments(given -> units = given).arity("0..*").paramLabel("UNIT"));
    }

    @Override
    public Integer call() {
        List<String> arguments = units;
        if (nothingGiven(arguments) || arguments == null) {
            return 0;
        }
        Selection.Submitted found = Selection.submitted(session, arguments);
        var change = new TargetChange(session, TargetState.TARGET_STATE_INACTIVE, "unload");
        List<Unit> unloading = found.units().stream()
                .filter(unit -> unit.getGlobal()
                        || Words.current(unit) != TargetState.TARGET_STATE_INACTIVE
                        || Words.target(unit) != TargetState.TARGET_STATE_INACTIVE)
                .toList();
        Set<String> asked = unloading.stream().map(Unit::getName).collect(Collectors.toSet());
        change.run(unloading);
        var names = change.triggered().keySet();
        if (!Waiting.untilReached(session, block, change.triggered(), WaitGoal.UNLOADED, "unload", 0)) {
            session.err("Failed to unload units [" + String.join(" ", names) + "]");
            return 1;
        }
        if (change.failed()) {
            return 1;
        }
        if (!names.isEmpty() && !block.noBlock) {
            session.err("Successfully unloaded units [" + String.join(" ", names) + "].");
        }
        List<String> idle = found.units().stream()
                .map(Unit::getName)
                .filter(name -> !asked.contains(name))
                .toList();
        if (!idle.isEmpty()) {
            session.err("Unloaded already: units [" + String.join(" ", idle) + "].");
        }
        return found.exit();
    }
}
