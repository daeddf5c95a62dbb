package io.raftfleet.state.raft;

import com.google.common.net.HostAndPort;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto.AppendResult;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.MetadataProto;
import org.apache.ratis.proto.RaftProtos.RaftRpcRequestProto;
import org.apache.ratis.proto.RaftProtos.TermIndexProto;
import org.apache.ratis.proto.grpc.RaftServerProtocolServiceGrpc;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.raftlog.RaftLog;
import org.apache.ratis.thirdparty.io.grpc.ManagedChannel;
import org.apache.ratis.thirdparty.io.grpc.netty.NettyChannelBuilder;
import org.apache.ratis.thirdparty.io.grpc.stub.StreamObserver;
import org.apache.ratis.util.ProtoUtils;

/** A leader that sends an engine what a test tells it to, over the network as Ratis does. Its entries say nothing. */
final class ScriptedLeader implements AutoCloseable {
    private final String id;
    private final EnginePeer follower;
    private final UUID group;
    private final ManagedChannel channel;
    private final AtomicLong calls = new AtomicLong();

    ScriptedLeader(String id, EnginePeer follower, UUID group) {
        this.id = id;
        this.follower = follower;
        this.group = group;
        HostAndPort address = HostAndPort.fromString(follower.raftAddress());
        this.channel = NettyChannelBuilder.forAddress(address.getHost(), address.getPort())
                .usePlaintext()
                .build();
    }

    /** A stream of appends, with what came back on it. */
    final class Stream implements StreamObserver<AppendEntriesReplyProto> {
        final List<AppendEntriesReplyProto> replies = new CopyOnWriteArrayList<>();
        volatile boolean ended;

        private final StreamObserver<AppendEntriesRequestProto> requests =
                RaftServerProtocolServiceGrpc.newStub(channel).appendEntries(this);

        /** Sends entries {@code first} to {@code last}, all of {@code term}, behind one of {@code previousTerm}. */
        void send(long term, long previousTerm, long first, long last) {
            AppendEntriesRequestProto.Builder request = AppendEntriesRequestProto.newBuilder()
                    .setServerRequest(RaftRpcRequestProto.newBuilder()
                            .setRequestorId(RaftPeerId.valueOf(id).toByteString())
                            .setReplyId(RaftPeerId.valueOf(follower.id()).toByteString())
                            .setRaftGroupId(ProtoUtils.toRaftGroupIdProtoBuilder(RaftGroupId.valueOf(group)))
                            .setCallId(calls.incrementAndGet()))
                    .setLeaderTerm(term)
                    .setLeaderCommit(RaftLog.INVALID_LOG_INDEX);
            if (first > RaftLog.LEAST_VALID_LOG_INDEX) {
                request.setPreviousLog(
                        TermIndexProto.newBuilder().setTerm(previousTerm).setIndex(first - 1));
            }
            LongStream.rangeClosed(first, last)
                    .forEach(index -> request.addEntries(LogEntryProto.newBuilder()
                            .setTerm(term)
                            .setIndex(index)
                            .setMetadataEntry(MetadataProto.newBuilder().setCommitIndex(0))));
            requests.onNext(request.build());
        }

        /** The highest index that the follower said it holds; -1 for none. */
        long acknowledged() {
            return replies.stream()
                    .filter(reply -> reply.getResult() == AppendResult.SUCCESS)
                    .mapToLong(AppendEntriesReplyProto::getMatchIndex)
                    .max()
                    .orElse(-1);
        }

        @Override
        public void onNext(AppendEntriesReplyProto reply) {
            replies.add(reply);
        }

        @Override
        public void onError(Throwable failure) {
            ended = true;
        }

        @Override
        public void onCompleted() {
            ended = true;
        }
    }

    Stream stream() {
        return new Stream();
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }
}
