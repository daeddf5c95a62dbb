/** JMH benchmarks of what runs once a unit, or once a report. */
@NullMarked
package io.raftfleet.bench.hot;

import org.jspecify.annotations.NullMarked;
