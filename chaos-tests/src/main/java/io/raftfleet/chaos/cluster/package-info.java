/**
 * Starts and stops clusters of real processes on this machine. Knows nothing of what tests do with them.
 *
 * <p>{@link io.raftfleet.chaos.cluster.Cluster} is where to begin; {@link io.raftfleet.chaos.cluster.Await} is how to wait.
 */
@NullMarked
package io.raftfleet.chaos.cluster;

import org.jspecify.annotations.NullMarked;
