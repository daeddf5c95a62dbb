/**
 * Tells from a history alone whether the cluster kept its promises. Each {@link io.raftfleet.chaos.check.Check} is for one
 * promise; {@link io.raftfleet.chaos.check.Checks} has them all.
 */
@NullMarked
package io.raftfleet.chaos.check;

import org.jspecify.annotations.NullMarked;
