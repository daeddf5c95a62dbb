/** Who calls, and who may call what. */
@NullMarked
package io.raftfleet.engine.access;

import org.jspecify.annotations.NullMarked;
