package io.raftfleet.fleetctl;

import io.raftfleet.client.WaitGoal;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code restart}. Fleet stops and starts one unit after the other, and uses SSH for global ones; ours asks the cluster for one more
 * start of all of them, which happens once even when the leader changes meanwhile.
 */
final class RestartCommand extends FleetCommand {
    BlockOptions block = new BlockOptions();

    StayUpOption stayUp = new StayUpOption();

    @Nullable
    List<String> units;

    RestartCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "restart",
                "Instruct systemd to restart one or more units in the cluster",
                "",
                "Stopped units are started. Units are names or patterns of submitted units.");
        block.describe(syntax);
        stayUp.describe(syntax);
        syntax.add(Syntax.arguments(given -> units = given).arity("0..*").paramLabel("UNIT"));
    }

    @Override
    public Integer call() {
        List<String> arguments = units;
        if (nothingGiven(arguments) || arguments == null) {
            return 0;
        }
        long stay = stayUp.nanos();
        Selection.Submitted found = Selection.submitted(session, arguments);
        int exit = found.exit();
        var restarting = new ArrayList<Unit>();
        for (Unit unit : found.units()) {
            if (!unit.getGlobal() && Words.current(unit) == TargetState.TARGET_STATE_INACTIVE) {
                exit = 1;
                session.err("Unable to restart unit " + unit.getName()
                        + " in state inactive: it is on no machine; start it with:" + " fleetctl start "
                        + unit.getName());
            } else {
                restarting.add(unit);
            }
        }
        var change = new TargetChange(session, TargetState.TARGET_STATE_LAUNCHED, "restart").startingAgain();
        change.run(restarting);
        boolean reached = Waiting.untilReached(session, block, change.triggered(), WaitGoal.UP, "restart", stay);
        return reached && !change.failed() ? exit : 1;
    }
}
