/** Traces of writes, made and sent with OpenTelemetry's SDK, where they are turned on. */
@NullMarked
package io.raftfleet.traces;

import org.jspecify.annotations.NullMarked;
