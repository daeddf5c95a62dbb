package io.raftfleet.agent.session;

import com.google.protobuf.ByteString;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.BucketDigests;
import io.raftfleet.proto.agent.DigestRequest;
import io.raftfleet.proto.agent.EngineFrame;
import io.raftfleet.proto.agent.FetchContentsRequest;
import io.raftfleet.proto.agent.FindLeaderRequest;
import io.raftfleet.proto.agent.FindLeaderResponse;
import io.raftfleet.proto.agent.HeartbeatAck;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.proto.agent.Inventory;
import io.raftfleet.proto.agent.InventoryRequest;
import io.raftfleet.proto.agent.LogUpload;
import io.raftfleet.proto.agent.LogUploadDone;
import io.raftfleet.proto.agent.Redirect;
import io.raftfleet.proto.agent.StateAck;
import io.raftfleet.proto.agent.Welcome;
import io.raftfleet.proto.model.UnitContents;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** An engine's side of the agents' protocol, on a real port of the loopback. Speaks it strictly: what it may not get, fails. */
final class TestEngine extends AgentGatewayGrpc.AgentGatewayImplBase implements AutoCloseable {
    final TestRegistry registry;
    final Server server;
    final Map<String, Session> sessions = new ConcurrentHashMap<>();
    final List<String> violations = new CopyOnWriteArrayList<>();
    final List<FetchContentsRequest> fetches = new CopyOnWriteArrayList<>();
    final Map<String, String> logs = new ConcurrentHashMap<>();
    final Map<String, String> logErrors = new ConcurrentHashMap<>();
    final Map<String, StreamObserver<LogUploadDone>> logReaders = new ConcurrentHashMap<>();
    final AtomicInteger hellos = new AtomicInteger();
    final List<StreamObserver<FindLeaderResponse>> watchers = new CopyOnWriteArrayList<>();
    final AtomicInteger finds = new AtomicInteger();
    final List<InventoryRequest> inventoryRequests = new CopyOnWriteArrayList<>();
    final List<Inventory> inventories = new CopyOnWriteArrayList<>();
    volatile boolean leading;
    volatile long term;
    volatile String redirectTo = "";
    volatile boolean claimsToLead = true;
    volatile boolean silent;

    /** How long a hello takes. */
    volatile Duration helloTakes = Duration.ZERO;
    /** False as of engines before {@code answers_inventory}, where nothing differs. */
    volatile boolean answersInventories = true;

    volatile @Nullable Status refusal;
    volatile int silenceLimitMs = 5000;

    TestEngine(TestRegistry registry, boolean leading, long term) {
        this.registry = registry;
        this.leading = leading;
        this.term = term;
        try {
            server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .addService(this)
                    .build()
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String address() {
        return "127.0.0.1:" + server.getPort();
    }

    /** Sends orders to a machine that is in session; they are in the registry already. */
    void send(String machine, AssignmentDelta delta) {
        Session session = sessions.get(machine);
        if (session != null) {
            session.send(EngineFrame.newBuilder().setAssignments(delta).build());
        }
    }

    void stepDown() {
        leading = false;
        sessions.values().forEach(session -> session.end(Status.UNAVAILABLE.withDescription("no leader any more")));
        sessions.clear();
    }

    @Override
    public void close() {
        server.shutdownNow();
        try {
            if (!server.awaitTermination(10, TimeUnit.SECONDS)) {
                throw new IllegalStateException("the server did not end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void findLeader(FindLeaderRequest request, StreamObserver<FindLeaderResponse> out) {
        finds.incrementAndGet();
        out.onNext(leadership());
        out.onCompleted();
    }

    @Override
    public void watchLeader(FindLeaderRequest request, StreamObserver<FindLeaderResponse> out) {
        watchers.add(out);
    }

    /** Tells all that watch how things are. */
    void announce() {
        watchers.forEach(watcher -> watcher.onNext(leadership()));
    }

    private FindLeaderResponse leadership() {
        return FindLeaderResponse.newBuilder()
                .setLeading(leading && claimsToLead)
                .setTerm(term)
                .setLeaderGrpc(redirectTo)
                .setClusterId(registry.clusterId)
                .setIncarnation(registry.incarnation)
                .build();
    }

    @Override
    public void fetchContents(FetchContentsRequest request, StreamObserver<UnitContents> out) {
        fetches.add(request);
        for (ByteString hash : request.getHashesList()) {
            UnitContents contents = registry.contents(hash);
            if (contents.getHash().isEmpty()) {
                out.onError(Status.NOT_FOUND
                        .withDescription("no contents "
                                + io.raftfleet.unit.UnitHash.from(hash).toHex())
                        .asRuntimeException());
                return;
            }
            out.onNext(contents);
        }
        out.onCompleted();
    }

    @Override
    public StreamObserver<LogUpload> uploadLog(StreamObserver<LogUploadDone> out) {
        return new StreamObserver<>() {
            private String id = "";

            @Override
            public void onNext(LogUpload upload) {
                if (id.isEmpty()) {
                    id = upload.getLogId();
                    logReaders.put(id, out);
                    logs.put(id, "");
                } else if (!upload.getLogId().isEmpty()) {
                    violations.add("log id in a later frame");
                }
                logs.merge(id, upload.getData().toStringUtf8(), String::concat);
                if (!upload.getError().isEmpty()) {
                    logErrors.put(id, upload.getError());
                }
            }

            @Override
            public void onError(Throwable cause) {
                logErrors.put(id, "cancelled");
            }

            @Override
            public void onCompleted() {
                logErrors.putIfAbsent(id, "");
                out.onNext(LogUploadDone.getDefaultInstance());
                out.onCompleted();
            }
        };
    }

    @Override
    public StreamObserver<AgentFrame> session(StreamObserver<EngineFrame> out) {
        return new Session(out);
    }

    final class Session implements StreamObserver<AgentFrame> {
        private final StreamObserver<EngineFrame> out;
        private @Nullable Hello hello;
        private long epoch;
        private long lastHeartbeat;
        private long lastReport;
        private boolean ended;

        Session(StreamObserver<EngineFrame> out) {
            this.out = out;
        }

        synchronized void send(EngineFrame frame) {
            if (!ended && !silent) {
                out.onNext(frame);
            }
        }

        synchronized void end(Status status) {
            end(status, new Metadata());
        }

        synchronized void end(Status status, Metadata trailers) {
            if (!ended) {
                ended = true;
                out.onError(status.asRuntimeException(trailers));
            }
        }

        @Override
        public void onNext(AgentFrame frame) {
            Hello opened = hello;
            if (opened == null) {
                if (frame.hasHello()) {
                    if (helloTakes.isZero()) {
                        hello(frame.getHello());
                    } else {
                        CompletableFuture.delayedExecutor(helloTakes.toMillis(), TimeUnit.MILLISECONDS)
                                .execute(() -> hello(frame.getHello()));
                    }
                } else {
                    violations.add("first frame " + frame.getFrameCase());
                }
                return;
            }
            String id = opened.getMachineId();
            switch (frame.getFrameCase()) {
                case HEARTBEAT -> {
                    check(frame.getHeartbeat().getSequence() == ++lastHeartbeat, "heartbeat out of order");
                    send(EngineFrame.newBuilder()
                            .setHeartbeatAck(HeartbeatAck.newBuilder().setSequence(lastHeartbeat))
                            .build());
                }
                case STATES -> {
                    check(frame.getStates().getSessionEpoch() == epoch, "report of another session");
                    check(frame.getStates().getSequence() == ++lastReport, "report out of order");
                    check(frame.getStates().getStatesCount() <= 100, "report too large");
                    registry.report(id, frame.getStates());
                    send(EngineFrame.newBuilder()
                            .setStateAck(StateAck.newBuilder().setSequence(lastReport))
                            .build());
                }
                case DIGESTS -> differing(id, frame.getDigests());
                case INVENTORY -> {
                    inventories.add(frame.getInventory());
                    if (answersInventories) {
                        TestEngine.this.send(
                                id,
                                registry.difference(
                                        id,
                                        frame.getInventory().getBucketsList(),
                                        frame.getInventory().getUnitsList()));
                    }
                }
                case HELLO, FRAME_NOT_SET -> violations.add("frame " + frame.getFrameCase());
            }
        }

        private void check(boolean right, String otherwise) {
            if (!right) {
                violations.add(otherwise);
            }
        }

        private void hello(Hello frame) {
            hellos.incrementAndGet();
            if (ended) {
                return;
            }
            Status refused = refusal;
            if (!leading) {
                Metadata trailers = new Metadata();
                trailers.put(
                        EngineSession.REDIRECT,
                        Redirect.newBuilder()
                                .setLeaderGrpc(redirectTo)
                                .setTerm(term)
                                .build());
                end(Status.FAILED_PRECONDITION.withDescription("not the leader"), trailers);
                return;
            }
            if (refused != null) {
                end(refused);
                return;
            }
            String id = frame.getMachineId();
            boolean assignmentsMatch = registry.assignments(id).whole() == frame.getAssignmentsDigest();
            boolean statesMatch = registry.stateDigest(id).whole() == frame.getStatesDigest();
            hello = frame;
            epoch = registry.open(frame);
            synchronized (this) { // Who finds the session here sends after the welcome, or ends it after.
                sessions.put(id, this);
                send(EngineFrame.newBuilder()
                        .setWelcome(Welcome.newBuilder()
                                .setClusterId(registry.clusterId)
                                .setIncarnation(registry.incarnation)
                                .setTerm(term)
                                .setSessionEpoch(epoch)
                                .setTtlMs(10_000)
                                .setHeartbeatIntervalMs(100)
                                .setSilenceLimitMs(silenceLimitMs)
                                .setAssignmentsMatch(assignmentsMatch)
                                .setStatesMatch(statesMatch)
                                .setMaxStatesPerReport(100))
                        .build());
            }
            if (!assignmentsMatch || !statesMatch) {
                send(EngineFrame.newBuilder()
                        .setDigestRequest(DigestRequest.newBuilder()
                                .setAssignments(!assignmentsMatch)
                                .setStates(!statesMatch))
                        .build());
            }
        }

        private void differing(String id, BucketDigests digests) {
            InventoryRequest.Builder request = InventoryRequest.newBuilder();
            for (int bucket = 0; bucket < digests.getAssignmentsCount(); bucket++) {
                if (digests.getAssignments(bucket) != registry.assignments(id).bucketDigest(bucket)) {
                    request.addBuckets(bucket);
                }
            }
            for (int bucket = 0; bucket < digests.getStatesCount(); bucket++) {
                if (digests.getStates(bucket) != registry.stateDigest(id).bucketDigest(bucket)) {
                    request.addStateBuckets(bucket);
                }
            }
            inventoryRequests.add(request.build());
            send(EngineFrame.newBuilder().setInventoryRequest(request).build());
        }

        @Override
        public void onError(Throwable cause) {
            gone();
        }

        @Override
        public void onCompleted() {
            gone();
            synchronized (this) {
                if (!ended) {
                    ended = true;
                    out.onCompleted();
                }
            }
        }

        private void gone() {
            Hello opened = hello;
            if (opened != null) {
                sessions.remove(opened.getMachineId(), this);
            }
        }
    }

    /** Requests of contents, by hash. */
    Map<ByteString, Integer> fetchCounts() {
        Map<ByteString, Integer> counts = new HashMap<>();
        for (FetchContentsRequest request : new ArrayList<>(fetches)) {
            request.getHashesList().forEach(hash -> counts.merge(hash, 1, Integer::sum));
        }
        return counts;
    }
}
