/** What runs units on a machine: the seam between the reconciler and systemd, or a machine in memory. */
@NullMarked
package io.raftfleet.agent.manager;

import org.jspecify.annotations.NullMarked;
