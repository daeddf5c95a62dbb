/** The leader's decisions: requests in, records out, on one thread. */
@NullMarked
package io.raftfleet.engine.control;

import org.jspecify.annotations.NullMarked;
