package io.raftfleet.fleetctl;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** A command that does nothing by itself: those below it do. */
@Command(abbreviateSynopsis = true, synopsisSubcommandLabel = "COMMAND")
abstract class CommandGroup extends FleetCommand {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before it calls anything
    CommandSpec spec;

    CommandGroup(Session session) {
        super(session);
    }

    @Override
    public Integer call() {
        session.err("Which one? fleetctl " + spec.name() + " "
                + String.join(", ", spec.subcommands().keySet()));
        return 2;
    }
}
