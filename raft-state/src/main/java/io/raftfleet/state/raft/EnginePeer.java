package io.raftfleet.state.raft;

/**
 * One engine of the cluster and where it is reached. All addresses are {@code host:port}.
 *
 * @param id unique in the cluster, for good: an engine that lost its disk comes back under another id
 * @param raftAddress where engines talk to each other
 * @param grpcAddress where clients and agents reach it
 * @param httpAddress where it answers the HTTP API
 */
public record EnginePeer(String id, String raftAddress, String grpcAddress, String httpAddress) {
    public EnginePeer {
        if (id.isBlank()) {
            throw new IllegalArgumentException("An engine has an empty id: give each engine a name of its own.");
        }
    }
}
