package io.raftfleet.state.raft;

import java.util.Set;
import org.apache.ratis.proto.grpc.RaftClientProtocolServiceGrpc;
import org.apache.ratis.proto.grpc.RaftServerProtocolServiceGrpc;
import org.apache.ratis.thirdparty.io.grpc.Metadata;
import org.apache.ratis.thirdparty.io.grpc.ServerCall;
import org.apache.ratis.thirdparty.io.grpc.ServerCallHandler;
import org.apache.ratis.thirdparty.io.grpc.ServerInterceptor;
import org.apache.ratis.thirdparty.io.grpc.Status;

/**
 * The calls that engines make to each other, by name; nothing else is served on the Raft port. Ratis offers its clients' and
 * administrators' services there too, by which anybody could remove the group with its files, make one engine the only member, or add
 * groups. What of that this engine needs it calls within its process. A method that a later version of Ratis brings is refused until it
 * is named here.
 *
 * <p>Thread-safe: without state of its own.
 */
final class AllowedCalls implements ServerInterceptor {
    /** Raft's own messages, and {@code unordered}, on which engines ask each other what {@link PeerMessages} lists. */
    static final Set<String> METHODS = Set.of(
            RaftServerProtocolServiceGrpc.getRequestVoteMethod().getFullMethodName(),
            RaftServerProtocolServiceGrpc.getAppendEntriesMethod().getFullMethodName(),
            RaftServerProtocolServiceGrpc.getInstallSnapshotMethod().getFullMethodName(),
            RaftServerProtocolServiceGrpc.getStartLeaderElectionMethod().getFullMethodName(),
            RaftClientProtocolServiceGrpc.getUnorderedMethod().getFullMethodName());

    private final Refusals refusals;

    AllowedCalls(Refusals refusals) {
        this.refusals = refusals;
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        String method = call.getMethodDescriptor().getFullMethodName();
        if (METHODS.contains(method)) {
            return next.startCall(call, headers);
        }
        String why =
                "nobody may call this over the network: members are changed, and leadership and checkpoints seen to, with"
                        + " fleetctl cluster";
        refusals.refused(Refusals.sender(call.getAttributes()), method, why);
        call.close(
                Status.PERMISSION_DENIED.withDescription(method + " on an engine's Raft port: " + why + "."),
                new Metadata());
        return new ServerCall.Listener<>() {};
    }
}
