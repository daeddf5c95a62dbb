/** Traces of writes, where they are turned on: of the calls, of their way through the decision thread, and of what becomes of units. */
@NullMarked
package io.raftfleet.engine.trace;

import org.jspecify.annotations.NullMarked;
