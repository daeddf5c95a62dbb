package io.raftfleet.fleetctl;

import io.raftfleet.proto.model.Unit;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/**
 * {@code restart}. Fleet stops and starts one unit after the other, and uses SSH for global ones; ours asks the cluster for one more
 * start of all of them, which happens once even when the leader changes meanwhile. As fleet's, it does not fail for inactive units.
 */
@Command(
        name = "restart",
        abbreviateSynopsis = true,
        description = {
            "Instruct systemd to restart one or more units in the cluster",
            "",
            "Stopped units are started. Units are names or patterns of submitted units."
        })
final class RestartCommand extends FleetCommand {
    @Mixin
    BlockOptions block = new BlockOptions();

    @Parameters(paramLabel = "UNIT", arity = "0..*")
    @Nullable
    List<String> units;

    RestartCommand(Session session) {
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
        var restarting = new ArrayList<Unit>();
        for (Unit unit : found) {
            if (!unit.getGlobal() && Words.current(unit) == INACTIVE) {
                session.err("Unable to restart unit " + unit.getName() + " in state inactive");
            } else {
                restarting.add(unit);
            }
        }
        var change = new TargetChange(session, LAUNCHED, "restart").startingAgain();
        change.run(restarting);
        boolean reached = Waiting.untilReached(session, block, change.triggered(), LAUNCHED, "restart", true);
        return reached && !change.failed() ? 0 : 1;
    }
}
