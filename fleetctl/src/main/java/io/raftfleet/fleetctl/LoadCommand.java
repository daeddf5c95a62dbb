package io.raftfleet.fleetctl;

import io.raftfleet.client.WaitGoal;
import io.raftfleet.proto.model.TargetState;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code load}. */
final class LoadCommand extends FleetCommand {
    BlockOptions block = new BlockOptions();

    SignOption sign = new SignOption();

    boolean replace;

    @Nullable
    List<String> units;

    LoadCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "load",
                "Schedule one or more units in the cluster, first submitting them if necessary",
                "",
                "Units are local files, submitted units, instances of a template (local or submitted), or patterns over local files and"
                        + " submitted units. Waits until units are loaded; never for global units.");
        block.describe(syntax);
        sign.describe(syntax);
        syntax.add(Syntax.yesOrNo(given -> replace = given, "--replace")
                .description("Replace the units in the cluster whose local file differs with new versions."));
        syntax.add(Syntax.arguments(given -> units = given).arity("0..*").paramLabel("UNIT"));
    }

    @Override
    public Integer call() {
        List<String> arguments = units;
        if (nothingGiven(arguments) || arguments == null) {
            return 0;
        }
        sign.tell(session);
        var creator = new UnitCreator(session, TargetState.TARGET_STATE_LOADED, "load");
        creator.run(arguments, replace);
        boolean reached = Waiting.untilReached(session, block, creator.triggered(), WaitGoal.LOADED, "load", 0);
        return reached && !creator.failed() ? 0 : 1;
    }
}
