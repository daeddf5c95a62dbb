/** Checks, on histories that are known to be good and known to be bad. */
@NullMarked
package io.raftfleet.chaos.check;

import org.jspecify.annotations.NullMarked;
