package io.raftfleet.state.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.apache.ratis.proto.RaftProtos.ClientMessageEntryProto;
import org.apache.ratis.proto.RaftProtos.RaftClientReplyProto;
import org.apache.ratis.proto.RaftProtos.RaftClientRequestProto;
import org.apache.ratis.proto.RaftProtos.RaftRpcRequestProto;
import org.apache.ratis.proto.RaftProtos.ReadIndexRequestProto;
import org.apache.ratis.proto.RaftProtos.ReadRequestTypeProto;
import org.apache.ratis.proto.RaftProtos.RequestVoteRequestProto;
import org.apache.ratis.proto.RaftProtos.StaleReadRequestTypeProto;
import org.apache.ratis.proto.RaftProtos.WatchRequestTypeProto;
import org.apache.ratis.proto.RaftProtos.WriteRequestTypeProto;
import org.apache.ratis.proto.grpc.RaftClientProtocolServiceGrpc;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.thirdparty.com.google.protobuf.ByteString;
import org.apache.ratis.thirdparty.io.grpc.Metadata;
import org.apache.ratis.thirdparty.io.grpc.MethodDescriptor;
import org.apache.ratis.thirdparty.io.grpc.ServerCall;
import org.apache.ratis.thirdparty.io.grpc.Status;
import org.apache.ratis.util.ProtoUtils;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class MessageRulesTest {
    private static final UUID CLUSTER = UUID.fromString("00000000-0000-4000-8000-000000000001");
    private static final RaftPeerId SELF = RaftPeerId.valueOf("e1");
    private static final RaftGroupId GROUP = RaftGroupId.valueOf(CLUSTER);

    private final RaftConfig config = RaftConfig.builder(
                    "e1", CLUSTER, Path.of("none"), List.of(new EnginePeer("e1", "127.0.0.1:1", "a:2", "a:3")))
            .build();
    private final KnownEngines known =
            new KnownEngines(config, new SourceAddresses(InetAddress::getAllByName, Runnable::run, System::nanoTime));
    private final MessageRules rules =
            new MessageRules(SELF, GROUP, known, new Refusals("e1", System::nanoTime, line -> {}));

    /** A call whose answers are read, or not. */
    private static final class Call extends ServerCall<RaftClientRequestProto, RaftClientReplyProto> {
        private final boolean ready;

        Call(boolean ready) {
            this.ready = ready;
        }

        @Override
        public boolean isReady() {
            return ready;
        }

        @Override
        public void request(int messages) {}

        @Override
        public void sendHeaders(@Nullable Metadata headers) {}

        @Override
        public void sendMessage(@Nullable RaftClientReplyProto message) {}

        @Override
        public void close(@Nullable Status status, @Nullable Metadata trailers) {}

        @Override
        public boolean isCancelled() {
            return false;
        }

        @Override
        public MethodDescriptor<RaftClientRequestProto, RaftClientReplyProto> getMethodDescriptor() {
            return RaftClientProtocolServiceGrpc.getUnorderedMethod();
        }
    }

    private static RaftClientRequestProto.Builder request(int bytes) {
        return RaftClientRequestProto.newBuilder()
                .setRpcRequest(RaftRpcRequestProto.newBuilder()
                        .setReplyId(SELF.toByteString())
                        .setRaftGroupId(ProtoUtils.toRaftGroupIdProtoBuilder(GROUP)))
                .setMessage(ClientMessageEntryProto.newBuilder().setContent(ByteString.copyFrom(new byte[bytes])))
                .setStaleRead(StaleReadRequestTypeProto.newBuilder().setMinIndex(-1));
    }

    private Status.@Nullable Code objection(Object message, boolean ready) {
        Status objection = rules.objection(message, new Call(ready));
        return objection == null ? null : objection.getCode();
    }

    @Test
    void ofRatisClientsRequestsOnlyAQuestionOfOneBytePasses() {
        assertThat(objection(request(1).build(), true)).isNull();
        assertThat(List.of(
                        request(0),
                        request(2),
                        request(1).clearStaleRead(),
                        request(1).setWrite(WriteRequestTypeProto.getDefaultInstance()),
                        request(1).setRead(ReadRequestTypeProto.getDefaultInstance()),
                        request(1).setWatch(WatchRequestTypeProto.getDefaultInstance())))
                .allSatisfy(r -> assertThat(objection(r.build(), true)).isEqualTo(Status.Code.PERMISSION_DENIED));
        assertThat(objection(ReadIndexRequestProto.getDefaultInstance(), true))
                .isEqualTo(Status.Code.PERMISSION_DENIED);
    }

    @Test
    void whoReadsNoAnswersMayAskNoMore() {
        assertThat(objection(request(1).build(), false)).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    }

    @Test
    void nobodyIsKnownBeforeTheServerIs() {
        RaftRpcRequestProto header = request(1).getRpcRequest();
        assertThat(objection(
                        RequestVoteRequestProto.newBuilder()
                                .setServerRequest(header)
                                .build(),
                        true))
                .isEqualTo(Status.Code.PERMISSION_DENIED);
    }
}
