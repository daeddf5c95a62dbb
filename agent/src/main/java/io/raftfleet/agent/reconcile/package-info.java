/**
 * Takes a machine from how it is to how the cluster wants it: orders, the journal of what was done, the steps between, and
 * the states that are reported.
 */
@NullMarked
package io.raftfleet.agent.reconcile;

import org.jspecify.annotations.NullMarked;
