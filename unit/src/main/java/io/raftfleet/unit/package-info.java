/** The unit-file vocabulary: parsing, serialising, hashes, names, requirements. Pure functions, no I/O. */
@NullMarked
package io.raftfleet.unit;

import org.jspecify.annotations.NullMarked;
