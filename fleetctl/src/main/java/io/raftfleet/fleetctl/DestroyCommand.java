package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.client.WaitGoal;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code destroy}. A unit is gone from the registry when the call returns; what is waited for is that the machines that had it have
 * stopped it and taken it away.
 */
final class DestroyCommand extends FleetCommand {
    BlockOptions block = new BlockOptions();

    @Nullable
    List<String> units;

    DestroyCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "destroy",
                "Destroy one or more units in the cluster",
                "",
                "Completely removes units: stopped where they run, and impossible to start unless submitted again. Units are names or"
                        + " patterns of submitted units.");
        block.describe(syntax);
        syntax.add(Syntax.arguments(given -> units = given).arity("0..*").paramLabel("UNIT"));
    }

    @Override
    public Integer call() {
        List<String> arguments = units;
        if (nothingGiven(arguments) || arguments == null) {
            return 0;
        }
        Selection.Submitted found = Selection.submitted(session, arguments);
        Map<String, ByteString> units = new LinkedHashMap<>();
        found.units().forEach(unit -> units.put(unit.getName(), unit.getHash()));
        List<String> names = List.copyOf(units.keySet());
        List<ItemResult> results;
        try {
            results = session.client().destroyUnits(names).results();
        } catch (FleetClientException e) {
            throw new CommandException("Error destroying units: " + e.getMessage(), e);
        }
        int exit = found.exit();
        for (int i = 0; i < names.size(); i++) {
            ItemResult result = results.get(i);
            // Somebody else was faster: as good as destroyed.
            if (!UnitCreator.succeeded(result) && result.getCode() != ItemCode.ITEM_CODE_NOT_FOUND) {
                exit = 1;
                units.remove(names.get(i));
                session.err("Error destroying units: " + UnitCreator.reason(result));
            }
        }
        if (block.noBlock) {
            units.keySet().forEach(name -> session.out("Destroyed " + name));
            return exit;
        }
        return Waiting.untilReached(session, block, units, WaitGoal.DESTROYED, "destroy", 0) ? exit : 1;
    }
}
