package io.raftfleet.engine.session;

import io.raftfleet.proto.agent.InventoryRequest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What an agent has yet to say in a session until all that it has is known: its assignments, where they differ from what it is to
 * have, and its states, where they differ from what the registry holds. Not thread-safe.
 */
final class FirstAccount {
    private boolean digests;
    private final Set<Integer> assignments = new HashSet<>();
    private final Set<Integer> states = new HashSet<>();
    private final List<String> found = new ArrayList<>();

    /** Both as the engine said in its welcome; what does not match is asked for, digests first. */
    FirstAccount(boolean assignmentsMatch, boolean statesMatch) {
        digests = !assignmentsMatch || !statesMatch;
    }

    /** The digests have come, and this is asked for now. */
    void asked(InventoryRequest.Builder request) {
        digests = false;
        assignments.addAll(request.getBucketsList());
        states.addAll(request.getStateBucketsList());
    }

    /**
     * Part of the answer to an inventory was told.
     *
     * @param held units that it neither ordered nor sent away
     * @param buckets of the inventory, with the last part
     */
    void answered(Collection<String> held, Collection<Integer> buckets) {
        found.addAll(held);
        assignments.removeAll(buckets);
    }

    /** States that take the place of all in these buckets are committed. */
    void committed(Collection<Integer> wholeBuckets) {
        states.removeAll(wholeBuckets);
    }

    /** Whether nothing is to come any more. */
    boolean whole() {
        return !digests && assignments.isEmpty() && states.isEmpty();
    }

    /** Units of the inventory that were neither ordered nor sent away. */
    List<String> found() {
        return found;
    }
}
