/** What an engine does for its callers, whatever they speak: the seam between gRPC, HTTP and the core. */
@NullMarked
package io.raftfleet.engine.api;

import org.jspecify.annotations.NullMarked;
