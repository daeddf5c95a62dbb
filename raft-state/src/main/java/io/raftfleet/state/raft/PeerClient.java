package io.raftfleet.state.raft;

import com.google.protobuf.ByteString;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.raft.LeadershipConfirmation.Confirmed;
import io.raftfleet.state.raft.PeerMessages.Position;
import io.raftfleet.state.raft.PeerMessages.Standing;
import io.raftfleet.state.raft.ReplicationException.Unavailable;
import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.ratis.client.RaftClientRpc;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.Message;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftClientRequest;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.raftlog.RaftLog;
import org.apache.ratis.thirdparty.io.grpc.Context;

/** Asks other engines' Raft nodes: see {@link PeerMessages}. Thread-safe; connects on first use. */
final class PeerClient implements AutoCloseable {
    private final ClientId id = ClientId.randomId();
    private final RaftGroupId group;
    private final RaftClientRpc rpc;
    private final AtomicLong calls = new AtomicLong();
    private final Set<RaftPeerId> known = ConcurrentHashMap.newKeySet();
    /** Those of older versions, which say where their logs end and no more. */
    private final Set<RaftPeerId> strangers = ConcurrentHashMap.newKeySet();

    PeerClient(RaftGroupId group, RaftClientRpc rpc) {
        this.group = group;
        this.rpc = rpc;
    }

    /** The read index, from an engine that leads. */
    CompletableFuture<Confirmed> readIndex(RaftPeer leader) {
        return ask(leader, PeerMessages.READ_INDEX, PeerMessages::readIndex);
    }

    /** Where an engine's log ends. */
    CompletableFuture<Position> position(RaftPeer peer) {
        return ask(peer, PeerMessages.POSITION, PeerMessages::position);
    }

    /**
     * How fit an engine is to lead. Of one of an older version, which does not know the question, it is where its log ends, all of it applied.
     * Fails when it does not answer at all.
     */
    CompletableFuture<Standing> standing(RaftPeer peer) {
        return strangers.contains(peer.getId())
                ? position(peer).thenApply(end -> new Standing(end, 0)).exceptionallyCompose(gone -> meet(peer))
                : meet(peer);
    }

    /**
     * The same, asked anew of one that did not know the question; connects. The first question after an engine was started again ends with
     * the stream of before, and who does not know it, of an older version, ends the stream: so it is asked twice, and then what all know.
     */
    CompletableFuture<Standing> meet(RaftPeer peer) {
        strangers.remove(peer.getId());
        return ask(peer, PeerMessages.STANDING, PeerMessages::standing)
                .exceptionallyCompose(ended -> ask(peer, PeerMessages.STANDING, PeerMessages::standing))
                .exceptionallyCompose(unknown -> position(peer).thenApply(end -> {
                    strangers.add(peer.getId());
                    return new Standing(end, 0);
                }));
    }

    /** Whom an engine counts as members. */
    CompletableFuture<Set<String>> members(RaftPeer peer) {
        return ask(peer, PeerMessages.MEMBERS, PeerMessages::members);
    }

    /** The newest entry format that an engine reads. */
    CompletableFuture<Long> format(RaftPeer peer) {
        return ask(peer, PeerMessages.FORMAT, PeerMessages::format);
    }

    /** How many bytes of an engine's heap the registry may take. */
    CompletableFuture<Long> quota(RaftPeer peer) {
        return ask(peer, PeerMessages.QUOTA, PeerMessages::quota);
    }

    /**
     * What an engine's clock shows, in milliseconds of Unix time. Fails when the engine is of a version that does not know the question: it
     * is asked first what it reads, since a question that it does not know would end the stream that others are on.
     */
    CompletableFuture<Long> clock(RaftPeer peer) {
        return format(peer)
                .thenCompose(reads -> reads >= EntryFormats.WITH_CLOCK_SET
                        ? ask(peer, PeerMessages.CLOCK, PeerMessages::clock)
                        : CompletableFuture.failedFuture(
                                new Unavailable("engine '" + peer.getId() + "' does not tell its time yet")));
    }

    /** An engine's digests of its registry, by index. */
    CompletableFuture<Map<Long, ByteString>> digests(RaftPeer peer) {
        return ask(peer, PeerMessages.DIGESTS, PeerMessages::digests);
    }

    private interface Decoder<T> {
        T decode(Message message) throws IOException;
    }

    /** Not in the context of the call that it may be asked in: with that one's end the question, and others on its stream, would end. */
    private CompletableFuture<RaftClientReply> send(RaftClientRequest request) {
        Context outer = Context.ROOT.attach();
        try {
            return rpc.sendRequestAsyncUnordered(request);
        } finally {
            Context.ROOT.detach(outer);
        }
    }

    private <T> CompletableFuture<T> ask(RaftPeer peer, byte question, Decoder<T> decoder) {
        if (known.add(peer.getId())) {
            // The client address of a RaftPeer is our gRPC service's; Ratis listens on one address alone.
            rpc.addRaftPeers(RaftPeer.newBuilder()
                    .setId(peer.getId())
                    .setAddress(peer.getAddress())
                    .build());
        }
        RaftClientRequest request = RaftClientRequest.newBuilder()
                .setClientId(id)
                .setServerId(peer.getId())
                .setGroupId(group)
                .setCallId(calls.incrementAndGet())
                .setMessage(PeerMessages.question(question))
                // However old: also before the engine knows of anything committed.
                .setType(RaftClientRequest.staleReadRequestType(RaftLog.INVALID_LOG_INDEX))
                .build();
        return send(request).handle((reply, failure) -> {
            if (failure != null) {
                rpc.handleException(peer.getId(), failure, true); // drops the broken stream
                throw new CompletionException(new Unavailable("engine '" + peer.getId() + "' did not answer"));
            }
            if (!reply.isSuccess()) {
                throw new CompletionException(new Unavailable("engine '" + peer.getId() + "' could not answer: "
                        + reply.getException().getMessage()));
            }
            try {
                return decoder.decode(reply.getMessage());
            } catch (IOException e) {
                throw new CompletionException(e);
            }
        });
    }

    @Override
    public void close() throws IOException {
        rpc.close();
    }
}
