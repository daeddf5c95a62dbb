/** What processes use, as the kernel tells it. */
@NullMarked
package io.raftfleet.bench.process;

import org.jspecify.annotations.NullMarked;
