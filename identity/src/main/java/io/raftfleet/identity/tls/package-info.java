/** TLS between engines, agents and clients, on Netty and gRPC. */
@NullMarked
package io.raftfleet.identity.tls;

import org.jspecify.annotations.NullMarked;
