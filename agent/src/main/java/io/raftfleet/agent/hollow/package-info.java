/** Machines in memory: they run units in name only, thousands in a process, for trying out and measuring a cluster. */
@NullMarked
package io.raftfleet.agent.hollow;

import org.jspecify.annotations.NullMarked;
