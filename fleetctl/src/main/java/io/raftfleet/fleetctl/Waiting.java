package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.raftfleet.fleetctl.client.FleetClientException;
import io.raftfleet.proto.model.TargetState;
import java.util.Map;

/** The end of every command that takes units somewhere: wait for them, or say that nobody waits. */
final class Waiting {
    private Waiting() {}

    /**
     * Waits for the units.
     *
     * @param units names and hashes of units that are on their way
     * @param verb for "Triggered unit NAME VERB"
     * @param untilActive whether systemd's opinion counts too
     * @return false when one did not get there; people have been told
     */
    static boolean untilReached(
            Session session,
            BlockOptions block,
            Map<String, ByteString> units,
            TargetState goal,
            String verb,
            boolean untilActive) {
        if (block.noBlock) {
            units.keySet().forEach(name -> session.out("Triggered unit " + name + " " + verb));
            return true;
        }
        if (units.isEmpty()) {
            return true;
        }
        try {
            String problem = new UnitWaiter(session, goal, untilActive).await(units, block.limit());
            if (problem == null) {
                return true;
            }
            session.err("Error waiting for unit states, exit status: " + problem);
            return false;
        } catch (FleetClientException e) {
            throw new CommandException("Error waiting for unit states, exit status: " + e.getMessage(), e);
        }
    }
}
