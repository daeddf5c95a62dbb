/** How large each field of the contracts may be, and what may stand in it. */
@NullMarked
package io.raftfleet.unit.limits;

import org.jspecify.annotations.NullMarked;
