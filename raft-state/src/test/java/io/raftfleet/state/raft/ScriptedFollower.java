package io.raftfleet.state.raft;

import com.google.common.net.HostAndPort;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.TreeMap;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto.AppendResult;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.RaftRpcReplyProto;
import org.apache.ratis.proto.RaftProtos.RaftRpcRequestProto;
import org.apache.ratis.proto.RaftProtos.RequestVoteReplyProto;
import org.apache.ratis.proto.RaftProtos.RequestVoteRequestProto;
import org.apache.ratis.proto.grpc.RaftServerProtocolServiceGrpc.RaftServerProtocolServiceImplBase;
import org.apache.ratis.server.raftlog.RaftLog;
import org.apache.ratis.thirdparty.io.grpc.Server;
import org.apache.ratis.thirdparty.io.grpc.Status;
import org.apache.ratis.thirdparty.io.grpc.netty.NettyServerBuilder;
import org.apache.ratis.thirdparty.io.grpc.stub.StreamObserver;

/**
 * A follower that votes for everybody and keeps a log of indexes and terms in memory, from which a test makes it lose entries. Speaks
 * what Ratis' leaders speak. Guarded by its own lock.
 */
final class ScriptedFollower implements AutoCloseable {
    private final TreeMap<Long, Long> terms = new TreeMap<>();
    private final Server server;
    private boolean refusing;
    private boolean silent;
    private boolean commitsAtOnce;
    private long committed = -1;
    private long repeats;

    ScriptedFollower(EnginePeer self) throws IOException {
        HostAndPort address = HostAndPort.fromString(self.raftAddress());
        server = NettyServerBuilder.forAddress(new InetSocketAddress(address.getHost(), address.getPort()))
                .addService(new Service())
                .build()
                .start();
    }

    /** Loses all entries behind {@code end}, and takes no more until {@link #accept}. */
    synchronized void loseBehind(long end) {
        terms.tailMap(end, false).clear();
        committed = Math.min(committed, end);
        refusing = true;
    }

    /** Takes the next entries, and ends their stream in place of an answer. */
    synchronized void loseNextAnswer() {
        silent = true;
    }

    /** The same, and has them committed by when they are sent again, as when the leader's word of that comes in between. */
    synchronized void loseNextAnswerAndCommit() {
        silent = true;
        commitsAtOnce = true;
    }

    private synchronized boolean losesAnswer(AppendEntriesRequestProto request) {
        boolean loses = silent && request.getEntriesCount() > 0;
        silent &= !loses;
        if (loses && commitsAtOnce) {
            committed = end();
        }
        return loses;
    }

    synchronized void accept() {
        refusing = false;
    }

    synchronized long end() {
        return terms.isEmpty() ? -1 : terms.lastKey();
    }

    /** How many entries it was sent that it had. */
    synchronized long repeats() {
        return repeats;
    }

    private synchronized AppendEntriesReplyProto append(AppendEntriesRequestProto request) {
        List<LogEntryProto> entries = request.getEntriesList();
        repeats += entries.stream()
                .filter(entry -> terms.containsKey(entry.getIndex()))
                .count();
        boolean behind = !entries.isEmpty() && entries.getFirst().getIndex() <= committed;
        boolean fits = !request.hasPreviousLog()
                || terms.getOrDefault(request.getPreviousLog().getIndex(), -1L)
                        == request.getPreviousLog().getTerm();
        AppendEntriesReplyProto.Builder reply = AppendEntriesReplyProto.newBuilder()
                .setServerReply(reply(request.getServerRequest()))
                .setTerm(request.getLeaderTerm())
                .setFollowerCommit(Math.min(request.getLeaderCommit(), end()))
                .setIsHearbeat(entries.isEmpty())
                .setMatchIndex(RaftLog.INVALID_LOG_INDEX);
        if (behind) { // As RaftServerImpl.checkInconsistentAppendEntries has it.
            return reply.setFollowerCommit(committed)
                    .setResult(AppendResult.INCONSISTENCY)
                    .setNextIndex(committed + 1)
                    .build();
        }
        if (!fits || (refusing && !entries.isEmpty())) {
            return reply.setResult(AppendResult.INCONSISTENCY)
                    .setNextIndex(end() + 1)
                    .build();
        }
        entries.forEach(entry -> terms.put(entry.getIndex(), entry.getTerm()));
        if (!entries.isEmpty()) {
            reply.setMatchIndex(entries.getLast().getIndex());
        }
        committed = Math.max(committed, Math.min(request.getLeaderCommit(), end()));
        return reply.setFollowerCommit(committed)
                .setResult(AppendResult.SUCCESS)
                .setNextIndex(end() + 1)
                .build();
    }

    private static RaftRpcReplyProto reply(RaftRpcRequestProto request) {
        return RaftRpcReplyProto.newBuilder()
                .setRequestorId(request.getRequestorId())
                .setReplyId(request.getReplyId())
                .setRaftGroupId(request.getRaftGroupId())
                .setCallId(request.getCallId())
                .setSuccess(true)
                .build();
    }

    private final class Service extends RaftServerProtocolServiceImplBase {
        @Override
        public void requestVote(RequestVoteRequestProto request, StreamObserver<RequestVoteReplyProto> replies) {
            replies.onNext(RequestVoteReplyProto.newBuilder()
                    .setServerReply(reply(request.getServerRequest()))
                    .setTerm(request.getCandidateTerm())
                    .build());
            replies.onCompleted();
        }

        @Override
        public StreamObserver<AppendEntriesRequestProto> appendEntries(
                StreamObserver<AppendEntriesReplyProto> replies) {
            return new StreamObserver<>() {
                @Override
                public void onNext(AppendEntriesRequestProto request) {
                    AppendEntriesReplyProto reply = append(request);
                    if (losesAnswer(request)) {
                        replies.onError(Status.UNAVAILABLE
                                .withDescription("the answer is lost")
                                .asRuntimeException());
                    } else {
                        replies.onNext(reply);
                    }
                }

                @Override
                public void onError(Throwable failure) {
                    // the leader has gone
                }

                @Override
                public void onCompleted() {
                    replies.onCompleted();
                }
            };
        }
    }

    @Override
    public void close() {
        server.shutdownNow();
    }
}
