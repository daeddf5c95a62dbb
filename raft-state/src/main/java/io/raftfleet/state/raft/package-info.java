/** Apache Ratis around a {@link io.raftfleet.state.raft.ReplicatedState}: log, leadership, checkpoints, proposals, reads. */
@NullMarked
package io.raftfleet.state.raft;

import org.jspecify.annotations.NullMarked;
