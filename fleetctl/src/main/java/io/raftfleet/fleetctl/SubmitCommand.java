package io.raftfleet.fleetctl;

import io.raftfleet.proto.model.TargetState;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code submit}. */
final class SubmitCommand extends FleetCommand {
    SignOption sign = new SignOption();

    boolean replace;

    @Nullable
    List<String> units;

    SubmitCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "submit",
                "Upload one or more units to the cluster without starting them",
                "",
                "Units are local files, instances of a template (local or submitted), or patterns over local files.");
        sign.describe(syntax);
        syntax.add(Syntax.yesOrNo(given -> replace = given, "--replace")
                .description("Replace the old submitted units in the cluster with new versions."));
        syntax.add(Syntax.arguments(given -> units = given).arity("0..*").paramLabel("UNIT"));
    }

    @Override
    public Integer call() {
        List<String> arguments = units;
        if (nothingGiven(arguments) || arguments == null) {
            return 0;
        }
        sign.tell(session);
        var creator = new UnitCreator(session, TargetState.TARGET_STATE_INACTIVE, "submit");
        creator.run(arguments, replace);
        return creator.failed() ? 1 : 0;
    }
}
