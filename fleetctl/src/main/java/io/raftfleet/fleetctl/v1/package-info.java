/** Engines reached by fleet's HTTP API v1 alone, behind the same calls as those reached by gRPC. */
@NullMarked
package io.raftfleet.fleetctl.v1;

import org.jspecify.annotations.NullMarked;
