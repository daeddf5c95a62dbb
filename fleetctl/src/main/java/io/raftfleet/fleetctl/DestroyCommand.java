package io.raftfleet.fleetctl;

import io.raftfleet.fleetctl.client.FleetClientException;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.model.Unit;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code destroy}. A unit is gone from the registry when the call returns, so there is nothing to wait for; fleet's flags are accepted. */
@Command(
        name = "destroy",
        abbreviateSynopsis = true,
        description = {
            "Destroy one or more units in the cluster",
            "",
            "Completely removes units: stopped where they run, and impossible to start unless submitted again. Units are names or"
                    + " patterns of submitted units."
        })
final class DestroyCommand extends FleetCommand {
    @Mixin
    BlockOptions block = new BlockOptions();

    @Parameters(paramLabel = "UNIT", arity = "0..*")
    @Nullable
    List<String> units;

    DestroyCommand(Session session) {
        super(session);
    }

    @Override
    public Integer call() {
        List<String> arguments = units;
        if (nothingGiven(arguments) || arguments == null) {
            return 0;
        }
        List<String> names = Selection.submitted(session, arguments).stream()
                .map(Unit::getName)
                .toList();
        if (names.isEmpty()) {
            session.err("Units not found in registry");
            return 0;
        }
        List<ItemResult> results;
        try {
            results = session.client().destroyUnits(names).results();
        } catch (FleetClientException e) {
            throw new CommandException("Error destroying units: " + e.getMessage(), e);
        }
        int exit = 0;
        for (int i = 0; i < names.size(); i++) {
            ItemResult result = results.get(i);
            // Somebody else was faster: as good as destroyed.
            if (UnitCreator.succeeded(result) || result.getCode() == ItemCode.ITEM_CODE_NOT_FOUND) {
                session.out("Destroyed " + names.get(i));
            } else {
                exit = 1;
                session.err("Error destroying units: " + UnitCreator.reason(result));
            }
        }
        return exit;
    }
}
