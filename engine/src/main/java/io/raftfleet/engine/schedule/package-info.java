/**
 * Decides which machine runs each unit. Pure and single-threaded: no clock, no I/O, no threads, no randomness.
 *
 * <p>{@link io.raftfleet.engine.schedule.Scheduler} takes facts and gives decisions. Behind it, {@code Cluster} holds
 * the facts with their indexes, {@code Placement} finds a machine for a unit, {@code PeerGroups} and {@code
 * ReplaceGraph} know what ties units together, and {@code Explainer} says why a unit is pending.
 *
 * <p>The rules are those of fleet v1.0.0 ({@code agent/state.go}, {@code engine/scheduler.go}, {@code
 * engine/reconciler.go}). Where fleet leaves the outcome to the order of a map or never comes to rest, the classes say
 * what happens here instead.
 */
@NullMarked
package io.raftfleet.engine.schedule;

import org.jspecify.annotations.NullMarked;
