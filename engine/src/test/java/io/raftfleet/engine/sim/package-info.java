/**
 * Engines and agents as they are, in one thread and in virtual time: the leader's side and the agents' side of the session
 * run against each other over in-process gRPC and a log in memory, with faults drawn from a seed. {@link
 * io.raftfleet.engine.sim.Simulation} is a run, {@link io.raftfleet.engine.sim.Invariants} says what must hold.
 */
@NullMarked
package io.raftfleet.engine.sim;

import org.jspecify.annotations.NullMarked;
