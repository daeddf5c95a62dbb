package io.raftfleet.bench;

import com.google.protobuf.ByteString;
import io.raftfleet.engine.control.Controller;
import io.raftfleet.engine.control.DecisionMetrics;
import io.raftfleet.engine.control.LocalWrites;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.state.Registry;
import io.raftfleet.state.raft.RaftConfig;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What it costs a leader to decide starts: the decision thread with its scheduler and registry, over a log in this process that
 * applies at once. Tells the processor time that deciding takes a start, and beside it that of applying the same entries, once a
 * round, in a registry that is empty but for its machines.
 */
@Command(name = "decisions", mixinStandardHelpOptions = true, description = "Cost of deciding starts.")
public final class Decisions implements Callable<Integer> {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final int ITEMS = 250;

    @Option(names = "--starts", split = ",", description = "Units to start in a round (${DEFAULT-VALUE}).")
    List<Integer> starts = List.of(3_000, 20_000);

    @Option(names = "--machines", description = "Machines (${DEFAULT-VALUE}).")
    int machines = 100;

    @Option(names = "--rounds", description = "Rounds of each number of starts (${DEFAULT-VALUE}).")
    int rounds = 10;

    private Decisions() {}

    /** Runs it. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new Decisions()).execute(args));
    }

    @Override
    public Integer call() throws Exception {
        for (int round = 1; round <= rounds; round++) {
            for (int units : starts) {
                var took = round(units);
                System.out.printf(
                        Locale.ROOT,
                        "round %d, %d starts: deciding %.2f us a start, applying %.2f us%n",
                        round,
                        units,
                        took.deciding() / 1e3 / units,
                        took.applying() / 1e3 / units);
            }
        }
        return 0;
    }

    /** Nanoseconds of processor time. */
    private record Took(long deciding, long applying) {}

    private Took round(int units) throws Exception {
        var registry = new Registry(1000);
        var log = new Log(registry);
        var placed = new Placed(units);
        var leads = new CompletableFuture<Void>();
        var listener = new Controller.LeadershipListener() {
            @Override
            public void leading(long term) {
                leads.complete(null);
            }

            @Override
            public void resigned(long term) {
                // The round is over.
            }
        };
        try (var replies = Executors.newVirtualThreadPerTaskExecutor();
                var controller = new Controller(
                        new Controller.Inputs("e1", registry, log, InstantSource.system(), new Random(1)),
                        listener,
                        placed,
                        replies)) {
            controller.start();
            controller.leaderStarted(1);
            leads.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            for (int i = 0; i < machines; i++) {
                var unused = controller
                        .openSession(SessionOpened.newBuilder()
                                .setMachineId(String.format(Locale.ROOT, "%032x", i * 0x9E3779B97F4A7C15L))
                                .putAllMetadata(Map.of("disk", i % 2 == 0 ? "ssd" : "hdd"))
                                .build())
                        .get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            }
            long applied = log.applying.get();
            long before = log.used();
            var writes = new LocalWrites(controller, LocalWrites.AfterCommit.NOTHING);
            var answers = new ArrayList<CompletableFuture<WriteResponse>>();
            for (int from = 0; from < units; from += ITEMS) {
                answers.add(writes.createUnits(request(from, Math.min(units, from + ITEMS)), PATIENCE));
            }
            for (var reply : answers) {
                var unused = reply.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            }
            if (!placed.done.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IllegalStateException(placed.left.get() + " units were not placed within " + PATIENCE);
            }
            long applying = log.applying.get() - applied;
            return new Took(log.used() - before - applying, applying);
        }
    }

    private static CreateUnitsRequest request(int from, int to) {
        var request = CreateUnitsRequest.newBuilder()
                .setRequestId(RequestId.newBuilder()
                        .setId(ByteString.copyFrom(
                                ByteBuffer.allocate(16).putInt(0, from).array()))
                        .setIssuedAtMs(System.currentTimeMillis()));
        for (int i = from; i < to; i++) {
            request.addUnits(NewUnit.newBuilder()
                    .setName("unit" + i + ".service")
                    .setText("[Service]\nExecStart=/bin/sleep 1000\n"
                            + (i % 2 == 0 ? "" : "\n[X-Fleet]\nMachineMetadata=disk=ssd\n"))
                    .setTargetState(TargetState.TARGET_STATE_LAUNCHED));
        }
        return request.build();
    }

    /** Applies what is proposed at once, on the thread that decides. Written by that thread, read once it waits. */
    private static final class Log implements Controller.Proposer {
        private final Registry registry;
        private long index;
        final AtomicLong applying = new AtomicLong();
        private volatile long decisionThread;

        Log(Registry registry) {
            this.registry = registry;
        }

        @Override
        public CompletableFuture<ApplyResult> propose(Entry entry, Duration deadline) {
            decisionThread = Thread.currentThread().threadId();
            long before = used();
            var result = registry.apply(1, ++index, entry);
            applying.addAndGet(used() - before);
            return CompletableFuture.completedFuture(result);
        }

        @Override
        public int agreedFormat() {
            return RaftConfig.ENTRY_FORMAT;
        }

        /** Processor time of the thread that decides. */
        long used() {
            return ManagementFactory.getThreadMXBean().getThreadCpuTime(decisionThread);
        }
    }

    /** Counts down what is to be placed. */
    private static final class Placed implements DecisionMetrics {
        final AtomicInteger left;
        final CountDownLatch done = new CountDownLatch(1);

        Placed(int units) {
            left = new AtomicInteger(units);
        }

        @Override
        public void leading() {
            // Waited for elsewhere.
        }

        @Override
        public void decided(int scheduled, int unscheduled, Duration took) {
            if (left.addAndGet(-scheduled) <= 0) {
                done.countDown();
            }
        }

        @Override
        public void failed(int scheduled, int unscheduled) {
            // Placed again.
        }
    }
}
