/**
 * What clients do to a cluster while it is under faults: writes, reads, lists and watches on all engines over gRPC and HTTP, all
 * noted in the history. Knows nothing of faults and checks.
 */
@NullMarked
package io.raftfleet.chaos.traffic;

import org.jspecify.annotations.NullMarked;
