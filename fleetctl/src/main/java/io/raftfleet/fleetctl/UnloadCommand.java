package io.raftfleet.fleetctl;

import io.raftfleet.proto.model.Unit;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code unload}: back to inactive, on no machine. Unlike fleet's, it also takes back units that still wait for a machine. */
@Command(
        name = "unload",
        abbreviateSynopsis = true,
        description = {
            "Unschedule one or more units in the cluster",
            "",
            "Units remain submitted, on no machine. Units are names or patterns of submitted units."
        })
final class UnloadCommand extends FleetCommand {
    @Mixin
    BlockOptions block = new BlockOptions();

    @Parameters(paramLabel = "UNIT", arity = "0..*")
    @Nullable
    List<String> units;

    UnloadCommand(Session session) {
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
        var change = new TargetChange(session, INACTIVE, "unload");
        change.run(found.stream()
                .filter(unit -> unit.getGlobal() || Words.current(unit) != INACTIVE || Words.target(unit) != INACTIVE)
                .toList());
        var names = change.triggered().keySet();
        if (!Waiting.untilReached(session, block, change.triggered(), INACTIVE, "unload", false)) {
            session.err("Failed to unload units [" + String.join(" ", names) + "]");
            return 1;
        }
        if (change.failed()) {
            return 1;
        }
        session.err("Successfully unloaded units [" + String.join(" ", names) + "].");
        return 0;
    }
}
