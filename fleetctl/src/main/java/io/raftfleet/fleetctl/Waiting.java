package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.client.WaitGoal;
import java.util.Map;

/** The end of every command that takes units somewhere: wait for them, or say that nobody waits. */
final class Waiting {
    private Waiting() {}

    /**
     * Waits for the units.
     *
     * @param units names and hashes of units that are on their way
     * @param verb for "Triggered unit NAME VERB"
     * @param stayUp how long main processes of started units must run, in nanoseconds
     * @return false when one did not get there; people have been told
     */
    static boolean untilReached(
            Session session,
            BlockOptions block,
            Map<String, ByteString> units,
            WaitGoal goal,
            String verb,
            long stayUp) {
        if (block.noBlock) {
            units.keySet().forEach(name -> session.out("Triggered unit " + name + " " + verb));
            return true;
        }
        if (units.isEmpty()) {
            return true;
        }
        try {
            return new UnitWaiter(session, goal, stayUp).await(units, block.limit()) == 0;
        } catch (FleetClientException e) {
            throw new CommandException("Error waiting for units: " + e.getMessage(), e);
        }
    }
}
