package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.client.WaitGoal;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.model.TargetState;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code start}. */
final class StartCommand extends FleetCommand {
    BlockOptions block = new BlockOptions();

    StayUpOption stayUp = new StayUpOption();

    SignOption sign = new SignOption();

    boolean replace;

    RolloutOptions rollout = new RolloutOptions();

    @Nullable
    List<String> units;

    StartCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "start",
                "Instruct systemd to start one or more units in the cluster, first submitting and loading if necessary",
                "",
                "Units are local files, submitted units, instances of a template (local or submitted), or patterns over local files and"
                        + " submitted units. Waits until units are up; never for global units. Launched units that have failed or ended are"
                        + " started again.",
                "",
                "With --replace and --max-unavailable the cluster replaces units that differ from their local files a few at a time, and stops,"
                        + " or goes back with --rollback, when one of them does not get healthy; each keeps its target state. See: fleetctl rollout");
        block.describe(syntax);
        stayUp.describe(syntax);
        sign.describe(syntax);
        syntax.add(Syntax.yesOrNo(given -> replace = given, "--replace")
                .description("Replace the units in the cluster whose local file differs with new versions."));
        rollout.describe(syntax);
        syntax.add(Syntax.arguments(given -> units = given).arity("0..*").paramLabel("UNIT"));
    }

    @Override
    public Integer call() {
        List<String> arguments = units;
        if (nothingGiven(arguments) || arguments == null) {
            return 0;
        }
        long stay = stayUp.nanos();
        sign.tell(session);
        if (rollout.given()) {
            return roll(arguments, stay);
        }
        var creator = new UnitCreator(session, TargetState.TARGET_STATE_LAUNCHED, "start");
        creator.run(arguments, replace);
        boolean reached = Waiting.untilReached(session, block, creator.triggered(), WaitGoal.UP, "start", stay);
        return reached && !creator.failed() ? 0 : 1;
    }

    /** Has the cluster replace what differs, a few units at a time. */
    private int roll(List<String> arguments, long stay) {
        if (!replace) {
            throw CommandException.usage(
                    rollout.flag() + " goes with --replace: what is not there yet is started without it");
        }
        var unused = rollout.request(1); // Flags that make no sense are told before anything is written.
        var creator = new UnitCreator(session, TargetState.TARGET_STATE_LAUNCHED, "start");
        List<NewUnit> differ = creator.keep(arguments);
        boolean started = Waiting.untilReached(session, block, creator.triggered(), WaitGoal.UP, "start", stay);
        if (creator.failed() || !started) {
            return 1;
        }
        if (differ.isEmpty()) {
            session.out("No unit differs from its local file: there is nothing to roll out");
            return 0;
        }
        try {
            var begun = session.client()
                    .startRollout(
                            rollout.request(differ.size()).addAllUnits(differ).build());
            if (!UnitCreator.succeeded(begun.result())) {
                session.err("Error starting a rollout: " + UnitCreator.reason(begun.result()));
                return 1;
            }
            session.out("Rollout " + begun.id() + " of " + differ.size() + (differ.size() == 1 ? " unit" : " units")
                    + " begun; it goes on when this command ends, see: fleetctl rollout status " + begun.id());
            session.terminal().out().flush();
            return RolloutCommand.follow(session, begun.id(), block);
        } catch (FleetClientException e) {
            throw new CommandException(
                    "Error starting a rollout: " + e.getMessage()
                            + "; if it has begun, fleetctl rollout status lists it",
                    e);
        }
    }
}
