package io.raftfleet.engine.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.channel.DefaultChannelId;
import io.netty.channel.embedded.EmbeddedChannel;
import io.raftfleet.identity.tls.ConnectionWatch;
import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.LogUpload;
import io.raftfleet.proto.agent.LogUploadDone;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.GetUnitRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.ListUnitsResponse;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.VersionRequest;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.fleet.WriteResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** A real server on loopback with tight limits. Nothing here asserts how long anything takes. */
class AdmissionTest {
    private static final int KIB = 1024;
    private static final int MIB = 1024 * KIB;
    private static final long LONG = 60;

    private final List<ManagedChannel> channels = new ArrayList<>();
    private final List<Socket> sockets = new ArrayList<>();
    private final HeldFleet fleet = new HeldFleet();
    private final CountedRefusals refusals = new CountedRefusals();
    private Limits limits = new Limits();
    private Admission admission = new Admission(limits.made(), refusals);
    private GrpcServer server = serverOf(limits.made());

    @AfterEach
    void close() throws IOException {
        fleet.letGo();
        channels.forEach(ManagedChannel::shutdownNow);
        for (var socket : sockets) {
            socket.close();
        }
        server.close();
    }

    @Test
    @DisplayName(
            "while one client floods with large writes, another's all succeed, and the bytes held stay within the budget")
    void floodLeavesOthersAlone() throws IOException {
        start(limits.requestBytes(4 * MIB));
        fleet.hold();
        var flood = channel();
        var flooders = new ArrayList<Answer<WriteResponse>>();
        for (int i = 0; i < 64; i++) {
            if (i == 2) {
                // As many as one connection may hold: sent together with the others each might get so far that none
                // gets whole.
                await().until(() -> fleet.calls() == 2);
            }
            flooders.add(new Answer<>());
            FleetGrpc.newStub(flood).createUnits(create("flood", 900 * KIB), flooders.getLast());
        }
        await().until(() -> flooders.stream().filter(Answer::ended).count() >= 60);
        var bystander = channel();
        for (int i = 0; i < 50; i++) {
            assertThat(FleetGrpc.newBlockingStub(bystander)
                            .withDeadlineAfter(LONG, TimeUnit.SECONDS)
                            .createUnits(create("bystander", 10 * KIB))
                            .getResultsCount())
                    .isZero();
        }
        assertThat(admission.requestBytes()).isPositive().isLessThanOrEqualTo(4 * MIB);
        fleet.letGo();
        await().until(() -> flooders.stream().allMatch(Answer::ended));
        assertThat(flooders).anySatisfy(answer -> assertThat(answer.code()).isEqualTo(Status.Code.OK));
        assertThat(flooders)
                .filteredOn(answer -> answer.code() != Status.Code.OK)
                .allSatisfy(answer -> {
                    assertThat(answer.code()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
                    assertThat(answer.hint()).isPositive();
                });
        await().until(() -> admission.requestBytes() == 0);
        assertThat(fleet.mostHeld()).isLessThanOrEqualTo(4 * MIB);
    }

    @Test
    @DisplayName(
            "while clients hold all that they may with small calls, an agent's heartbeats are taken, and others' calls")
    void heartbeatsUnderAFloodOfSmallCalls() throws IOException {
        start(limits.requestBytes(4 * MIB));
        var heartbeats = AgentGatewayGrpc.newStub(channel()).session(new Answer<>());
        heartbeats.onNext(AgentFrame.getDefaultInstance());
        await().until(() -> fleet.frames() == 1);
        fleet.hold();
        var flooders = new ArrayList<Answer<WriteResponse>>();
        for (int connection = 0; connection < 3; connection++) {
            var flood = channel();
            for (int i = 0; i < 80; i++) {
                flooders.add(new Answer<>());
                FleetGrpc.newStub(flood).createUnits(create("flood", 60 * KIB), flooders.getLast());
            }
        }
        await().until(() ->
                fleet.calls() + flooders.stream().filter(Answer::ended).count() == flooders.size());
        assertThat(admission.requestBytes()).isBetween(2L * MIB, 3L * MIB);
        for (int i = 0; i < 50; i++) {
            int sent = i + 2;
            heartbeats.onNext(AgentFrame.getDefaultInstance());
            await().until(() -> fleet.frames() == sent);
            assertThat(FleetGrpc.newBlockingStub(channel())
                            .withDeadlineAfter(LONG, TimeUnit.SECONDS)
                            .createUnits(create("bystander", 10 * KIB))
                            .getResultsCount())
                    .isZero();
        }
        heartbeats.onCompleted();
        fleet.letGo();
        await().until(() -> flooders.stream().allMatch(Answer::ended));
        await().until(() -> admission.requestBytes() == 0);
    }

    @Test
    @DisplayName("each method has its own longest message; a longer one ends its call before it is whole, for good")
    void longestMessageByMethod() throws IOException {
        start(limits);
        var channel = channel();
        var name = "n".repeat(5 * KIB);
        var refused = failure(() -> FleetGrpc.newBlockingStub(channel)
                .getUnit(GetUnitRequest.newBuilder().setName(name).build()));
        assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        await().until(() -> refusals.of("raftfleet.fleet.Fleet/GetUnit RESOURCE_EXHAUSTED")
                        + refusals.of("raftfleet.fleet.Fleet/GetUnit CANCELLED")
                == 1);
        assertThat(refused.getStatus().getDescription()).contains("at most 4096 bytes");
        assertThat(hint(refused.getTrailers())).isNegative();
        assertThat(FleetGrpc.newBlockingStub(channel)
                        .createUnits(create(name, 10 * KIB))
                        .getResultsCount())
                .isZero();
        var large = failure(() -> FleetGrpc.newBlockingStub(channel).createUnits(create("a", 5 * MIB)));
        assertThat(large.getStatus().getDescription()).contains("at most 4194304 bytes");
        assertThat(refusals.of("call/message")).isEqualTo(2);
        await().until(() -> admission.requestBytes() == 0);
        assertThat(fleet.calls()).isOne();
    }

    @Test
    @DisplayName(
            "streams over the limit of a connection or an address are refused with a hint; one that ends makes room")
    void manyStreams() throws IOException {
        start(limits.calls(CallKind.WATCH, new CallLimit(40, 12, 12)));
        var first = channel();
        var second = channel();
        var watches = new ArrayList<Answer<WatchResponse>>();
        var context = Context.current().withCancellation();
        context.run(() -> {
            for (int i = 0; i < 40; i++) {
                watches.add(new Answer<>());
                FleetGrpc.newStub(first).watch(WatchRequest.getDefaultInstance(), watches.getLast());
            }
        });
        await().until(() -> watches.stream().filter(Answer::ended).count() == 28);
        assertThat(watches).filteredOn(Answer::ended).allSatisfy(answer -> {
            assertThat(answer.code()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
            assertThat(answer.words()).contains("12 over one connection");
            assertThat(answer.hint()).isPositive();
        });
        assertThat(admission.underWay(CallKind.WATCH)).isEqualTo(12);
        for (int i = 0; i < 10; i++) {
            // A connection's first, a quarter of what it may have, do not count against its address.
            watches.add(new Answer<>());
            FleetGrpc.newStub(second).watch(WatchRequest.getDefaultInstance(), watches.getLast());
        }
        await().until(() ->
                watches.subList(40, 50).stream().filter(Answer::ended).count() == 7);
        assertThat(FleetGrpc.newBlockingStub(first)
                        .version(VersionRequest.getDefaultInstance())
                        .getVersion())
                .isEqualTo("held");
        context.cancel(null);
        await().until(() -> admission.underWay(CallKind.WATCH) == 3);
        FleetGrpc.newStub(first).watch(WatchRequest.getDefaultInstance(), new Answer<>());
        await().until(() -> admission.underWay(CallKind.WATCH) == 4);
    }

    @Test
    @DisplayName(
            "connections over an address's limit are told so and closed, and one that says nothing is closed as well")
    void connectionsThatAreTooManyOrSilent() throws IOException {
        start(limits.connectionsPerPeer(2).firstBytes(Duration.ofMillis(300)));
        assertThat(told(socket())).doesNotContain("too many");
        assertThat(FleetGrpc.newBlockingStub(channel())
                        .version(VersionRequest.getDefaultInstance())
                        .getVersion())
                .isEqualTo("held");
        assertThat(FleetGrpc.newBlockingStub(channel())
                        .version(VersionRequest.getDefaultInstance())
                        .getVersion())
                .isEqualTo("held");
        assertThat(told(socket())).contains("too many connections: close some");
        var refused = failure(() -> FleetGrpc.newBlockingStub(channel()).version(VersionRequest.getDefaultInstance()));
        assertThat(refused.getStatus().getCode()).isIn(Status.Code.RESOURCE_EXHAUSTED, Status.Code.UNAVAILABLE);
        assertThat(refusals.of("connection")).isGreaterThanOrEqualTo(2);
        channels.getFirst().shutdownNow();
        await().untilAsserted(() -> assertThat(FleetGrpc.newBlockingStub(channel())
                        .version(VersionRequest.getDefaultInstance())
                        .getVersion())
                .isEqualTo("held"));
    }

    @Test
    @DisplayName("silent connections make room for one that speaks")
    void silentConnectionsKeepNobodyOut() throws IOException {
        start(limits.connectionsPerPeer(2));
        var oldest = socket();
        var other = socket();
        for (int i = 0; i < 2; i++) {
            assertThat(FleetGrpc.newBlockingStub(channel())
                            .withDeadlineAfter(LONG, TimeUnit.SECONDS)
                            .version(VersionRequest.getDefaultInstance())
                            .getVersion())
                    .isEqualTo("held");
        }
        assertThat(oldest.getInputStream().readAllBytes()).isNotNull();
        assertThat(other.getInputStream().readAllBytes()).isNotNull();
    }

    @Test
    @DisplayName("a silent connection that has just been taken makes room, too, and is closed when its thread has it")
    void aConnectionWithoutAThreadMakesRoom() {
        var open = new LimitedListener.Open(
                limits.connectionsPerPeer(1).made(), refusals, ConnectionWatch.accepting(Optional.empty(), line -> {}));
        assertThat(open.tryTake("peer")).isTrue();
        var connection = new EmbeddedChannel(DefaultChannelId.newInstance(), false, false);
        var first = new LimitedListener.FirstBytes(connection, open, "peer");
        connection.pipeline().addLast(first);
        open.isSilent("peer", first);
        assertThat(open.tryTake("peer")).isTrue();
        assertThat(connection.isOpen()).isTrue();
        assertThatCode(connection::register).doesNotThrowAnyException();
        assertThat(connection.isOpen()).isFalse();
    }

    @Test
    @DisplayName("a message that is short on the wire and large as objects is refused before it is made into objects")
    void largeAsObjects() throws IOException {
        start(limits.requestBytes(8 * MIB));
        var refused = failure(() -> FleetGrpc.newBlockingStub(channel())
                .createUnits(CreateUnitsRequest.newBuilder()
                        .addAllUnits(Collections.nCopies(1_000_000, NewUnit.getDefaultInstance()))
                        .build()));
        assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(fleet.calls()).isZero();
        await().until(() -> admission.requestBytes() == 0);
    }

    @Test
    @DisplayName("a unary call always has a deadline: its own, cut to the longest allowed, or one that it is given")
    void everyCallHasADeadline() throws IOException {
        start(limits);
        var stub = FleetGrpc.newBlockingStub(channel());
        stub.version(VersionRequest.getDefaultInstance());
        assertThat(fleet.lastDeadline()).isBetween(1L, 30_000L);
        stub.withDeadline(Deadline.after(1, TimeUnit.HOURS)).version(VersionRequest.getDefaultInstance());
        assertThat(fleet.lastDeadline()).isBetween(30_001L, 120_000L);
        stub.withDeadline(Deadline.after(10, TimeUnit.SECONDS)).version(VersionRequest.getDefaultInstance());
        assertThat(fleet.lastDeadline()).isBetween(1L, 10_000L);
    }

    @Test
    @DisplayName("what a stream has delivered counts no more, and a message too long ends it, on both sides")
    void streamsOfMessages() throws IOException {
        start(limits.requestBytes(MIB));
        var done = new Answer<LogUploadDone>();
        var upload = AgentGatewayGrpc.newStub(channel()).uploadLog(done);
        for (int i = 0; i < 40; i++) {
            upload.onNext(frame(200 * KIB));
            int sent = i + 1;
            await().until(() -> fleet.frames() == sent);
        }
        upload.onNext(frame(300 * KIB));
        await().until(done::ended);
        assertThat(done.code()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(done.words()).contains("at most 262144 bytes");
        await().until(() -> fleet.brokenUploads() == 1);
        assertThat(fleet.frames()).isEqualTo(40);
        await().until(() -> admission.requestBytes() == 0 && admission.underWay(CallKind.LOG_UPLOAD) == 0);
    }

    @Test
    @DisplayName("compressed messages are refused: a few bytes could be gigabytes")
    void nothingIsUnpacked() throws IOException {
        start(limits);
        var refused = failure(() ->
                FleetGrpc.newBlockingStub(channel()).withCompression("gzip").createUnits(create("a", 100 * KIB)));
        assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
        assertThat(fleet.calls()).isZero();
    }

    @Test
    @DisplayName("answers that a client does not take are bounded too, and leave others' answers alone")
    void answersNotTaken() throws IOException {
        start(limits.answerBytes(4 * MIB));
        fleet.answerOf(400 * KIB);
        var channel = NettyChannelBuilder.forAddress("127.0.0.1", server.port())
                .usePlaintext()
                .flowControlWindow(64 * KIB)
                .build();
        channels.add(channel);
        var calls = new ArrayList<ClientCall<ListUnitsRequest, ListUnitsResponse>>();
        for (int i = 0; i < 20; i++) {
            ClientCall<ListUnitsRequest, ListUnitsResponse> call =
                    channel.newCall(FleetGrpc.getListUnitsMethod(), CallOptions.DEFAULT);
            call.start(new ClientCall.Listener<>() {}, new Metadata());
            call.sendMessage(ListUnitsRequest.getDefaultInstance());
            call.halfClose();
            calls.add(call);
        }
        await().until(() -> refusals.of("call/bytes") == 15);
        assertThat(admission.answerBytes()).isPositive().isLessThanOrEqualTo(4 * MIB);
        assertThat(FleetGrpc.newBlockingStub(channel())
                        .listUnits(ListUnitsRequest.getDefaultInstance())
                        .getSerializedSize())
                .isGreaterThanOrEqualTo(400 * KIB);
        calls.forEach(call -> call.cancel("enough", null));
        await().until(() -> admission.answerBytes() == 0 && admission.underWay(CallKind.CALL) == 0);
    }

    @Test
    @DisplayName("a write that was done is answered so, however little room answers have")
    void aWriteThatWasDoneIsNotRefused() throws IOException {
        start(limits.answerBytes(0));
        fleet.answerOf(1);
        assertThat(failure(() -> FleetGrpc.newBlockingStub(channel()).listUnits(ListUnitsRequest.getDefaultInstance()))
                        .getStatus()
                        .getCode())
                .isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(FleetGrpc.newBlockingStub(channel())
                        .createUnits(create("a", KIB))
                        .getSerializedSize())
                .isPositive();
        assertThat(fleet.calls()).isOne();
        await().until(() -> admission.answerBytes() == 0);
    }

    private void start(Limits wanted) throws IOException {
        limits = wanted;
        admission = new Admission(limits.made(), refusals);
        server = serverOf(limits.made());
        server.start();
    }

    private GrpcServer serverOf(AdmissionLimits made) {
        return new GrpcServer(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                Optional.empty(),
                false,
                made,
                admission,
                refusals,
                Thread::startVirtualThread,
                List.of(fleet.watcher(() -> admission.requestBytes())),
                fleet.services());
    }

    private ManagedChannel channel() {
        var channel = NettyChannelBuilder.forAddress("127.0.0.1", server.port())
                .usePlaintext()
                .build();
        channels.add(channel);
        return channel;
    }

    private Socket socket() throws IOException {
        var socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
        sockets.add(socket);
        return socket;
    }

    /** All that the engine says before it closes the connection. */
    private static String told(Socket socket) throws IOException {
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    }

    private static StatusRuntimeException failure(Runnable call) {
        try {
            call.run();
        } catch (StatusRuntimeException e) {
            return e;
        }
        throw new AssertionError("the call was answered");
    }

    private static CreateUnitsRequest create(String name, int bytes) {
        return CreateUnitsRequest.newBuilder()
                .addUnits(NewUnit.newBuilder().setName(name).setText("x".repeat(bytes)))
                .build();
    }

    private static LogUpload frame(int bytes) {
        return LogUpload.newBuilder()
                .setData(ByteString.copyFrom(new byte[bytes]))
                .build();
    }

    private static long hint(Metadata trailers) {
        return Long.parseLong(String.valueOf(trailers.get(RetryHint.KEY)));
    }

    /** Limits with the usual ones for what is not set. */
    private record Limits(
            Map<CallKind, CallLimit> calls,
            long requestBytes,
            long answerBytes,
            int connectionsPerPeer,
            Duration firstBytes) {
        Limits() {
            this(Map.of(), 64L * MIB, 64L * MIB, 100, Duration.ofSeconds(LONG));
        }

        Limits calls(CallKind kind, CallLimit limit) {
            return new Limits(Map.of(kind, limit), requestBytes, answerBytes, connectionsPerPeer, firstBytes);
        }

        Limits requestBytes(long bytes) {
            return new Limits(calls, bytes, answerBytes, connectionsPerPeer, firstBytes);
        }

        Limits answerBytes(long bytes) {
            return new Limits(calls, requestBytes, bytes, connectionsPerPeer, firstBytes);
        }

        Limits connectionsPerPeer(int most) {
            return new Limits(calls, requestBytes, answerBytes, most, firstBytes);
        }

        Limits firstBytes(Duration limit) {
            return new Limits(calls, requestBytes, answerBytes, connectionsPerPeer, limit);
        }

        AdmissionLimits made() {
            return new AdmissionLimits(
                    calls,
                    requestBytes,
                    MIB,
                    answerBytes,
                    1000,
                    connectionsPerPeer,
                    firstBytes,
                    Duration.ofMinutes(10));
        }
    }

    /** How a call ended, with what was said. Any thread may ask. */
    private static final class Answer<T> implements StreamObserver<T> {
        private volatile Status status = Status.UNKNOWN;
        private volatile Metadata trailers = new Metadata();
        private volatile boolean ended;

        @Override
        public void onNext(T value) {}

        @Override
        public void onError(Throwable t) {
            var said = Status.trailersFromThrowable(t);
            trailers = said == null ? new Metadata() : said;
            status = Status.fromThrowable(t);
            ended = true;
        }

        @Override
        public void onCompleted() {
            status = Status.OK;
            ended = true;
        }

        boolean ended() {
            return ended;
        }

        Status.Code code() {
            return status.getCode();
        }

        String words() {
            return String.valueOf(status.getDescription());
        }

        long hint() {
            return AdmissionTest.hint(trailers);
        }
    }
}
