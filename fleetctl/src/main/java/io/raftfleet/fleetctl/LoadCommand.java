package io.raftfleet.fleetctl;

import io.raftfleet.client.WaitGoal;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code load}. */
@Command(
        name = "load",
        abbreviateSynopsis = true,
        description = {
            "Schedule one or more units in the cluster, first submitting them if necessary",
            "",
            "Units are local files, submitted units, instances of a template (local or submitted), or patterns over local files and"
                    + " submitted units. Waits until units are loaded; never for global units."
        })
final class LoadCommand extends FleetCommand {
    @Mixin
    BlockOptions block = new BlockOptions();

    @Mixin
    SignOption sign = new SignOption();

    @Option(
            names = "--replace",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "true|false",
            description = "Replace the units in the cluster whose local file differs with new versions.")
    boolean replace;

    @Parameters(paramLabel = "UNIT", arity = "0..*")
    @Nullable
    List<String> units;

    LoadCommand(Session session) {
        super(session);
    }

    @Override
    public Integer call() {
        List<String> arguments = units;
        if (nothingGiven(arguments) || arguments == null) {
            return 0;
        }
        sign.tell(session);
        var creator = new UnitCreator(session, LOADED, "load");
        creator.run(arguments, replace);
        boolean reached = Waiting.untilReached(session, block, creator.triggered(), WaitGoal.LOADED, "load", 0);
        return reached && !creator.failed() ? 0 : 1;
    }
}
