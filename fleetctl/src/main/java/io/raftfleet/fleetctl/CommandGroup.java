package io.raftfleet.fleetctl;

/** A command that does nothing by itself: those below it do. */
abstract class CommandGroup extends FleetCommand {

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
