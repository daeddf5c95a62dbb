/**
 * Faults and how to inject them. A {@link io.raftfleet.chaos.fault.FaultSource} is for one kind, knows whether it can be injected here,
 * and draws faults from a seed. Knows nothing of traffic and checks.
 */
@NullMarked
package io.raftfleet.chaos.fault;

import org.jspecify.annotations.NullMarked;
