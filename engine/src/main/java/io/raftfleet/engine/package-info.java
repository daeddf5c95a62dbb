/** The {@code fleet-engine} daemon. */
@NullMarked
package io.raftfleet.engine;

import org.jspecify.annotations.NullMarked;
