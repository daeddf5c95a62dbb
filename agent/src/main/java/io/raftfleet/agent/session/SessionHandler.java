package io.raftfleet.agent.session;

import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.BucketDigests;
import io.raftfleet.proto.agent.DigestRequest;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.proto.agent.Welcome;
import io.raftfleet.proto.model.UnitState;
import java.util.Collection;
import java.util.List;

/** The machine behind a session. All methods are called on the machine's loop. */
public interface SessionHandler {
    /** Puts boot id, digests and the number of units into {@code hello}. */
    void describe(Hello.Builder hello);

    /** An engine that the machine accepts as leader has welcomed it. */
    void opened(Welcome welcome);

    /** The session is over. Changes nothing on the machine. */
    void closed();

    /** The leader certainly counts this machine as present until then, on the loop's clock; later than it said before. */
    void leaseHeld(long untilNanos);

    /** Takes orders; returns at once. The same orders may come twice. A delta that answers the inventory stands by all others. */
    void apply(AssignmentDelta delta);

    /** Digests by bucket. */
    BucketDigests digests(DigestRequest request);

    /**
     * What the machine was assigned or found, in these buckets; the engine compares it with the registry. In all others the
     * engine has what the machine has.
     */
    List<AssignedUnit> inventory(Collection<Integer> buckets);

    /** All states in these buckets. */
    List<UnitState> states(Collection<Integer> buckets);

    /** The registry has these changes: units that are gone from the machine need not be remembered any more. */
    void goneCommitted(Collection<String> names);
}
