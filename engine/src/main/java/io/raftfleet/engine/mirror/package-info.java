/** The registry as its mirror in etcd reads it, and how a cluster is restored from that. */
@NullMarked
package io.raftfleet.engine.mirror;

import org.jspecify.annotations.NullMarked;
