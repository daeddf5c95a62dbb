package io.raftfleet.bench;

import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Counts elections in a cluster that has no fault but too little CPU: threads of this process keep all cores busy beside it, and
 * writers that never pause. Each rise of the term is an election for nothing. Starts a cluster of its own.
 */
@Command(
        name = "false-elections",
        mixinStandardHelpOptions = true,
        description = "How often a healthy leader is replaced on a busy machine.")
public final class FalseElections implements Callable<Integer> {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Duration ANSWER = Duration.ofSeconds(10);

    @Option(names = "--minutes", description = "How long (${DEFAULT-VALUE}).")
    int minutes = 10;

    @Option(names = "--busy", description = "Threads that do nothing but use CPU (${DEFAULT-VALUE}).")
    int busy = 2 * Runtime.getRuntime().availableProcessors();

    @Option(
            names = "--election",
            split = "-",
            paramLabel = "MIN-MAX",
            defaultValue = "500-1000",
            description = "Election timeout in milliseconds (${DEFAULT-VALUE}, as an engine has it by itself).")
    List<Integer> election = List.of();

    public static void main(String[] args) {
        System.exit(new CommandLine(new FalseElections()).execute(args));
    }

    @Override
    public Integer call() throws InterruptedException {
        var options = ClusterOptions.of("false-elections")
                .withElection(Duration.ofMillis(election.getFirst()), Duration.ofMillis(election.getLast()))
                .with(AgentSpec.hollow("hollow", 4));
        try (var cluster = Cluster.start(options)) {
            long before = term(cluster);
            long began = System.nanoTime();
            var clients = cluster.engines().stream().map(cluster::client).toList();
            try (var traffic = new WriteGaps(clients);
                    var spinning = new Spinning()) {
                spinning.begin(busy);
                for (int minute = 1; minute <= minutes; minute++) {
                    TimeUnit.NANOSECONDS.sleep(began + TimeUnit.MINUTES.toNanos(minute) - System.nanoTime());
                    System.out.printf(
                            "%d minutes, %d busy threads on %d processors, timeout %d-%d ms: %d elections; longest gap between writes %d ms, writes failed %d%n",
                            minute,
                            busy,
                            Runtime.getRuntime().availableProcessors(),
                            election.getFirst(),
                            election.getLast(),
                            term(cluster) - before,
                            TimeUnit.NANOSECONDS.toMillis(traffic.longest()),
                            traffic.failures().size());
                }
            }
        }
        return 0;
    }

    private static long term(Cluster cluster) {
        return cluster.awaitLeader(LIMIT).status(ANSWER).getTerm();
    }

    /** Threads that use all the CPU they get. */
    private static final class Spinning implements AutoCloseable {
        private final AtomicBoolean end = new AtomicBoolean();
        private final List<Thread> threads = new ArrayList<>();

        void begin(int count) {
            for (int i = 0; i < count; i++) {
                threads.add(Thread.ofPlatform().daemon().name("busy-" + i).start(() -> {
                    while (!end.get()) {
                        Thread.onSpinWait();
                    }
                }));
            }
        }

        @Override
        public void close() {
            end.set(true);
        }
    }
}
