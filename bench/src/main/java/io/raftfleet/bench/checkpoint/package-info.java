/** What checkpoints cost. */
@NullMarked
package io.raftfleet.bench.checkpoint;

import org.jspecify.annotations.NullMarked;
