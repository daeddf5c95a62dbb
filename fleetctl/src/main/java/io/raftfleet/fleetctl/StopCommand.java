package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.raftfleet.client.WaitGoal;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code stop}: back to loaded, and down. Fleet ends at the first unit that is on no machine; ours says so, stops the others, and then
 * fails. A unit that is only loaded and runs all the same, as a socket or timer has started it, is stopped too.
 */
final class StopCommand extends FleetCommand {
    BlockOptions block = new BlockOptions();

    @Nullable
    List<String> units;

    StopCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "stop",
                "Instruct systemd to stop one or more units in the cluster",
                "",
                "Units remain loaded on their machines and can be started again. Units are names or patterns of submitted units. Waits until"
                        + " they are down, however long that takes them.");
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
        int exit = found.exit();
        var stopping = new ArrayList<Unit>();
        var loaded = new ArrayList<Unit>();
        for (Unit unit : found.units()) {
            if (!unit.getGlobal() && Words.current(unit) == TargetState.TARGET_STATE_INACTIVE) {
                exit = 1;
                session.err("Unable to stop unit " + unit.getName() + " in state inactive"
                        + (VetoNotes.isUnplaced(unit)
                                ? ": it waits for a machine, take it back with: fleetctl unload " + unit.getName()
                                : ""));
            } else if (Words.target(unit) != TargetState.TARGET_STATE_LOADED
                    || (!unit.getGlobal() && Words.current(unit) != TargetState.TARGET_STATE_LOADED)) {
                stopping.add(unit);
            } else {
                loaded.add(unit);
            }
        }
        List<Unit> running = running(loaded);
        var change = new TargetChange(session, TargetState.TARGET_STATE_LOADED, "stop");
        change.run(stopping);
        var again = new TargetChange(session, TargetState.TARGET_STATE_LOADED, "stop").stoppingAgain();
        again.run(running);
        Map<String, ByteString> triggered = new LinkedHashMap<>(change.triggered());
        triggered.putAll(again.triggered());
        boolean stopped = Waiting.untilReached(session, block, triggered, WaitGoal.STOPPED, "stop", 0);
        List<String> mayStart =
                stopped ? running.stream().map(Unit::getName).toList() : List.copyOf(triggered.keySet());
        mayStart.stream().limit(VetoNotes.MOST_LINES).forEach(name -> Triggers.tell(session, name));
        if (!stopped) {
            session.err("Failed to stop units [" + String.join(" ", triggered.keySet()) + "]");
            return 1;
        }
        if (change.failed() || again.failed()) {
            return 1;
        }
        if (exit == 0 && !block.noBlock) {
            tell(triggered, loaded, running);
        }
        return exit;
    }

    private List<Unit> running(List<Unit> loaded) {
        Map<String, List<UnitState>> states =
                Selection.states(session, loaded.stream().map(Unit::getName).toList());
        return loaded.stream()
                .filter(unit ->
                        states.getOrDefault(unit.getName(), List.of()).stream().anyMatch(Words::runs))
                .toList();
    }

    private void tell(Map<String, ByteString> stopped, List<Unit> loaded, List<Unit> running) {
        if (!stopped.isEmpty()) {
            session.err("Successfully stopped units [" + String.join(" ", stopped.keySet()) + "].");
        }
        List<String> idle = loaded.stream()
                .filter(unit -> !running.contains(unit))
                .map(Unit::getName)
                .toList();
        if (!idle.isEmpty()) {
            session.err("Stopped already: units [" + String.join(" ", idle) + "].");
        }
    }
}
