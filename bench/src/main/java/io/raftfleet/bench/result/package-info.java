/** What a benchmark found, as records that are kept as JSON. */
@NullMarked
package io.raftfleet.bench.result;

import org.jspecify.annotations.NullMarked;
