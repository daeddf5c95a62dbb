/**
 * A client of the cluster over gRPC, for programs, the command line, load generators and fault tests alike: several endpoints behind
 * one object, writes that are done once however often they are sent, whole lists from pages, watches that survive a leader.
 *
 * <p>Begin with {@link io.raftfleet.client.FleetClient}.
 */
@NullMarked
package io.raftfleet.client;

import org.jspecify.annotations.NullMarked;
