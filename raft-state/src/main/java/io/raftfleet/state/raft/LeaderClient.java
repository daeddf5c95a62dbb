package io.raftfleet.state.raft;

import io.raftfleet.state.raft.LeadershipConfirmation.Confirmed;
import io.raftfleet.state.raft.ReplicationException.Unavailable;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.ratis.client.RaftClientRpc;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftClientRequest;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;

/** Asks other engines, as long as they lead, for their read index. Thread-safe; connects on first use. */
final class LeaderClient implements AutoCloseable {
    private final ClientId id = ClientId.randomId();
    private final RaftGroupId group;
    private final RaftClientRpc rpc;
    private final AtomicLong calls = new AtomicLong();
    private final Set<RaftPeerId> known = ConcurrentHashMap.newKeySet();

    LeaderClient(RaftGroupId group, RaftClientRpc rpc) {
        this.group = group;
        this.rpc = rpc;
    }

    CompletableFuture<Confirmed> readIndex(RaftPeer leader) {
        if (known.add(leader.getId())) {
            // The client address of a RaftPeer is our gRPC service's; Ratis listens on one address alone.
            rpc.addRaftPeers(RaftPeer.newBuilder()
                    .setId(leader.getId())
                    .setAddress(leader.getAddress())
                    .build());
        }
        RaftClientRequest request = RaftClientRequest.newBuilder()
                .setClientId(id)
                .setServerId(leader.getId())
                .setGroupId(group)
                .setCallId(calls.incrementAndGet())
                .setMessage(ReadIndexMessage.question())
                .setType(RaftClientRequest.staleReadRequestType(0))
                .build();
        return rpc.sendRequestAsyncUnordered(request).handle((reply, failure) -> {
            if (failure != null) {
                rpc.handleException(leader.getId(), failure, true); // drops the broken stream
                throw new CompletionException(
                        new Unavailable("engine '" + leader.getId() + "', the leader last known, did not answer"));
            }
            return confirmed(leader, reply);
        });
    }

    private static Confirmed confirmed(RaftPeer leader, RaftClientReply reply) {
        if (!reply.isSuccess()) {
            throw new CompletionException(new Unavailable("engine '" + leader.getId()
                    + "', the leader last known, gave no read index: " + reply.getException()));
        }
        try {
            return ReadIndexMessage.parse(reply.getMessage());
        } catch (IOException e) {
            throw new CompletionException(e);
        }
    }

    @Override
    public void close() throws IOException {
        rpc.close();
    }
}
