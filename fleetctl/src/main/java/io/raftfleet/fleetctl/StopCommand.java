package io.raftfleet.fleetctl;

import io.raftfleet.proto.model.Unit;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/**
 * {@code stop}: back to loaded. Fleet ends at the first unit that is on no machine; ours says so, stops the others, and then fails.
 */
@Command(
        name = "stop",
        abbreviateSynopsis = true,
        description = {
            "Instruct systemd to stop one or more units in the cluster",
            "",
            "Units remain loaded on their machines and can be started again. Units are names or patterns of submitted units."
        })
final class StopCommand extends FleetCommand {
    @Mixin
    BlockOptions block = new BlockOptions();

    @Parameters(paramLabel = "UNIT", arity = "0..*")
    @Nullable
    List<String> units;

    StopCommand(Session session) {
        super(session);
    }

    @Override
    public Integer call() {
        List<String> arguments = units;
        if (nothingGiven(arguments) || arguments == null) {
            return 0;
        }
        List<Unit> found = Selection.submitted(session, arguments);
        if (found.isEmpty()) {
            session.err("Units not found in registry");
            return 0;
        }
        int exit = 0;
        var stopping = new ArrayList<Unit>();
        for (Unit unit : found) {
            if (!unit.getGlobal() && Words.current(unit) == INACTIVE) {
                exit = 1;
                session.err("Unable to stop unit " + unit.getName() + " in state inactive"
                        + (VetoNotes.isUnplaced(unit)
                                ? ": it waits for a machine, take it back with: fleetctl unload " + unit.getName()
                                : ""));
            } else if (unit.getGlobal() || Words.current(unit) != LOADED || Words.target(unit) != LOADED) {
                stopping.add(unit);
            }
        }
        var change = new TargetChange(session, LOADED, "stop");
        change.run(stopping);
        var names = change.triggered().keySet();
        if (!Waiting.untilReached(session, block, change.triggered(), LOADED, "stop", false)) {
            session.err("Failed to stop units [" + String.join(" ", names) + "]");
            return 1;
        }
        if (exit == 0 && !change.failed()) {
            session.err("Successfully stopped units [" + String.join(" ", names) + "].");
        }
        return change.failed() ? 1 : exit;
    }
}
