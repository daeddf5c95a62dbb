package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import com.google.protobuf.ByteString;
import io.raftfleet.engine.schedule.Decision;
import io.raftfleet.engine.schedule.Scheduler;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.state.raft.RaftConfig;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * A request that comes twice, also within one entry, is decided once: what was decided behind it is what is applied, so that the
 * scheduler and the registry stay of one mind.
 */
class RepeatedRequestsTest {
    private static final Instant NOW = Instant.ofEpochSecond(1_800_000_000);
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final List<String> UNITS = List.of("a.service", "b.service", "c@1.service");
    private static final List<String> TEXTS = List.of(
            "[Service]\nExecStart=/bin/true\n",
            "[Service]\nExecStart=/bin/true\n\n[X-Fleet]\nConflicts=%p*\n",
            "[Service]\nExecStart=/bin/true\n\n[X-Fleet]\nMachineOf=a.service\n");
    private static final List<TargetState> TARGETS = List.of(
            TargetState.TARGET_STATE_INACTIVE, TargetState.TARGET_STATE_LOADED, TargetState.TARGET_STATE_LAUNCHED);

    private static final Logger LOG = (Logger) LoggerFactory.getLogger(DecisionLoop.class);

    @BeforeContainer
    static void hundredsOfLeadersSayNothing() {
        LOG.setLevel(Level.WARN);
    }

    @AfterContainer
    static void logAgain() {
        LOG.setLevel(null);
    }

    /** However many of its items fail, each for a reason of its own. */
    @Example
    void whatIsKeptOfACallForItsRetryIsShort() throws Exception {
        try (var leader = new Leader()) {
            long before = leader.registry.read(view -> view.memory()).requests();
            var names = new ArrayList<String>();
            for (int i = 0; i < 10_000; i++) {
                names.add("nowhere-" + i + ".service");
            }
            var first = leader.destroy(1, names).get(10, TimeUnit.SECONDS);
            assertThat(first.getResultsList())
                    .allSatisfy(result -> assertThat(result.getMessage()).contains("nowhere-"));
            assertThat(leader.registry.read(view -> view.memory()).requests() - before)
                    .isLessThan(16_384);
            var again = leader.destroy(1, names).get(10, TimeUnit.SECONDS);
            assertThat(again.getResultsList())
                    .extracting(ItemResult::getCode)
                    .isEqualTo(first.getResultsList().stream()
                            .map(ItemResult::getCode)
                            .toList());
            assertThat(again.getResults(0)).isEqualTo(first.getResults(0));
            assertThat(again.getResults(9_999).getMessage()).contains("is not kept");
        }
    }

    @Example
    void aUnitThatWasStoppedBetweenAStartAndItsRetryIsOnNoMachine() throws Exception {
        try (var leader = new Leader()) {
            leader.together(() -> List.of(leader.create(1, "a.service", TEXTS.getFirst(), TARGETS.getFirst())));
            var replies = leader.together(() -> List.of(
                    leader.target(2, "a.service", TargetState.TARGET_STATE_LAUNCHED),
                    leader.target(3, "a.service", TargetState.TARGET_STATE_INACTIVE),
                    leader.target(2, "a.service", TargetState.TARGET_STATE_LAUNCHED)));
            assertThat(replies.getLast().getResultsList())
                    .isEqualTo(replies.getFirst().getResultsList());
            assertThat(leader.unit("a.service").target()).isEqualTo(TargetState.TARGET_STATE_INACTIVE);
            assertThat(leader.unit("a.service").machineId()).isNull();
            leader.check();
        }
    }

    @Property(tries = 400)
    void registrySchedulerAndReplayAreOfOneMind(@ForAll long seed) throws Exception {
        var random = new SplittableRandom(seed);
        try (var leader = new Leader()) {
            var made = new ArrayList<Supplier<CompletableFuture<WriteResponse>>>();
            var answers = new HashMap<Integer, List<ItemResult>>();
            for (int round = random.nextInt(1, 6); round > 0; round--) {
                var calls = new ArrayList<Integer>();
                for (int call = random.nextInt(1, 7); call > 0; call--) {
                    if (made.isEmpty() || random.nextInt(3) > 0) {
                        made.add(request(random, leader, made.size() + 1));
                        calls.add(made.size() - 1);
                    } else {
                        calls.add(random.nextInt(Math.max(0, made.size() - 4), made.size()));
                    }
                }
                var replies = leader.together(
                        () -> calls.stream().map(call -> made.get(call).get()).toList());
                for (int i = 0; i < calls.size(); i++) {
                    var results = replies.get(i).getResultsList();
                    var before = answers.putIfAbsent(calls.get(i), results);
                    assertThat(results)
                            .as("answer to request %d", calls.get(i))
                            .isEqualTo(before == null ? results : before);
                }
                leader.check();
            }
        }
    }

    private static Supplier<CompletableFuture<WriteResponse>> request(SplittableRandom random, Leader leader, int id) {
        var name = UNITS.get(random.nextInt(UNITS.size()));
        var text = TEXTS.get(random.nextInt(TEXTS.size()));
        var target = TARGETS.get(random.nextInt(TARGETS.size()));
        return switch (random.nextInt(6)) {
            case 0, 1 -> () -> leader.create(id, name, text, target);
            case 2 -> () -> leader.destroy(id, name);
            default -> () -> leader.target(id, name, target);
        };
    }

    /** Writes that begin when an entry is full all but for the room of an answer. */
    @Example
    void answersAreNeverWrittenWithoutAnItem() {
        var registry = new Registry(100);
        var draft = new Draft(
                registry, new Scheduler(), new Budget(0, Long.MAX_VALUE), RaftConfig.ENTRY_FORMAT, new Batch());
        int room = 0;
        for (var full = new Batch(); !full.full(); full.reserve(1)) {
            room++;
        }
        var batch = new Batch();
        for (int left = room - 40; left > 0; left -= Batch.MAX_PART_BYTES) {
            batch.reserve(Math.min(left, Batch.MAX_PART_BYTES));
        }
        assertThat(batch.full()).isFalse();
        var call = new WriteCall(registry, id(1), 1, List.of((ahead, out) -> Item.OK), null);
        call.decide(batch, draft, NOW.toEpochMilli());
        var answer = batch.entry(NOW.toEpochMilli(), 1, EntryFormats.WITH_SOURCES)
                .getRecords(0)
                .getRequestAnswered();
        assertThat(answer.getResultsList()).containsExactly(Item.OK);
    }

    private static RequestId id(int number) {
        return RequestId.newBuilder()
                .setId(ByteString.copyFrom(
                        new byte[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte) (number >> 8), (byte) number}))
                .setIssuedAtMs(NOW.toEpochMilli())
                .build();
    }

    /** A leader of two machines. */
    private static final class Leader implements AutoCloseable {
        private final Registry registry = new Registry(100);
        private final MemoryLog log = new MemoryLog(registry);
        private final CompletableFuture<Void> leading = new CompletableFuture<>();
        private final Controller controller = new Controller(
                new Controller.Inputs("e1", registry, log, InstantSource.fixed(NOW), new Random(7)),
                new Leadership(),
                new NoMetrics(),
                Runnable::run);
        private final LocalWrites writes = new LocalWrites(controller, LocalWrites.AfterCommit.NOTHING);
        private final DecisionThread thread = new DecisionThread(controller);

        Leader() throws Exception {
            controller.start();
            controller.leaderStarted(1);
            leading.get(10, TimeUnit.SECONDS);
            for (var machine : List.of("m1", "m2")) {
                controller
                        .openSession(
                                SessionOpened.newBuilder().setMachineId(machine).build())
                        .get(10, TimeUnit.SECONDS);
            }
        }

        /** Calls that are decided in one entry, as far as they can be. */
        List<WriteResponse> together(Supplier<List<CompletableFuture<WriteResponse>>> calls) throws Exception {
            List<CompletableFuture<WriteResponse>> replies;
            thread.hold();
            try {
                replies = calls.get();
            } finally {
                thread.release();
            }
            var responses = new ArrayList<WriteResponse>();
            for (var reply : replies) {
                responses.add(reply.get(10, TimeUnit.SECONDS));
            }
            return responses;
        }

        CompletableFuture<WriteResponse> create(int id, String name, String text, TargetState target) {
            return writes.createUnits(
                    CreateUnitsRequest.newBuilder()
                            .setRequestId(id(id))
                            .setReplace(true)
                            .addUnits(NewUnit.newBuilder()
                                    .setName(name)
                                    .setText(text)
                                    .setTargetState(target))
                            .build(),
                    LIMIT);
        }

        CompletableFuture<WriteResponse> target(int id, String name, TargetState target) {
            return writes.setTargetStates(
                    SetTargetStatesRequest.newBuilder()
                            .setRequestId(id(id))
                            .addChanges(
                                    TargetStateChange.newBuilder().setName(name).setTargetState(target))
                            .build(),
                    LIMIT);
        }

        CompletableFuture<WriteResponse> destroy(int id, String name) {
            return destroy(id, List.of(name));
        }

        CompletableFuture<WriteResponse> destroy(int id, List<String> names) {
            return writes.destroyUnits(
                    DestroyUnitsRequest.newBuilder()
                            .setRequestId(id(id))
                            .addAllNames(names)
                            .build(),
                    LIMIT);
        }

        UnitRecord unit(String name) {
            return Objects.requireNonNull(registry.read(view -> view.unit(name)));
        }

        /** What is decided, what is applied, and what a replay of the log makes of it, are the same. */
        void check() throws Exception {
            // Placing may take an entry of its own; a question is answered behind it.
            var reasons = controller.explain(UNITS).get(10, TimeUnit.SECONDS);
            var replayed = new Registry(100);
            var entries = log.entries();
            for (int index = 1; index <= entries.size(); index++) {
                var result = replayed.apply(1, index, entries.get(index - 1));
                assertThat(result.dropped()).as("dropped of entry %d", index).allMatch(Objects::isNull);
            }
            assertThat(replayed.digest()).isEqualTo(registry.digest());
            for (var unit : registry.read(view -> List.copyOf(view.units().values()))) {
                assertThat(unit.wanted() || unit.machineId() == null)
                        .as("%s is on a machine only if it is wanted", unit)
                        .isTrue();
            }
            var fresh = registry.read(Draft::scheduler);
            assertThat(fresh.decide(100))
                    .as("a new leader has nothing to decide")
                    .isEmpty();
            for (var name : UNITS) {
                assertThat(reasons.getOrDefault(name, List.of())).isEqualTo(fresh.explain(name));
            }
            assertThat(probed()).as("machine of one more unit").isEqualTo(next(fresh));
        }

        private int probes = 1 << 15;

        /** Where the leader puts a unit that any machine will do for, which tells of the load that it has in mind. */
        private @Nullable String probed() throws Exception {
            create(++probes, "probe.service", TEXTS.getFirst(), TargetState.TARGET_STATE_LOADED)
                    .get(10, TimeUnit.SECONDS);
            var machine = unit("probe.service").machineId();
            destroy(++probes, "probe.service").get(10, TimeUnit.SECONDS);
            return machine;
        }

        private static String next(Scheduler scheduler) throws InvalidUnitException {
            var file = UnitFile.parse(TEXTS.getFirst());
            scheduler.putUnit(
                    "probe.service", Requirements.of("probe.service", file), TargetState.TARGET_STATE_LOADED, null);
            return ((Decision.Schedule) scheduler.decide(1).getFirst()).machineId();
        }

        @Override
        public void close() {
            thread.release();
            controller.close();
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
}
