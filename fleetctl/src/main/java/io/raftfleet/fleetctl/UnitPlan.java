package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.fleet.NewUnit;

/**
 * One unit to create.
 *
 * @param unit for the call, without a target state
 * @param hash of its contents
 * @param global whether it goes to every machine, so that nobody waits for it
 */
record UnitPlan(NewUnit unit, ByteString hash, boolean global) {
    String name() {
        return unit.getName();
    }
}
