/** The daemon: configuration, the gRPC services, routing to the leader, reads, watches, and how all of it is put together. */
@NullMarked
package io.raftfleet.engine.server;

import org.jspecify.annotations.NullMarked;
