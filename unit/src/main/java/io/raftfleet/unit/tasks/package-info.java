/** Running tasks so that no failure of one is lost. */
@NullMarked
package io.raftfleet.unit.tasks;

import org.jspecify.annotations.NullMarked;
