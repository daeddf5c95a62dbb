package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.Context;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.raftfleet.engine.api.Async;
import io.raftfleet.engine.control.Controller;
import io.raftfleet.engine.control.LocalWrites;
import io.raftfleet.engine.control.NoMetrics;
import io.raftfleet.engine.session.LeadershipCheck;
import io.raftfleet.engine.session.LogBroker;
import io.raftfleet.engine.session.Sessions;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.ReadOptions;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.VersionResponse;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.state.Registry;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.RaftConfig;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import io.raftfleet.state.raft.ReplicationException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Writes that find their leader: engines put together from their real parts but for Raft, calling each other over gRPC. */
class RoutedFleetApiTest {
    private static final Duration LONG = Duration.ofSeconds(10);
    private static final Duration SHORT = Duration.ofMillis(400);

    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final List<AutoCloseable> opened = new ArrayList<>();
    private final Log log = new Log();
    private final TestEngine here = new TestEngine("e1");
    private final TestEngine there = new TestEngine("e2");

    @AfterEach
    void close() throws Exception {
        for (var each : opened.reversed()) {
            each.close();
        }
        timer.shutdownNow();
    }

    @Test
    void aLeaderWritesItself() throws Exception {
        lead(here, 1);
        assertThat(get(here.api.createUnits(request(1), LONG))).containsExactly(ItemCode.ITEM_CODE_OK);
        assertThat(log.entriesWithUnits()).isEqualTo(1);
    }

    @Test
    void aFollowerPassesWritesOnToTheLeader() throws Exception {
        lead(there, 1);
        assertThat(get(here.api.createUnits(request(1), LONG))).containsExactly(ItemCode.ITEM_CODE_OK);
        assertThat(there.registry.<Integer>read(view -> view.units().size())).isEqualTo(1);
    }

    @Test
    void withoutALeaderAWriteWaitsForOneUntilItsDeadline() throws Exception {
        assertThat(failure(here.api.createUnits(request(1), SHORT)))
                .satisfies(status -> assertThat(status.getCode()).isEqualTo(Status.Code.UNAVAILABLE))
                .satisfies(status ->
                        assertThat(status.getDescription()).contains("the write was not done", "no leader is known"));
        var waiting = here.api.createUnits(request(2), LONG);
        assertThat(waiting).isNotDone();
        lead(there, 1);
        assertThat(get(waiting)).containsExactly(ItemCode.ITEM_CODE_OK);
    }

    @Test
    void aLeaderThatCanDoNothingSaysWhy() throws Exception {
        lead(here, 1);
        here.absence = "its disk is gone";
        assertThat(failure(here.api.createUnits(request(1), LONG)).getDescription())
                .contains("the write was not done", "its disk is gone");
    }

    /** As when the first leader is paused: it may have written it or not. */
    @Test
    void aWriteWhoseLeaderIsReplacedIsDoneOnceByTheNext() throws Exception {
        var silent = new Silent("e3");
        here.route.leaderChanged(silent.peer());
        var waiting = here.api.createUnits(request(1), LONG);
        silent.calls.take();
        assertThat(waiting).isNotDone();
        lead(there, 2);
        assertThat(get(waiting)).containsExactly(ItemCode.ITEM_CODE_OK);
        assertThat(get(here.api.createUnits(request(1), LONG)))
                .as("the same again")
                .containsExactly(ItemCode.ITEM_CODE_OK);
        assertThat(log.entriesWithUnits()).isEqualTo(1);
        await().until(() -> silent.cancelled == 1);
    }

    @Test
    void aWriteThatNobodyAnsweredIsOfUnknownFate() throws Exception {
        here.route.leaderChanged(new Silent("e3").peer());
        assertThat(failure(here.api.createUnits(request(1), SHORT)))
                .satisfies(status -> assertThat(status.getCode()).isEqualTo(Status.Code.UNKNOWN))
                .satisfies(status -> assertThat(status.getDescription()).contains("may or may not", "same request id"));
    }

    @Test
    void whatAClientGivesUpIsGivenUpWhereItWasForwardedTo() throws Exception {
        var silent = new Silent("e3");
        here.route.leaderChanged(silent.peer());
        var client = Context.current().withCancellation();
        client.run(() -> {
            var unused = here.api.createUnits(request(1), LONG);
        });
        silent.calls.take();
        client.cancel(null);
        await().until(() -> silent.cancelled == 1);
    }

    @Test
    void aForwardedWriteIsDoneHereOrAborted() throws Exception {
        lead(there, 1);
        assertThat(failure(here.api.forwarded().createUnits(request(1), LONG)).getCode())
                .isEqualTo(Status.Code.ABORTED);
        assertThat(get(there.api.forwarded().createUnits(request(1), LONG))).containsExactly(ItemCode.ITEM_CODE_OK);
    }

    /** Whoever was elected last may be told of it last. */
    @Test
    void aWriteThatWasSentToAFollowerFindsTheLeaderLater() throws Exception {
        here.route.leaderChanged(there.peer());
        var waiting = here.api.createUnits(request(1), LONG);
        there.leaderStarted(1);
        assertThat(get(waiting)).containsExactly(ItemCode.ITEM_CODE_OK);
        assertThat(log.entriesWithUnits()).isEqualTo(1);
    }

    @Test
    void aRefusalIsFinal() throws Exception {
        lead(there, 1);
        var request = request(1).toBuilder()
                .setRequestId(RequestId.newBuilder().setId(ByteString.copyFromUtf8("short")))
                .build();
        assertThat(failure(here.api.createUnits(request, LONG)).getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    }

    @Test
    void aFollowersListHasTheLeadersReasons() throws Exception {
        lead(there, 1);
        get(here.api.createUnits(request(1), LONG));
        log.tell(here.registry);
        var list = ListUnitsRequest.newBuilder()
                .setWithVetoes(true)
                .setRead(ReadOptions.newBuilder().setStale(true))
                .build();
        var page = here.api.listUnits(list, LONG).get(10, TimeUnit.SECONDS);
        assertThat(page.getUnits(0).getVetoesList()).as("no machine is there").isNotEmpty();
        there.server.shutdownNow();
        there.server.awaitTermination();
        var without = here.api.listUnits(list, SHORT).get(10, TimeUnit.SECONDS);
        assertThat(without.getUnits(0).getVetoesList()).isEmpty();
    }

    private void lead(TestEngine leader, long term) throws Exception {
        leader.leaderStarted(term);
        here.route.leaderChanged(leader.peer());
        there.route.leaderChanged(leader.peer());
        leader.route.ready();
    }

    private static CreateUnitsRequest request(int id) {
        var bytes = new byte[16];
        bytes[0] = (byte) id;
        return CreateUnitsRequest.newBuilder()
                .setRequestId(RequestId.newBuilder()
                        .setId(ByteString.copyFrom(bytes))
                        .setIssuedAtMs(System.currentTimeMillis()))
                .addUnits(NewUnit.newBuilder()
                        .setName("a" + id + ".service")
                        .setText("[Service]\nExecStart=/bin/true\n")
                        .setTargetState(TargetState.TARGET_STATE_LAUNCHED))
                .build();
    }

    private static List<ItemCode> get(CompletableFuture<WriteResponse> reply) throws Exception {
        return reply.get(20, TimeUnit.SECONDS).getResultsList().stream()
                .map(ItemResult::getCode)
                .toList();
    }

    private static Status failure(CompletableFuture<?> reply) throws Exception {
        try {
            throw new AssertionError("it came to " + reply.get(20, TimeUnit.SECONDS));
        } catch (ExecutionException e) {
            return Status.fromThrowable(Async.cause(e));
        }
    }

    /** A log of all engines, applied by the one that writes at once, and by others when they are told. */
    private static final class Log {
        private final List<Entry> entries = new ArrayList<>();

        synchronized ApplyResult append(Registry registry, Entry entry) {
            tell(registry);
            entries.add(entry);
            return registry.apply(1, entries.size(), entry);
        }

        synchronized void tell(Registry registry) {
            for (long next = Math.max(0, registry.appliedIndex()); next < entries.size(); next++) {
                var unused = registry.apply(1, next + 1, entries.get((int) next));
            }
        }

        synchronized long entriesWithUnits() {
            return entries.stream()
                    .filter(entry -> entry.getRecordsList().stream().anyMatch(record -> record.hasUnitCreated()))
                    .count();
        }
    }

    /** An engine without Raft. */
    private final class TestEngine {
        private final String id;
        private final Registry registry = new Registry(100);
        private final LeaderRoute route;
        private final RoutedFleetApi api;
        private final Controller controller;
        private final Server server;
        private volatile CompletableFuture<Void> leading = new CompletableFuture<>();
        private volatile @Nullable String absence;

        TestEngine(String id) {
            this.id = id;
            route = new LeaderRoute(
                    id,
                    address ->
                            InProcessChannelBuilder.forName("routed-" + address).build());
            controller = new Controller(
                    new Controller.Inputs(id, registry, new Proposer(), InstantSource.system(), new Random(7)),
                    new Leadership(),
                    new NoMetrics(),
                    Thread::startVirtualThread);
            Reads.ReadIndex readIndex =
                    deadline -> CompletableFuture.failedFuture(new ReplicationException.Unavailable("a test"));
            api = new RoutedFleetApi(
                    new LocalWrites(controller, LocalWrites.AfterCommit.NOTHING),
                    new Reads(registry, readIndex, controller::explain, Thread::startVirtualThread),
                    route,
                    () -> absence,
                    timer,
                    Thread::startVirtualThread,
                    new Random(8));
            var sessions = new Sessions(
                    "cluster",
                    registry,
                    controller,
                    new Check(),
                    new Sessions.Timing(LONG, LONG, LONG),
                    System::nanoTime,
                    Thread::startVirtualThread);
            var logs = new LogBroker(sessions, new Random(9), timer);
            server = InProcessServerBuilder.forName("routed-" + id)
                    .intercept(FleetService.interceptor())
                    .addService(new FleetService(
                            api,
                            new Watches(registry, readIndex, timer),
                            new UnitLogs(registry, logs, route),
                            VersionResponse::getDefaultInstance))
                    .build();
            try {
                server.start();
            } catch (java.io.IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
            controller.start();
            opened.add(server::shutdownNow);
            opened.add(controller);
            opened.add(route);
        }

        EnginePeer peer() {
            return new EnginePeer(id, "raft-" + id, id, "http-" + id);
        }

        void leaderStarted(long term) throws Exception {
            log.tell(registry);
            controller.leaderStarted(term);
            leading.get(10, TimeUnit.SECONDS);
        }

        private final class Proposer implements Controller.Proposer {
            @Override
            public CompletableFuture<ApplyResult> propose(Entry entry, Duration deadline) {
                return CompletableFuture.completedFuture(log.append(registry, entry));
            }

            @Override
            public int agreedFormat() {
                return RaftConfig.ENTRY_FORMAT;
            }
        }

        private final class Leadership implements Controller.LeadershipListener {
            @Override
            public void leading(long term) {
                leading.complete(null);
            }

            @Override
            public void resigned(long term) {}
        }
    }

    /** An engine that takes calls and never answers. */
    private final class Silent extends FleetGrpc.FleetImplBase {
        final LinkedBlockingQueue<CreateUnitsRequest> calls = new LinkedBlockingQueue<>();
        volatile int cancelled;
        private final String id;

        Silent(String id) throws Exception {
            this.id = id;
            var server = InProcessServerBuilder.forName("routed-" + id)
                    .addService(this)
                    .build()
                    .start();
            opened.add(server::shutdownNow);
        }

        EnginePeer peer() {
            return new EnginePeer(id, "raft-" + id, id, "http-" + id);
        }

        @Override
        public void createUnits(CreateUnitsRequest request, StreamObserver<WriteResponse> responses) {
            ((ServerCallStreamObserver<WriteResponse>) responses).setOnCancelHandler(() -> cancelled = 1);
            calls.add(request);
        }
    }

    private static final class Check implements LeadershipCheck {
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
    }
}
