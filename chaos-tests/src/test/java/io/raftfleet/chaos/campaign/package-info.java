/** Whole campaigns, short ones; and that checks see a system that was broken on purpose. */
@NullMarked
package io.raftfleet.chaos.campaign;

import org.jspecify.annotations.NullMarked;
