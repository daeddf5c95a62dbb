package io.raftfleet.state.raft;

import java.io.IOException;
import org.apache.ratis.grpc.util.ZeroCopyMessageMarshaller;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.proto.RaftProtos.RaftClientRequestProto;
import org.apache.ratis.proto.RaftProtos.RequestVoteReplyProto;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.thirdparty.com.google.protobuf.MessageLite;
import org.apache.ratis.thirdparty.io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import org.apache.ratis.thirdparty.io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import org.apache.ratis.thirdparty.io.grpc.Metadata;
import org.apache.ratis.thirdparty.io.grpc.ServerCall;
import org.apache.ratis.thirdparty.io.grpc.ServerCallHandler;
import org.apache.ratis.thirdparty.io.grpc.ServerInterceptor;
import org.apache.ratis.thirdparty.io.grpc.Status;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Refuses what nobody must make this engine's Raft server do: messages that the {@link MessageRules} object to, and entries that the disk
 * has no room for: Ratis' log, once a write failed, refuses all further ones until it is opened anew. The leader sends them again until
 * there is room.
 *
 * <p>And it keeps back votes that are not on the disk, see {@link DurableVotes}, and acknowledgements of entries that the log
 * does not hold for good, see {@link Acknowledgements}.
 *
 * <p>Thread-safe: without state of its own.
 */
final class PeerGate implements ServerInterceptor {
    private static final Logger LOG = LoggerFactory.getLogger(PeerGate.class);

    private final RaftPeerId self;
    private final DiskSpace space;
    private final DurableVotes votes;
    private final Acknowledgements acknowledgements;
    private final MessageRules rules;
    private final Connections connections;

    PeerGate(
            RaftPeerId self,
            DiskSpace space,
            DurableVotes votes,
            Acknowledgements acknowledgements,
            MessageRules rules,
            Connections connections) {
        this.self = self;
        this.space = space;
        this.votes = votes;
        this.acknowledgements = acknowledgements;
        this.rules = rules;
        this.connections = connections;
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        var answering = new Answering<>(call);
        return new SimpleForwardingServerCallListener<>(next.startCall(answering, headers)) {
            private boolean taken;
            private boolean refused;

            @Override
            public void onMessage(Q message) {
                Status objection = refused ? Status.FAILED_PRECONDITION : rules.objection(message, call);
                if (objection == null && !taken) {
                    taken = true;
                    connections.taken(call.getAttributes(), !(message instanceof RaftClientRequestProto));
                }
                if (objection == null) {
                    objection = noRoom(message);
                }
                if (objection == null) {
                    if (message instanceof AppendEntriesRequestProto append) {
                        answering.of(append);
                        acknowledgements.inTurn(() -> super.onMessage(message));
                    } else {
                        super.onMessage(message);
                    }
                    return;
                }
                release(call.getMethodDescriptor().getRequestMarshaller(), message);
                if (!refused) {
                    refused = true;
                    call.close(objection, new Metadata());
                }
            }

            @Override
            public void onHalfClose() {
                if (!refused) {
                    super.onHalfClose();
                }
            }
        };
    }

    /** A call whose answers leave once they hold. Answers are given by one thread at a time, as gRPC has it. */
    private final class Answering<Q, R> extends SimpleForwardingServerCall<Q, R> {
        private static final long NO_TERM = -1;

        private volatile boolean keptBack;
        /** The term of the leader that this call is from. A leader of a later term makes another. */
        private volatile long leaderTerm = NO_TERM;

        Answering(ServerCall<Q, R> call) {
            super(call);
        }

        void of(AppendEntriesRequestProto append) {
            if (leaderTerm == NO_TERM) {
                leaderTerm = append.getLeaderTerm();
            }
        }

        @Override
        public void sendMessage(R message) {
            Status objection = keptBack ? Status.UNAVAILABLE : answerObjection(message, leaderTerm);
            if (objection == null) {
                super.sendMessage(message);
            } else if (!keptBack) {
                LOG.info("Engine {} keeps an answer back: {}", self, objection.getDescription());
                keptBack = true;
                super.close(objection, new Metadata());
            }
        }

        @Override
        public void close(Status status, Metadata trailers) {
            if (!keptBack) {
                super.close(status, trailers);
            }
        }
    }

    private @Nullable Status answerObjection(Object answer, long leaderTerm) {
        if (answer instanceof AppendEntriesReplyProto reply) {
            return acknowledgements.objection(reply, leaderTerm);
        }
        if (answer instanceof RequestVoteReplyProto) {
            try {
                votes.sync();
            } catch (IOException e) {
                LOG.error("Engine {} could not store a vote, and does not give it", self, e);
                return Status.UNAVAILABLE.withDescription("Engine '" + self + "' could not store its vote.");
            }
        }
        return null;
    }

    private @Nullable Status noRoom(Object message) {
        return message instanceof AppendEntriesRequestProto append && append.getEntriesCount() > 0 && space.isOut()
                ? Status.UNAVAILABLE.withDescription(space.complaint())
                : null;
    }

    /** Ratis parses messages in place; whoever swallows one gives its buffers back. */
    private static <M> void release(Object marshaller, M message) {
        if (marshaller instanceof ZeroCopyMessageMarshaller<?> owner && message instanceof MessageLite m) {
            released(owner, m);
        }
    }

    @SuppressWarnings("unchecked") // the call's own marshaller made the message
    private static <T extends MessageLite> void released(ZeroCopyMessageMarshaller<T> owner, MessageLite message) {
        owner.release((T) message);
    }
}
