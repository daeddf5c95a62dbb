package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Sets the target of units that the cluster has, in one call, and says which are on their way now. */
final class TargetChange {
    private final Session session;
    private final TargetState goal;
    private final String verb;
    private final Map<String, ByteString> triggered = new LinkedHashMap<>();
    private boolean startAgain;
    private boolean stopAgain;
    private boolean failed;

    TargetChange(Session session, TargetState goal, String verb) {
        this.session = session;
        this.goal = goal;
        this.verb = verb;
    }

    /** Asks for one more start. */
    TargetChange startingAgain() {
        startAgain = true;
        return this;
    }

    /** Asks for one more stop of what is only to be loaded. */
    TargetChange stoppingAgain() {
        stopAgain = true;
        return this;
    }

    /** Units that can be waited for, with the hash of their contents; global ones are not among them. */
    Map<String, ByteString> triggered() {
        return triggered;
    }

    /** Whether some were refused. */
    boolean failed() {
        return failed;
    }

    void run(List<Unit> units) {
        if (units.isEmpty()) {
            return;
        }
        List<TargetStateChange> changes = units.stream()
                .map(unit -> TargetStateChange.newBuilder()
                        .setName(unit.getName())
                        .setTargetState(goal)
                        .setStartAgain(startAgain)
                        .setStopAgain(stopAgain)
                        .build())
                .toList();
        List<ItemResult> results;
        try {
            results = session.client().setTargetStates(changes).results();
        } catch (FleetClientException e) {
            throw new CommandException("Error setting target state of units: " + e.getMessage(), e);
        }
        for (int i = 0; i < units.size(); i++) {
            Unit unit = units.get(i);
            ItemResult result = results.get(i);
            if (result.getCode() == ItemCode.ITEM_CODE_NOT_FOUND) {
                failed = true;
                session.err("Unit " + unit.getName() + " was destroyed meanwhile");
            } else if (!UnitCreator.succeeded(result)) {
                failed = true;
                session.err(
                        "Error setting target state for unit " + unit.getName() + ": " + UnitCreator.reason(result));
            } else if (stopAgain && result.getCode() == ItemCode.ITEM_CODE_UNCHANGED) {
                failed = true;
                session.err("Unit " + unit.getName()
                        + " runs although it is only loaded, and an engine of an earlier version can't"
                        + " have it stopped: stop what starts it, or upgrade the engines");
            } else if (unit.getGlobal()) {
                session.out("Triggered global unit " + unit.getName() + " " + verb);
            } else {
                triggered.put(unit.getName(), unit.getHash());
            }
        }
    }
}
