package io.raftfleet.fleetctl;

import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code submit}. */
@Command(
        name = "submit",
        abbreviateSynopsis = true,
        description = {
            "Upload one or more units to the cluster without starting them",
            "",
            "Units are local files, instances of a template (local or submitted), or patterns over local files."
        })
final class SubmitCommand extends FleetCommand {
    @Mixin
    SignOption sign = new SignOption();

    @Option(
            names = "--replace",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "true|false",
            description = "Replace the old submitted units in the cluster with new versions.")
    boolean replace;

    @Parameters(paramLabel = "UNIT", arity = "0..*")
    @Nullable
    List<String> units;

    SubmitCommand(Session session) {
        super(session);
    }

    @Override
    public Integer call() {
        List<String> arguments = units;
        if (nothingGiven(arguments) || arguments == null) {
            return 0;
        }
        sign.tell(session);
        var creator = new UnitCreator(session, INACTIVE, "submit");
        creator.run(arguments, replace);
        return creator.failed() ? 1 : 0;
    }
}
