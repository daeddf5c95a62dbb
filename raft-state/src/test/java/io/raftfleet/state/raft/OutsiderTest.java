package io.raftfleet.state.raft;

import static io.raftfleet.state.raft.TestCluster.LONG;
import static io.raftfleet.state.raft.TestCluster.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.google.common.base.Throwables;
import com.google.common.net.HostAndPort;
import io.raftfleet.state.raft.TestCluster.Member;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.ratis.client.RaftClient;
import org.apache.ratis.client.RaftClientConfigKeys;
import org.apache.ratis.conf.RaftProperties;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.proto.RaftProtos.ClientMessageEntryProto;
import org.apache.ratis.proto.RaftProtos.FileChunkProto;
import org.apache.ratis.proto.RaftProtos.InstallSnapshotRequestProto;
import org.apache.ratis.proto.RaftProtos.InstallSnapshotRequestProto.SnapshotChunkProto;
import org.apache.ratis.proto.RaftProtos.RaftClientRequestProto;
import org.apache.ratis.proto.RaftProtos.RaftRpcRequestProto;
import org.apache.ratis.proto.RaftProtos.ReplicationLevel;
import org.apache.ratis.proto.RaftProtos.RequestVoteRequestProto;
import org.apache.ratis.proto.RaftProtos.StartLeaderElectionRequestProto;
import org.apache.ratis.proto.RaftProtos.TermIndexProto;
import org.apache.ratis.proto.grpc.RaftClientProtocolServiceGrpc;
import org.apache.ratis.proto.grpc.RaftServerProtocolServiceGrpc;
import org.apache.ratis.proto.grpc.RaftServerProtocolServiceGrpc.RaftServerProtocolServiceBlockingStub;
import org.apache.ratis.proto.grpc.RaftServerProtocolServiceGrpc.RaftServerProtocolServiceStub;
import org.apache.ratis.protocol.Message;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftGroup;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.retry.RetryPolicies;
import org.apache.ratis.thirdparty.com.google.protobuf.ByteString;
import org.apache.ratis.thirdparty.com.google.protobuf.UnknownFieldSet;
import org.apache.ratis.thirdparty.io.grpc.ManagedChannel;
import org.apache.ratis.thirdparty.io.grpc.Status;
import org.apache.ratis.thirdparty.io.grpc.netty.NettyChannelBuilder;
import org.apache.ratis.thirdparty.io.grpc.stub.StreamObserver;
import org.apache.ratis.util.ProtoUtils;
import org.apache.ratis.util.TimeDuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** What a process can do on the Raft ports that knows the cluster's id and its engines' names and addresses, as everybody may. */
class OutsiderTest {
    private static final RaftPeerId STRANGER = RaftPeerId.valueOf("stranger");

    @TempDir
    Path dir;

    private interface Attempt {
        Object make() throws Exception;
    }

    private static RaftClient client(TestCluster cluster) {
        RaftProperties properties = new RaftProperties();
        RaftClientConfigKeys.Rpc.setRequestTimeout(properties, TimeDuration.valueOf(5, TimeUnit.SECONDS));
        List<RaftPeer> peers =
                cluster.peers.stream().map(OutsiderTest::raftPeer).toList();
        return RaftClient.newBuilder()
                .setProperties(properties)
                .setRaftGroup(RaftGroup.valueOf(RaftGroupId.valueOf(cluster.id), peers))
                .setLeaderId(RaftPeerId.valueOf(cluster.leader().config.engineId()))
                .setRetryPolicy(RetryPolicies.noRetry())
                .build();
    }

    private static RaftPeer raftPeer(EnginePeer peer) {
        return RaftPeer.newBuilder()
                .setId(peer.id())
                .setAddress(peer.raftAddress())
                .build();
    }

    /** What must not change. */
    private static Map<String, Object> situation(TestCluster cluster) throws IOException {
        Map<String, Object> all = new LinkedHashMap<>();
        for (Member member : cluster.members.values()) {
            RaftView view = member.node.view();
            all.put(
                    member.config.engineId(),
                    List.of(
                            view.role(),
                            view.term(),
                            view.commitIndex(),
                            view.checkpointIndex(),
                            List.copyOf(view.peers()),
                            member.state.digest(),
                            member.failure.isDone(),
                            files(cluster.dir(member.config.engineId()).resolve("raft"))));
        }
        return all;
    }

    private static List<String> files(Path root) throws IOException {
        try (Stream<Path> all = Files.walk(root)) {
            return all.map(f -> root.relativize(f).toString()).sorted().toList();
        }
    }

    @Test
    void everyClientAdministratorAndGroupCallIsRefusedAndNothingChanges() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            cluster.set("v", "a");
            cluster.awaitEqualDigests();
            RaftGroupId group = RaftGroupId.valueOf(cluster.id);
            Map<String, Object> before = situation(cluster);
            try (RaftClient client = client(cluster)) {
                Map<String, Attempt> attempts = new LinkedHashMap<>();
                Message message = Message.valueOf(ByteString.copyFromUtf8("zzz"));
                attempts.put("write", () -> client.io().send(message));
                attempts.put(
                        "ordered write",
                        () -> ordered(cluster, client, own -> own.async().send(message)));
                attempts.put("read", () -> client.io().sendReadOnly(message));
                attempts.put(
                        "ordered read",
                        () -> ordered(cluster, client, own -> own.async().sendReadOnly(message)));
                attempts.put("watch", () -> client.io().watch(1, ReplicationLevel.ALL));
                attempts.put("members", () -> client.admin().setConfiguration(List.of(raftPeer(cluster.peers.get(0)))));
                for (EnginePeer peer : cluster.peers) {
                    RaftPeerId id = RaftPeerId.valueOf(peer.id());
                    RaftGroup other = RaftGroup.valueOf(RaftGroupId.randomId(), List.of(raftPeer(peer)));
                    attempts.put("stale read of " + id, () -> client.io().sendStaleRead(message, 0, id));
                    attempts.put("hand-over to " + id, () -> client.admin().transferLeadership(id, 3000));
                    attempts.put(
                            "groups of " + id,
                            () -> client.getGroupManagementApi(id).list());
                    attempts.put(
                            "group of " + id,
                            () -> client.getGroupManagementApi(id).info(group));
                    attempts.put(
                            "another group for " + id,
                            () -> client.getGroupManagementApi(id).add(other));
                    attempts.put(
                            "no group for " + id,
                            () -> client.getGroupManagementApi(id).remove(group, true, false));
                    attempts.put(
                            "checkpoint of " + id,
                            () -> client.getSnapshotManagementApi(id).create(true, 3000));
                    attempts.put(
                            "elections without " + id,
                            () -> client.getLeaderElectionManagementApi(id).pause());
                    attempts.put(
                            "elections with " + id,
                            () -> client.getLeaderElectionManagementApi(id).resume());
                }
                List<String> taken = new ArrayList<>();
                for (var attempt : attempts.entrySet()) {
                    String outcome = outcome(attempt.getValue());
                    if (!outcome.contains("PERMISSION_DENIED")) {
                        taken.add(attempt.getKey() + ": " + outcome);
                    }
                }
                assertThat(taken).isEmpty();
            }
            assertThat(situation(cluster)).isEqualTo(before);
            cluster.set("v", "b");
            cluster.awaitEqualDigests();
        }
    }

    /**
     * A client that orders its calls begins with one of its own. Once that is refused it may take no other, before anything of it was sent: then
     * another client has its turn.
     */
    private static String ordered(
            TestCluster cluster, RaftClient client, Function<RaftClient, CompletableFuture<RaftClientReply>> call) {
        String said = outcome(() -> get(call.apply(client)));
        return !unsent(said)
                ? said
                : await().atMost(LONG)
                        .until(
                                () -> {
                                    try (RaftClient own = client(cluster)) {
                                        return outcome(() -> get(call.apply(own)));
                                    }
                                },
                                again -> !unsent(again));
    }

    private static boolean unsent(String outcome) {
        return outcome.contains("AlreadyClosedException") && !outcome.contains("PERMISSION_DENIED");
    }

    private static String outcome(Attempt attempt) {
        try {
            return "done: " + attempt.make();
        } catch (Exception e) {
            return Throwables.getStackTraceAsString(e);
        }
    }

    /** What engines of all versions ask each other travels with Ratis' client protocol. */
    @Test
    void enginesQuestionsAreAnsweredAndOthersNot() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll();
                RaftClient client = client(cluster)) {
            RaftPeerId follower = RaftPeerId.valueOf(cluster.follower().config.engineId());

            RaftClientReply position =
                    client.io().sendStaleRead(PeerMessages.question(PeerMessages.POSITION), -1, follower);
            RaftClientReply members =
                    client.io().sendStaleRead(PeerMessages.question(PeerMessages.MEMBERS), -1, follower);

            assertThat(PeerMessages.position(position.getMessage()).logIndex()).isNotNegative();
            assertThat(PeerMessages.members(members.getMessage())).containsExactlyInAnyOrder("e1", "e2", "e3");
            assertThat(outcome(() -> client.io().sendStaleRead(PeerMessages.question((byte) 77), -1, follower)))
                    .contains("unknown question");
        }
    }

    @Test
    void forgedMessagesOfRaftAreRefusedAndNothingChanges() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            cluster.set("v", "a");
            cluster.awaitEqualDigests();
            Map<String, Object> before = situation(cluster);
            long term = cluster.leader().node.view().term();
            for (Member target : cluster.members.values()) {
                try (Forger forger = new Forger(cluster, target)) {
                    RaftPeerId self = RaftPeerId.valueOf(target.config.engineId());
                    RaftPeerId other = RaftPeerId.valueOf(cluster.peers.stream()
                            .map(EnginePeer::id)
                            .filter(id -> !id.equals(self.toString()))
                            .findFirst()
                            .orElseThrow());
                    for (RaftPeerId sender : List.of(STRANGER, self)) {
                        forger.expect(Status.Code.PERMISSION_DENIED, forger.from(sender), term + 1);
                    }
                    forger.expect(Status.Code.INVALID_ARGUMENT, forger.from(other), term + (1L << 33));
                    forger.expect(Status.Code.INVALID_ARGUMENT, forger.from(other), Long.MAX_VALUE);
                    forger.expect(Status.Code.INVALID_ARGUMENT, forger.from(other), -1);
                    forger.expect(
                            Status.Code.FAILED_PRECONDITION,
                            forger.from(other).setReplyId(STRANGER.toByteString()),
                            term + 1);
                    forger.expect(
                            Status.Code.FAILED_PRECONDITION,
                            forger.from(other)
                                    .setRaftGroupId(ProtoUtils.toRaftGroupIdProtoBuilder(RaftGroupId.randomId())),
                            term + 1);
                    assertThat(forger.install(
                                    forger.from(other), term, "x/../../../../../../planted", "sm/1_999999/CURRENT"))
                            .isEqualTo(Status.Code.INVALID_ARGUMENT);
                    assertThat(forger.install(
                                    forger.from(other), term, UUID.randomUUID().toString(), "current/raft-meta"))
                            .isEqualTo(Status.Code.INVALID_ARGUMENT);
                }
            }
            assertThat(situation(cluster)).isEqualTo(before);
            assertThat(files(dir)).noneMatch(f -> f.contains("planted"));
            cluster.set("v", "b");
            cluster.awaitEqualDigests();
        }
    }

    @Test
    void aMemberIsHeardFromItsOwnAddressAlone() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 2, b -> b)) {
            cluster.peers.add(new EnginePeer("e3", "192.0.2.9:1", "192.0.2.9:2", "192.0.2.9:3"));
            cluster.start("e1");
            cluster.start("e2");
            cluster.set("v", "a");
            RaftPeerId e3 = RaftPeerId.valueOf("e3");
            long term = cluster.leader().node.view().term();
            for (Member target : cluster.members.values()) {
                try (Forger forger = new Forger(cluster, target)) {
                    forger.expect(Status.Code.PERMISSION_DENIED, forger.from(e3), term + 1);
                }
            }
            assertThat(cluster.leader().node.view().term()).isEqualTo(term);

            cluster.kill("e1");
            try (Forger forger = new Forger(cluster, cluster.start("e1", b -> b.anySource(true)))) {
                var vote = RequestVoteRequestProto.newBuilder()
                        .setServerRequest(forger.from(e3))
                        .setCandidateTerm(1)
                        .setPreVote(true)
                        .build();
                await().atMost(LONG)
                        .ignoreExceptions()
                        .until(() ->
                                !forger.calls.requestVote(vote).getServerReply().getSuccess());
            }
        }
    }

    /** Each as long as a message may be, none of an engine: they are not all held until they are whole. */
    @Test
    void longMessagesOfStrangersAreNotHeldAllAtOnce() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            cluster.set("v", "a");
            cluster.awaitEqualDigests();
            Map<String, Object> before = situation(cluster);
            Member target = cluster.leader();
            List<Status.Code> ends = new ArrayList<>();
            try (Forger forger = new Forger(cluster, target)) {
                var padding = UnknownFieldSet.Field.newBuilder()
                        .addLengthDelimited(ByteString.copyFrom(new byte[8 * RaftConfig.MAX_ENTRY_BYTES - 1_000]))
                        .build();
                var request = AppendEntriesRequestProto.newBuilder()
                        .setServerRequest(forger.from(STRANGER))
                        .setUnknownFields(UnknownFieldSet.newBuilder()
                                .addField(99, padding)
                                .build())
                        .build();
                List<CompletableFuture<Status.Code>> calls = new ArrayList<>();
                for (int i = 0; i < 12; i++) {
                    calls.add(Forger.ending(forger.streams::appendEntries, request));
                }
                for (var call : calls) {
                    ends.add(get(call));
                }
            }
            assertThat(ends).containsOnly(Status.Code.PERMISSION_DENIED, Status.Code.RESOURCE_EXHAUSTED);
            assertThat(situation(cluster)).isEqualTo(before);
        }
    }

    /** From an address of their own, as strangers have; engines find their way in meanwhile. */
    @Test
    void silentConnectionsTakeNobodysPlace() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            cluster.set("v", "a");
            List<Socket> silent = new ArrayList<>();
            try {
                for (Member member : cluster.members.values()) {
                    HostAndPort address =
                            HostAndPort.fromString(member.config.self().raftAddress());
                    for (int i = 0; i < 3 * Connections.MOST_PER_ADDRESS; i++) {
                        Socket socket = new Socket();
                        silent.add(socket);
                        socket.bind(new InetSocketAddress("127.0.0.66", 0));
                        socket.connect(new InetSocketAddress(address.getHost(), address.getPort()));
                    }
                }
                await().atMost(LONG)
                        .until(() -> silent.stream().filter(OutsiderTest::open).count()
                                <= 3L * Connections.MOST_PER_ADDRESS);
                cluster.kill("e1");
                cluster.start("e1");
                cluster.set("v", "b");
                cluster.awaitEqualDigests();
            } finally {
                for (Socket socket : silent) {
                    socket.close();
                }
            }
        }
    }

    private static boolean open(Socket socket) {
        try {
            socket.setSoTimeout(1);
            return socket.getInputStream().read(new byte[4_096]) >= 0;
        } catch (SocketTimeoutException e) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void aQuestionIsShort() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 1, b -> b).startAll();
                Forger forger = new Forger(cluster, cluster.leader())) {
            var request = RaftClientRequestProto.newBuilder()
                    .setMessage(ClientMessageEntryProto.newBuilder().setContent(ByteString.copyFrom(new byte[1 << 20])))
                    .build();
            var questions = RaftClientProtocolServiceGrpc.newStub(forger.channel);
            assertThat(get(Forger.ending(questions::unordered, request))).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        }
    }

    /** Speaks to one engine as another would. */
    private static final class Forger implements AutoCloseable {
        private final TestCluster cluster;
        private final RaftPeerId target;
        private final ManagedChannel channel;
        private final RaftServerProtocolServiceBlockingStub calls;
        private final RaftServerProtocolServiceStub streams;

        Forger(TestCluster cluster, Member target) {
            this.cluster = cluster;
            this.target = RaftPeerId.valueOf(target.config.engineId());
            HostAndPort address = HostAndPort.fromString(target.config.self().raftAddress());
            channel = NettyChannelBuilder.forAddress(address.getHost(), address.getPort())
                    .usePlaintext()
                    .build();
            calls = RaftServerProtocolServiceGrpc.newBlockingStub(channel);
            streams = RaftServerProtocolServiceGrpc.newStub(channel);
        }

        RaftRpcRequestProto.Builder from(RaftPeerId sender) {
            return RaftRpcRequestProto.newBuilder()
                    .setRequestorId(sender.toByteString())
                    .setReplyId(target.toByteString())
                    .setRaftGroupId(ProtoUtils.toRaftGroupIdProtoBuilder(RaftGroupId.valueOf(cluster.id)));
        }

        /** Each kind of message ends so. */
        void expect(Status.Code code, RaftRpcRequestProto.Builder header, long term) throws Exception {
            var last = TermIndexProto.newBuilder().setTerm(term).setIndex(1L << 40);
            for (boolean preVote : List.of(true, false)) {
                var vote = RequestVoteRequestProto.newBuilder()
                        .setServerRequest(header)
                        .setCandidateTerm(term)
                        .setCandidateLastEntry(last)
                        .setPreVote(preVote)
                        .build();
                assertThatThrownBy(() -> calls.requestVote(vote))
                        .extracting(e -> Status.fromThrowable(e).getCode())
                        .isEqualTo(code);
            }
            var start = StartLeaderElectionRequestProto.newBuilder()
                    .setServerRequest(header)
                    .setLeaderLastEntry(last)
                    .build();
            assertThatThrownBy(() -> calls.startLeaderElection(start))
                    .extracting(e -> Status.fromThrowable(e).getCode())
                    .isEqualTo(code);
            assertThat(append(header, term)).isEqualTo(code);
            assertThat(install(header, term, UUID.randomUUID().toString(), "sm/1_999999/CURRENT"))
                    .isEqualTo(code);
        }

        private Status.Code append(RaftRpcRequestProto.Builder header, long term) throws Exception {
            var request = AppendEntriesRequestProto.newBuilder()
                    .setServerRequest(header)
                    .setLeaderTerm(term)
                    .setLeaderCommit(1L << 40)
                    .build();
            return get(ending(streams::appendEntries, request));
        }

        Status.Code install(RaftRpcRequestProto.Builder header, long term, String transfer, String file)
                throws Exception {
            var part = SnapshotChunkProto.newBuilder()
                    .setRequestId(transfer)
                    .setTermIndex(TermIndexProto.newBuilder().setTerm(1).setIndex(999_999))
                    .addFileChunks(FileChunkProto.newBuilder().setFilename(file).setData(ByteString.copyFromUtf8("x")));
            var request = InstallSnapshotRequestProto.newBuilder()
                    .setServerRequest(header)
                    .setLeaderTerm(term)
                    .setSnapshotChunk(part)
                    .build();
            return get(ending(streams::installSnapshot, request));
        }

        private static <Q, R> CompletableFuture<Status.Code> ending(
                Function<StreamObserver<R>, StreamObserver<Q>> call, Q request) {
            CompletableFuture<Status.Code> end = new CompletableFuture<>();
            StreamObserver<Q> requests = call.apply(new StreamObserver<>() {
                @Override
                public void onNext(R reply) {
                    end.complete(Status.Code.OK);
                }

                @Override
                public void onError(Throwable failure) {
                    end.complete(Status.fromThrowable(failure).getCode());
                }

                @Override
                public void onCompleted() {
                    end.complete(Status.Code.OK);
                }
            });
            requests.onNext(request);
            return end;
        }

        @Override
        public void close() {
            channel.shutdownNow();
        }
    }

    /** Such a directory kept an engine from starting. */
    @Test
    void directoriesOfOtherGroupsAreReportedAndLeftAlone() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 1, b -> b).startAll()) {
            cluster.set("v", "a");
            cluster.kill("e1");
            Path raft = cluster.dir("e1").resolve("raft");
            Path foreign = raft.resolve(UUID.randomUUID().toString());
            Files.createDirectories(foreign.resolve("current"));
            Files.writeString(foreign.resolve("current").resolve("raft-meta"), "term=1\n");
            Files.createDirectories(raft.resolve("no-group"));
            List<String> before = files(foreign);
            ListAppender<ILoggingEvent> said = new ListAppender<>();
            said.start();
            ((Logger) LoggerFactory.getLogger(ServerOpener.class)).addAppender(said);

            cluster.start("e1");

            cluster.set("v", "b");
            assertThat(cluster.leader().state.get("a")).isEqualTo("v");
            assertThat(files(foreign)).isEqualTo(before);
            assertThat(said.list)
                    .extracting(ILoggingEvent::getFormattedMessage)
                    .filteredOn(m -> m.contains("left alone"))
                    .hasSize(2)
                    .anyMatch(m -> m.contains(foreign.toString()));
            get(cluster.leader().node.takeSnapshot(LONG));
        }
    }
}
