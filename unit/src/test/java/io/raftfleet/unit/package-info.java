/** Tests of the unit-file vocabulary. */
@NullMarked
package io.raftfleet.unit;

import org.jspecify.annotations.NullMarked;
