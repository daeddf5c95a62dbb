package io.raftfleet.engine.server;

import static java.util.function.Function.identity;
import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.stub.MetadataUtils;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.raftfleet.agent.main.HollowMachines;
import io.raftfleet.agent.main.Machine;
import io.raftfleet.agent.main.Shared;
import io.raftfleet.agent.session.DialedChannels;
import io.raftfleet.agent.session.SessionConfig;
import io.raftfleet.engine.access.Authorization;
import io.raftfleet.engine.control.Controller;
import io.raftfleet.engine.control.LocalWrites;
import io.raftfleet.engine.control.NoMetrics;
import io.raftfleet.engine.session.AgentGatewayService;
import io.raftfleet.engine.session.LeadershipCheck;
import io.raftfleet.engine.session.LogBroker;
import io.raftfleet.engine.session.Sessions;
import io.raftfleet.engine.trace.CallTraces;
import io.raftfleet.engine.trace.UnitTraces;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.VersionResponse;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.RaftConfig;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import io.raftfleet.state.raft.ReplicationException;
import io.raftfleet.traces.Traces;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A follower, a leader and an agent that talk over real gRPC; what they trace is in memory. */
class TracedWriteTest {
    private static final Metadata.Key<String> TRACEPARENT =
            Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);
    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String CLIENT = "b7ad6b7169203331";
    private static final AttributeKey<String> UNIT = AttributeKey.stringKey("raftfleet.unit");

    private final InMemorySpanExporter spans = InMemorySpanExporter.create();
    private final Queue<String> headersAtLeader = new ConcurrentLinkedQueue<>();
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();
    private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);

    @AfterEach
    void close() throws Exception {
        while (!opened.isEmpty()) {
            opened.pop().close();
        }
        timer.shutdownNow();
    }

    @Test
    void oneWriteIsOneTraceFromItsClientToTheStateOfTheUnit() throws Exception {
        var cluster = new Cluster(1.0);

        assertThat(cluster.start("00-" + TRACE + "-" + CLIENT + "-01", 1)).containsOnly(ItemCode.ITEM_CODE_OK);

        await().atMost(Duration.ofSeconds(20)).until(() -> named("carry out").size() == 1);
        await().atMost(Duration.ofSeconds(20))
                .until(() -> named("raftfleet.fleet.Fleet/CreateUnits").size() == 2);
        var all = spans.getFinishedSpanItems();
        assertThat(all).allMatch(span -> span.getTraceId().equals(TRACE));
        assertThat(tree(all))
                .as("each with its parent")
                .contains(
                        "raftfleet.fleet.Fleet/CreateUnits < client",
                        "pass on to the leader < raftfleet.fleet.Fleet/CreateUnits",
                        "raftfleet.fleet.Fleet/CreateUnits < pass on to the leader",
                        "wait for the decision thread < raftfleet.fleet.Fleet/CreateUnits",
                        "decide on the write < raftfleet.fleet.Fleet/CreateUnits",
                        "commit and apply < raftfleet.fleet.Fleet/CreateUnits",
                        "carry out < raftfleet.fleet.Fleet/CreateUnits",
                        "order to the machine < carry out",
                        "carry out the order < carry out",
                        "fetch contents < carry out the order",
                        "put files in place < carry out the order",
                        "note the start on disk < carry out the order",
                        "StartUnit < carry out the order",
                        "commit the report < carry out");
        assertThat(named("carry out").getFirst().getAttributes().asMap())
                .containsEntry(AttributeKey.stringKey("raftfleet.unit.active_state"), "active")
                .containsEntry(AttributeKey.stringKey("raftfleet.outcome"), "reported")
                .containsEntry(UNIT, "a0.service");
    }

    @Test
    void aCallOfManyUnitsFollowsSome() throws Exception {
        var cluster = new Cluster(1.0);

        assertThat(cluster.start(null, 400)).containsOnly(ItemCode.ITEM_CODE_OK).hasSize(400);

        await().atMost(Duration.ofSeconds(20)).until(() -> named("carry out").size() == 16);
        var call = named("raftfleet.fleet.Fleet/CreateUnits").stream()
                .filter(span -> span.getAttributes().get(AttributeKey.longKey("raftfleet.units.changed")) != null)
                .toList();
        assertThat(call)
                .singleElement()
                .satisfies(span -> assertThat(span.getAttributes().asMap())
                        .containsEntry(AttributeKey.longKey("raftfleet.units.changed"), 400L)
                        .containsEntry(AttributeKey.longKey("raftfleet.units.followed"), 16L));
    }

    @Test
    void whatTheClientDoesNotSampleIsNotTracedAnywhere() throws Exception {
        var cluster = new Cluster(1.0);

        cluster.start("00-" + TRACE + "-" + CLIENT + "-00", 1);

        cluster.awaitActive(1);
        assertThat(spans.getFinishedSpanItems()).isEmpty();
        assertThat(headersAtLeader)
                .singleElement()
                .asString()
                .startsWith("00-" + TRACE)
                .endsWith("-00");
    }

    @Test
    void offNothingIsTracedAndNoHeaderIsSent() throws Exception {
        var cluster = new Cluster(null);

        cluster.start("00-" + TRACE + "-" + CLIENT + "-01", 1);

        cluster.awaitActive(1);
        assertThat(spans.getFinishedSpanItems()).isEmpty();
        assertThat(headersAtLeader).containsExactly("none");
    }

    @Test
    void whatIsNoTraceparentHarmsNobody() throws Exception {
        var cluster = new Cluster(0.0);
        for (var hostile : List.of("", "00", "\u007f'\"<>%00", "00-" + "z".repeat(32), "0".repeat(7000))) {
            assertThat(cluster.start(hostile, 1)).hasSize(1);
        }
        assertThat(spans.getFinishedSpanItems()).isEmpty();
    }

    private List<SpanData> named(String name) {
        return spans.getFinishedSpanItems().stream()
                .filter(span -> span.getName().equals(name))
                .toList();
    }

    private static List<String> tree(List<SpanData> all) {
        var byId = all.stream().collect(toMap(SpanData::getSpanId, identity()));
        return all.stream()
                .map(span -> {
                    var parent = byId.get(span.getParentSpanId());
                    return span.getName() + " < "
                            + (parent != null
                                    ? parent.getName()
                                    : span.getParentSpanId().equals(CLIENT) ? "client" : "nothing");
                })
                .toList();
    }

    private <T extends AutoCloseable> T open(T resource) {
        opened.push(resource);
        return resource;
    }

    private @Nullable Traces traces(String service, @Nullable Double ratio) {
        return ratio == null
                ? null
                : Traces.to(SimpleSpanProcessor.create(spans), ratio, new Traces.Source(service, "", "test"));
    }

    private static ManagedChannel channel(String address) {
        return Grpc.newChannelBuilder(address, InsecureChannelCredentials.create())
                .build();
    }

    /** Engines whose log is that of the leader alone, and one machine in memory. */
    private final class Cluster {
        private final Registry registry = new Registry(100);
        private final ManagedChannel client;
        private int calls;

        Cluster(@Nullable Double ratio) throws Exception {
            var leader = new Node("leader", registry, ratio);
            var follower = new Node("follower", new Registry(100), ratio);
            follower.route.leaderChanged(leader.peer());
            leader.route.leaderChanged(leader.peer());
            leader.lead();
            client = channel(follower.address());
            open((AutoCloseable) client::shutdownNow);
            var channels = open(new DialedChannels(Optional.empty()));
            var shared = open(new Shared(
                    channels, List.of(leader.address()), 1, Optional.ofNullable(traces("fleet-agent", ratio))));
            var machines = HollowMachines.create(
                    shared,
                    1,
                    "traced",
                    new SessionConfig("", "127.0.0.1", Map.of(), "test", 1, SessionConfig.Limits.DEFAULT),
                    reason -> {
                        throw new AssertionError(reason);
                    });
            machines.forEach(Machine::start);
            machines.getFirst().firstSession().get(20, TimeUnit.SECONDS);
            headersAtLeader.clear();
        }

        /** Starts so many units by one call at the follower. */
        List<ItemCode> start(@Nullable String traceparent, int units) {
            var headers = new Metadata();
            if (traceparent != null) {
                headers.put(TRACEPARENT, traceparent);
            }
            var request = CreateUnitsRequest.newBuilder()
                    .setRequestId(RequestId.newBuilder()
                            .setId(ByteString.copyFrom(
                                    new byte[] {(byte) ++calls, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}))
                            .setIssuedAtMs(System.currentTimeMillis()));
            for (int i = 0; i < units; i++) {
                request.addUnits(NewUnit.newBuilder()
                        .setName("a" + i + ".service")
                        .setText("[Service]\nExecStart=/bin/true\n")
                        .setTargetState(TargetState.TARGET_STATE_LAUNCHED));
            }
            return FleetGrpc.newBlockingStub(client)
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                    .withDeadlineAfter(20, TimeUnit.SECONDS)
                    .createUnits(request.build())
                    .getResultsList()
                    .stream()
                    .map(result -> result.getCode())
                    .toList();
        }

        void awaitActive(int units) {
            await().atMost(Duration.ofSeconds(20)).until(() -> registry.read(RegistryView::stateCount) == units);
        }
    }

    private final class Node implements LeadershipCheck, Controller.LeadershipListener, Controller.Proposer {
        private final String id;
        private final Registry registry;
        private final LeaderRoute route;
        private final Controller controller;
        private final Sessions sessions;
        private final Server server;
        private final CompletableFuture<Void> leading = new CompletableFuture<>();
        private long index;

        Node(String id, Registry registry, @Nullable Double ratio) throws IOException {
            this.id = id;
            this.registry = registry;
            var traces = traces("fleet-engine", ratio);
            var units = traces == null ? null : new UnitTraces(traces, InstantSource.system());
            route = open(new LeaderRoute(id, TracedWriteTest::channel));
            controller = open(new Controller(
                    new Controller.Inputs(id, registry, this, InstantSource.system(), new Random(7)),
                    this,
                    new NoMetrics(),
                    Thread::startVirtualThread));
            sessions = new Sessions(
                    "cluster",
                    registry,
                    controller,
                    this,
                    new Sessions.Timing(Duration.ofMinutes(1), Duration.ofSeconds(1), Duration.ofSeconds(10)),
                    System::nanoTime,
                    Thread::startVirtualThread,
                    units);
            if (units != null) {
                registry.addListener(units);
            }
            registry.addListener(sessions);
            Reads.ReadIndex readIndex =
                    deadline -> CompletableFuture.failedFuture(new ReplicationException.Unavailable("a test"));
            var logs = new LogBroker(sessions, new Random(9), timer);
            var api = new RoutedFleetApi(
                    new LocalWrites(controller, LocalWrites.AfterCommit.NOTHING),
                    new Reads(registry, readIndex, controller::explain, Thread::startVirtualThread),
                    route,
                    () -> null,
                    timer,
                    Thread::startVirtualThread,
                    new Random(8));
            var builder = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                    .addService(new FleetService(
                            api,
                            new Watches(registry, readIndex, timer),
                            new UnitLogs(registry, logs, route),
                            VersionResponse::getDefaultInstance))
                    .addService(new AgentGatewayService("cluster", registry, sessions, logs, this));
            if (traces != null && units != null) {
                builder.intercept(new CallTraces(traces, units));
            }
            server = builder.intercept(FleetService.interceptor())
                    .intercept(Authorization.none())
                    .intercept(new Headers())
                    .build()
                    .start();
            open((AutoCloseable) () -> server.shutdownNow().awaitTermination(5, TimeUnit.SECONDS));
            controller.start();
        }

        String address() {
            return "127.0.0.1:" + server.getPort();
        }

        EnginePeer peer() {
            return new EnginePeer(id, "raft-" + id, address(), "http-" + id);
        }

        void lead() throws Exception {
            controller.leaderStarted(1);
            leading.get(20, TimeUnit.SECONDS);
        }

        @Override
        public CompletableFuture<?> confirm() {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public String leaderGrpc() {
            return "";
        }

        @Override
        public long term() {
            return 1;
        }

        @Override
        public void leading(long term) {
            sessions.begin(term);
            leading.complete(null);
        }

        @Override
        public void resigned(long term) {
            sessions.end();
        }

        @Override
        public synchronized CompletableFuture<ApplyResult> propose(Entry entry, Duration deadline) {
            return CompletableFuture.completedFuture(registry.apply(1, ++index, entry));
        }

        @Override
        public int agreedFormat() {
            return RaftConfig.ENTRY_FORMAT;
        }

        /** Notes what the leader is told of traces with calls that the follower has passed on. */
        private final class Headers implements ServerInterceptor {
            @Override
            public <Q, R> ServerCall.Listener<Q> interceptCall(
                    ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
                if (headers.containsKey(LeaderRoute.FORWARDED)) {
                    headersAtLeader.add(Objects.requireNonNullElse(headers.get(TRACEPARENT), "none"));
                }
                return next.startCall(call, headers);
            }
        }
    }
}
