package io.raftfleet.agent.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import io.raftfleet.agent.hollow.HollowUnitManager;
import io.raftfleet.agent.loop.SharedLoop;
import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.BucketDigests;
import io.raftfleet.proto.agent.DigestRequest;
import io.raftfleet.proto.agent.EngineFrame;
import io.raftfleet.proto.agent.FindLeaderRequest;
import io.raftfleet.proto.agent.FindLeaderResponse;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.proto.agent.Inventory;
import io.raftfleet.proto.agent.InventoryRequest;
import io.raftfleet.proto.agent.Welcome;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.limits.Limits;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An agent of many units with long names, asked by an engine what it has. */
class InventoriesTest {
    private static final List<Integer> BUCKETS = new ArrayList<>();

    static {
        for (int bucket = 0; bucket < Digest.BUCKETS; bucket++) {
            BUCKETS.add(bucket);
        }
    }

    private final ExecutorService pool = Executors.newSingleThreadExecutor();
    private final ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();
    private final SharedLoop loop = new SharedLoop(pool, scheduler);
    private final Engine engine = new Engine();
    private final Machine machine = new Machine(units(2500));
    private final Server server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
            .addService(engine)
            .build();

    @BeforeEach
    void start() throws Exception {
        server.start();
        var channels = new EngineChannels(
                address -> Grpc.newChannelBuilder("127.0.0.1:" + server.getPort(), InsecureChannelCredentials.create())
                        .build(),
                List.of("e1"));
        var reports = new ReportQueue(4);
        var manager = new HollowUnitManager(loop, "b".repeat(32), Clock.systemUTC());
        new SessionKeeper(
                        loop,
                        new LeaderFinder(channels, Duration.ofSeconds(1)),
                        new SessionConfig(
                                TestMachine.ID, "127.0.0.1", Map.of(), "test", 1, SessionConfig.Limits.DEFAULT),
                        new MachineSide(machine, reports, manager),
                        ClusterMemory.Keeper.inMemory(),
                        reason -> {},
                        new SplittableRandom(1))
                .start();
    }

    @AfterEach
    void stop() {
        server.shutdownNow();
        scheduler.shutdownNow();
        pool.shutdownNow();
    }

    @Test
    void eachIsOfWholeBucketsAndOfABoundedSizeAndTheLastAnswerStandsForAll() throws Exception {
        var inventories = new ArrayList<Inventory>();
        var buckets = new ArrayList<Integer>();
        var units = new ArrayList<AssignedUnit>();
        while (buckets.size() < Digest.BUCKETS) {
            var next = engine.inventories.poll(10, TimeUnit.SECONDS);
            assertThat(next).isNotNull();
            inventories.add(next);
            buckets.addAll(next.getBucketsList());
            units.addAll(next.getUnitsList());
            assertThat(next.getUnitsCount()).isBetween(1, Limits.INVENTORY_UNITS);
            assertThat(next.getUnitsList())
                    .allMatch(unit -> next.getBucketsList().contains(Digest.bucket(unit.getName())));
        }
        assertThat(buckets).containsExactlyElementsOf(BUCKETS);
        assertThat(units).containsExactlyInAnyOrderElementsOf(machine.units);
        assertThat(inventories).hasSizeBetween(3, 4);

        var order = AssignmentDelta.newBuilder().addRemove("a.service");
        for (int i = 0; i < inventories.size(); i++) {
            engine.send(order.clone().setAnswersInventory(false).build());
            engine.send(order.clone().setAnswersInventory(true).build());
        }
        for (int i = 1; i <= 2 * inventories.size(); i++) {
            var taken = machine.orders.poll(10, TimeUnit.SECONDS);
            assertThat(taken).isNotNull();
            assertThat(taken.getRemoveList()).containsExactly("a.service");
            assertThat(taken.getAnswersInventory()).as("delta %d", i).isEqualTo(i == 2 * inventories.size());
        }
    }

    @Test
    void bucketsWithoutUnitsAreNamedAndOneThatIsTooLargeIsWhole() {
        assertThat(OpenSession.inventories(BUCKETS, List.of()))
                .containsExactly(Inventory.newBuilder().addAllBuckets(BUCKETS).build());
        assertThat(OpenSession.inventories(List.of(), List.of())).isEmpty();
        var large = units(100_000).stream()
                .filter(unit -> Digest.bucket(unit.getName()) == 7)
                .toList();
        assertThat(large).hasSizeGreaterThan(Limits.INVENTORY_UNITS);
        assertThat(OpenSession.inventories(List.of(7, 9), large))
                .containsExactly(
                        Inventory.newBuilder().addBuckets(7).addAllUnits(large).build(),
                        Inventory.newBuilder().addBuckets(9).build());
    }

    private static List<AssignedUnit> units(int count) {
        var units = new ArrayList<AssignedUnit>();
        for (int number = 0; number < count; number++) {
            units.add(AssignedUnit.newBuilder()
                    .setName("x".repeat(200) + number + ".service")
                    .setHash(UnitHash.ofText("text").toByteString())
                    .build());
        }
        return units;
    }

    /** Asks for all inventories as soon as an agent says hello. */
    private static final class Engine extends AgentGatewayGrpc.AgentGatewayImplBase {
        final LinkedBlockingQueue<Inventory> inventories = new LinkedBlockingQueue<>();
        private volatile @Nullable StreamObserver<EngineFrame> session;

        void send(AssignmentDelta delta) {
            var stream = session;
            if (stream != null) {
                stream.onNext(EngineFrame.newBuilder().setAssignments(delta).build());
            }
        }

        @Override
        public void findLeader(FindLeaderRequest request, StreamObserver<FindLeaderResponse> responses) {
            responses.onNext(FindLeaderResponse.newBuilder()
                    .setLeading(true)
                    .setLeaderGrpc("e1")
                    .setTerm(1)
                    .setClusterId("cluster")
                    .setIncarnation(1)
                    .build());
            responses.onCompleted();
        }

        @Override
        public StreamObserver<AgentFrame> session(StreamObserver<EngineFrame> responses) {
            return new StreamObserver<>() {
                @Override
                public void onNext(AgentFrame frame) {
                    if (frame.hasHello()) {
                        responses.onNext(EngineFrame.newBuilder()
                                .setWelcome(Welcome.newBuilder()
                                        .setClusterId("cluster")
                                        .setIncarnation(1)
                                        .setTerm(1)
                                        .setSessionEpoch(1)
                                        .setTtlMs(30_000)
                                        .setHeartbeatIntervalMs(10_000)
                                        .setSilenceLimitMs(30_000)
                                        .setStatesMatch(true)
                                        .setMaxStatesPerReport(500))
                                .build());
                        responses.onNext(EngineFrame.newBuilder()
                                .setInventoryRequest(
                                        InventoryRequest.newBuilder().addAllBuckets(BUCKETS))
                                .build());
                        session = responses;
                    } else if (frame.hasInventory()) {
                        inventories.add(frame.getInventory());
                    }
                }

                @Override
                public void onError(Throwable cause) {}

                @Override
                public void onCompleted() {}
            };
        }
    }

    /** Has these units, and notes what it is ordered. */
    private static final class Machine implements SessionHandler {
        final List<AssignedUnit> units;
        final LinkedBlockingQueue<AssignmentDelta> orders = new LinkedBlockingQueue<>();

        Machine(List<AssignedUnit> units) {
            this.units = units;
        }

        @Override
        public void describe(Hello.Builder hello) {}

        @Override
        public void opened(Welcome welcome) {}

        @Override
        public void closed() {}

        @Override
        public void leaseHeld(long untilNanos) {}

        @Override
        public void apply(AssignmentDelta delta) {
            orders.add(delta);
        }

        @Override
        public BucketDigests digests(DigestRequest request) {
            return BucketDigests.getDefaultInstance();
        }

        @Override
        public List<AssignedUnit> inventory(Collection<Integer> buckets) {
            return units;
        }

        @Override
        public List<UnitState> states(Collection<Integer> buckets) {
            return List.of();
        }

        @Override
        public void goneCommitted(Collection<String> names) {}
    }
}
