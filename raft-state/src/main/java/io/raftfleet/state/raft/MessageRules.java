package io.raftfleet.state.raft;

import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.proto.RaftProtos.InstallSnapshotRequestProto;
import org.apache.ratis.proto.RaftProtos.RaftClientRequestProto;
import org.apache.ratis.proto.RaftProtos.RaftRpcRequestProto;
import org.apache.ratis.proto.RaftProtos.RequestVoteRequestProto;
import org.apache.ratis.proto.RaftProtos.StartLeaderElectionRequestProto;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.thirdparty.io.grpc.ServerCall;
import org.apache.ratis.thirdparty.io.grpc.Status;
import org.jspecify.annotations.Nullable;

/**
 * Which messages of the {@link AllowedCalls} are for Ratis to see: those meant for this engine and its group, from an engine that is
 * {@linkplain KnownEngines known}, without a {@linkplain MessageFlaws flaw}; and {@link PeerMessages}' questions, which an engine that
 * is to join asks too, so anybody may. Ids are compared as bytes: Ratis keeps every id that it has ever made an object of.
 *
 * <p>Ratis addresses engines by host and port and does not look at the receiver's name: an engine that takes over a lost one's address
 * would answer, and vote, in that one's name, without that one's log.
 *
 * <p>Thread-safe: without state of its own.
 */
final class MessageRules {
    private final RaftPeerId self;
    private final RaftGroupId group;
    private final KnownEngines known;
    private final Refusals refusals;

    MessageRules(RaftPeerId self, RaftGroupId group, KnownEngines known, Refusals refusals) {
        this.self = self;
        this.group = group;
        this.known = known;
        this.refusals = refusals;
    }

    /** Why a message goes no further, or null when it does. What is refused is told to people here. */
    @Nullable
    Status objection(Object message, ServerCall<?, ?> call) {
        Status objection = switch (message) {
            case AppendEntriesRequestProto m -> raft(m, m.getServerRequest(), call);
            case RequestVoteRequestProto m -> raft(m, m.getServerRequest(), call);
            case InstallSnapshotRequestProto m -> raft(m, m.getServerRequest(), call);
            case StartLeaderElectionRequestProto m -> raft(m, m.getServerRequest(), call);
            case RaftClientRequestProto m -> question(m, call);
            default -> Status.PERMISSION_DENIED.withDescription("it is of a kind that no engine sends");
        };
        if (objection != null) {
            refusals.refused(
                    Refusals.sender(call.getAttributes()),
                    call.getMethodDescriptor().getFullMethodName(),
                    String.valueOf(objection.getDescription()));
        }
        return objection;
    }

    private @Nullable Status raft(Object message, RaftRpcRequestProto request, ServerCall<?, ?> call) {
        Status misled = misled(request);
        if (misled != null) {
            return misled;
        }
        String stranger = known.objection(
                request.getRequestorId(), Refusals.sender(call.getAttributes()), RaftTls.engine(call.getAttributes()));
        if (stranger != null) {
            return Status.PERMISSION_DENIED.withDescription(stranger);
        }
        String flaw = MessageFlaws.in(message, known.currentTerm());
        return flaw == null ? null : Status.INVALID_ARGUMENT.withDescription(flaw);
    }

    private @Nullable Status question(RaftClientRequestProto message, ServerCall<?, ?> call) {
        Status misled = misled(message.getRpcRequest());
        if (misled != null) {
            return misled;
        }
        if (!message.hasStaleRead() || message.getMessage().getContent().size() != 1) {
            return Status.PERMISSION_DENIED.withDescription(
                    "it is none of engines' questions to each other: the registry is read and written through the APIs");
        }
        return call.isReady()
                ? null
                : Status.RESOURCE_EXHAUSTED.withDescription(
                        "it is one more question of a sender that reads no answers");
    }

    private @Nullable Status misled(RaftRpcRequestProto request) {
        if (!request.getReplyId().equals(self.toByteString())) {
            return Status.FAILED_PRECONDITION.withDescription(
                    "this is engine '" + self + "', no other: an engine was replaced, or two have one address");
        }
        return request.getRaftGroupId().getId().equals(group.toByteString())
                ? null
                : Status.FAILED_PRECONDITION.withDescription("it is for another cluster than this engine's");
    }
}
