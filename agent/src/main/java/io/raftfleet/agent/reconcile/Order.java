package io.raftfleet.agent.reconcile;

import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.UnitHash;

/**
 * How the cluster wants a unit on this machine.
 *
 * @param hash of its contents
 * @param launched started; otherwise only in place
 * @param generation the unit is started once for each when {@code launched}, otherwise stopped once for each
 */
public record Order(UnitHash hash, boolean launched, long generation) {
    /** @throws IllegalArgumentException when the hash or the target state is none that an order can have */
    static Order of(AssignedUnit unit) {
        boolean launched = switch (unit.getTargetState()) {
            case TARGET_STATE_LAUNCHED -> true;
            case TARGET_STATE_LOADED -> false;
            case TARGET_STATE_INACTIVE, TARGET_STATE_UNSPECIFIED, UNRECOGNIZED ->
                throw new IllegalArgumentException("target state " + unit.getTargetStateValue()
                        + " is no order to a machine: only loaded and launched are");
        };
        return new Order(UnitHash.from(unit.getHash()), launched, unit.getStartGeneration());
    }

    AssignedUnit toAssigned(String name) {
        return AssignedUnit.newBuilder()
                .setName(name)
                .setHash(hash.toByteString())
                .setTargetState(launched ? TargetState.TARGET_STATE_LAUNCHED : TargetState.TARGET_STATE_LOADED)
                .setStartGeneration(generation)
                .build();
    }
}
