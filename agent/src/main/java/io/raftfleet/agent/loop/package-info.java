/** Where a machine's work runs: one task at a time, on threads shared by all machines of the process. */
@NullMarked
package io.raftfleet.agent.loop;

import org.jspecify.annotations.NullMarked;
