/** What the engine counts and measures, in Prometheus' terms. */
@NullMarked
package io.raftfleet.engine.metrics;

import org.jspecify.annotations.NullMarked;
