package io.raftfleet.engine.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.raftfleet.engine.access.Authorization;
import io.raftfleet.engine.control.Controller;
import io.raftfleet.engine.control.LocalWrites;
import io.raftfleet.engine.control.NoMetrics;
import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.EngineFrame;
import io.raftfleet.proto.agent.Heartbeat;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.proto.agent.Inventory;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.state.Registry;
import io.raftfleet.state.raft.RaftConfig;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.limits.Limits;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Answers to inventories of thousands of units with long names, over gRPC, to an agent that takes a frame when it asks for one. */
class InventoryAnswersTest {
    private static final String MACHINE = "0123456789abcdef0123456789abcdef";
    private static final String TEXT = "[Service]\nExecStart=/bin/true\n";
    private static final int ASSIGNED = 3500;
    private static final int FOUND = 2500;

    private final Registry registry = new Registry(100_000);
    private final CompletableFuture<Void> leading = new CompletableFuture<>();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final Controller controller = new Controller(
            new Controller.Inputs("e1", registry, new Log(), InstantSource.system(), new Random(7)),
            new Leadership(),
            new NoMetrics(),
            Thread::startVirtualThread);
    private final Sessions sessions = new Sessions(
            "cluster",
            registry,
            controller,
            new Check(),
            new Sessions.Timing(Duration.ofSeconds(30), Duration.ofSeconds(1), Duration.ofSeconds(3)),
            System::nanoTime,
            Thread::startVirtualThread);
    private final Server server = InProcessServerBuilder.forName(getClass().getName())
            .intercept(Authorization.none())
            .addService(new AgentGatewayService(
                    "cluster", registry, sessions, new LogBroker(sessions, new Random(8), timer), new Check()))
            .build();
    private final ManagedChannel channel =
            InProcessChannelBuilder.forName(getClass().getName()).build();
    private final Agent agent = new Agent();

    @BeforeEach
    void lead() throws Exception {
        registry.addListener(sessions);
        server.start();
        controller.start();
        controller.leaderStarted(1);
        leading.get(10, TimeUnit.SECONDS);
        agent.say(AgentFrame.newBuilder()
                .setHello(Hello.newBuilder().setMachineId(MACHINE).setAgentInstance(1)));
        assertThat(agent.next().hasWelcome()).isTrue();
    }

    @AfterEach
    void close() {
        channel.shutdownNow();
        server.shutdownNow();
        controller.close();
        timer.shutdownNow();
    }

    @Test
    void areOfManyFramesEachWithinItsLimitsAndTheLastSaysSo() throws Exception {
        var assigned = create();
        agent.forget();
        var found = new TreeSet<String>();
        for (int number = 0; number < FOUND; number++) {
            found.add(name("orphan", number));
        }
        // In two, as agents send them that have many units; a heartbeat behind them.
        for (int half = 0; half < 2; half++) {
            var inventory = Inventory.newBuilder();
            for (int bucket = half; bucket < Digest.BUCKETS; bucket += 2) {
                inventory.addBuckets(bucket);
            }
            int parity = half;
            found.stream()
                    .filter(name -> Digest.bucket(name) % 2 == parity)
                    .forEach(name -> inventory.addUnits(AssignedUnit.newBuilder()
                            .setName(name)
                            .setHash(UnitHash.ofText(TEXT).toByteString())));
            agent.say(AgentFrame.newBuilder().setInventory(inventory));
        }
        agent.say(AgentFrame.newBuilder().setHeartbeat(Heartbeat.newBuilder().setSequence(1)));

        var set = new ArrayList<String>();
        var orphans = new ArrayList<String>();
        int ends = 0;
        int frames = 0;
        for (var frame = agent.next(); !frame.hasHeartbeatAck(); frame = agent.next()) {
            assertThat(frame.hasAssignments()).isTrue();
            var delta = frame.getAssignments();
            within(delta);
            delta.getSetList().forEach(unit -> set.add(unit.getName()));
            orphans.addAll(delta.getOrphansList());
            assertThat(delta.getRemoveList()).isEmpty();
            ends += delta.getAnswersInventory() ? 1 : 0;
            frames++;
        }
        assertThat(ends)
                .as("ends of answers before what was sent behind the inventories")
                .isEqualTo(2);
        assertThat(frames).isBetween((ASSIGNED + FOUND) / Limits.ORDERS, (ASSIGNED + FOUND) / Limits.ORDERS + 3);
        assertThat(set).containsExactlyInAnyOrderElementsOf(assigned);
        assertThat(orphans).containsExactlyInAnyOrderElementsOf(found);
    }

    @Test
    void waitInTheEngineAsNamesWhileTheAgentTakesNothing() throws Exception {
        create();
        agent.forget();
        var all = Inventory.newBuilder();
        for (int bucket = 0; bucket < Digest.BUCKETS; bucket++) {
            all.addBuckets(bucket);
        }
        agent.say(AgentFrame.newBuilder().setInventory(all));
        var first = agent.next().getAssignments();
        // What changes while the answer waits is told as it is by then.
        var gone = first.getSet(0).getName();
        var late = registry.read(view -> view.units().keySet().stream()
                .filter(name -> first.getSetList().stream()
                        .noneMatch(unit -> unit.getName().equals(name)))
                .toList());
        new LocalWrites(controller, LocalWrites.AfterCommit.NOTHING)
                .destroyUnits(
                        DestroyUnitsRequest.newBuilder()
                                .setRequestId(id(1000))
                                .addNames(gone)
                                .addAllNames(late)
                                .build(),
                        Duration.ofSeconds(10))
                .get(10, TimeUnit.SECONDS);
        var removed = new HashSet<String>();
        while (removed.size() < late.size() + 1) {
            var delta = agent.next().getAssignments();
            within(delta);
            removed.addAll(delta.getRemoveList());
            assertThat(delta.getSetList())
                    .as("orders for what is no more")
                    .noneMatch(unit -> removed.contains(unit.getName()));
        }
        assertThat(removed).contains(gone).containsAll(late);
    }

    private static void within(AssignmentDelta delta) {
        assertThat(delta.getSetCount() + delta.getRemoveCount() + delta.getOrphansCount())
                .isLessThanOrEqualTo(Limits.ORDERS);
        assertThat(delta.getSerializedSize()).isLessThanOrEqualTo(Limits.ORDERS_BYTES);
    }

    /** Units with names of the longest kind, all on the one machine. */
    private Set<String> create() throws Exception {
        var names = new TreeSet<String>();
        var writes = new LocalWrites(controller, LocalWrites.AfterCommit.NOTHING);
        for (int call = 0; call < ASSIGNED / 500; call++) {
            var request = CreateUnitsRequest.newBuilder().setRequestId(id(call));
            for (int number = 500 * call; number < 500 * (call + 1); number++) {
                names.add(name("assigned", number));
                request.addUnits(NewUnit.newBuilder()
                        .setName(name("assigned", number))
                        .setText(TEXT)
                        .setTargetState(TargetState.TARGET_STATE_LAUNCHED));
            }
            writes.createUnits(request.build(), Duration.ofSeconds(10)).get(10, TimeUnit.SECONDS);
        }
        await().until(() -> registry.read(view -> view.scheduledTo(MACHINE).size()) == ASSIGNED);
        return names;
    }

    private static String name(String kind, int number) {
        var end = "-" + number + ".service";
        return kind + "x".repeat(255 - kind.length() - end.length()) + end;
    }

    private static RequestId id(int number) {
        return RequestId.newBuilder()
                .setId(ByteString.copyFrom(
                        new byte[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte) (number >> 8), (byte) number}))
                .setIssuedAtMs(System.currentTimeMillis())
                .build();
    }

    /** An agent's side of a session. */
    private final class Agent implements ClientResponseObserver<AgentFrame, EngineFrame> {
        private final List<EngineFrame> frames = new CopyOnWriteArrayList<>();
        private @Nullable ClientCallStreamObserver<AgentFrame> stream;
        private int taken;
        private int asked;

        void say(AgentFrame.Builder frame) {
            if (stream == null) {
                AgentGatewayGrpc.newStub(channel).session(this);
            }
            stream().onNext(frame.build());
        }

        private ClientCallStreamObserver<AgentFrame> stream() {
            return Objects.requireNonNull(stream);
        }

        /** The next frame, which is not asked for before. */
        EngineFrame next() {
            if (asked == taken) {
                asked++;
                stream().request(1);
            }
            await().until(() -> frames.size() > taken);
            return frames.get(taken++);
        }

        /** Takes all that there is, but for what waits for an answer to it. */
        void forget() {
            while (sessions.machines().session(MACHINE) != null && !told()) {
                next();
            }
        }

        private boolean told() {
            return frames.stream()
                            .mapToInt(frame -> frame.getAssignments().getSetCount())
                            .sum()
                    >= ASSIGNED;
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<AgentFrame> requests) {
            stream = requests;
            requests.disableAutoRequestWithInitial(0);
        }

        @Override
        public void onNext(EngineFrame frame) {
            frames.add(frame);
        }

        @Override
        public void onError(Throwable cause) {}

        @Override
        public void onCompleted() {}
    }

    /** Applies what is proposed, at once. */
    private final class Log implements Controller.Proposer {
        private long index;

        @Override
        public CompletableFuture<ApplyResult> propose(Entry entry, Duration deadline) {
            return CompletableFuture.completedFuture(registry.apply(1, ++index, entry));
        }

        @Override
        public int agreedFormat() {
            return RaftConfig.ENTRY_FORMAT;
        }
    }

    private final class Leadership implements Controller.LeadershipListener {
        @Override
        public void leading(long term) {
            sessions.begin(term);
            leading.complete(null);
        }

        @Override
        public void resigned(long term) {
            sessions.end();
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
