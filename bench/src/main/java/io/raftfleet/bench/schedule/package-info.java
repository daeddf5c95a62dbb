/** How long the scheduler takes. */
@NullMarked
package io.raftfleet.bench.schedule;

import org.jspecify.annotations.NullMarked;
