/** How an agent does, for Prometheus and for probes; told only where a setting says so. */
@NullMarked
package io.raftfleet.agent.metrics;

import org.jspecify.annotations.NullMarked;
