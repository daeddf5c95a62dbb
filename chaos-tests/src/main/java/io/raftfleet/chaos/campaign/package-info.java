/** Puts the parts together: a cluster, traffic, faults, a history, checks and a report. {@code bin/fleet chaos} is its main program. */
@NullMarked
package io.raftfleet.chaos.campaign;

import org.jspecify.annotations.NullMarked;
