package io.raftfleet.bench;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.sun.management.GarbageCollectionNotificationInfo;
import io.raftfleet.engine.schedule.Scheduler;
import io.raftfleet.engine.schedule.Upkeep;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.log.UnitCreated;
import io.raftfleet.proto.log.UnitFacts;
import io.raftfleet.proto.log.UnitScheduled;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.Registry;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.state.raft.RaftConfig;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitHash;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.management.NotificationEmitter;
import javax.management.openmbean.CompositeData;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How long an engine's Java machine stands still for its collector: a registry with its scheduler of so many units, to which states are
 * reported at a fixed rate, and whose changed rows are turned into bytes from time to time, as for a checkpoint. Tells the pauses that
 * the collector itself owns to, and what a thread that wakes every millisecond missed besides: with an idle machine below, the two
 * agree. Heap and collector are those that it is started with.
 */
@Command(
        name = "pauses",
        mixinStandardHelpOptions = true,
        description = "Pauses of the collector with many units, at a fixed rate of reports.")
public final class Pauses implements Callable<Integer> {
    private static final String TEXT = "[Service]\nExecStart=/bin/sleep 1000\n";
    /** States in a report. */
    private static final int REPORT = 50;

    private static final int CREATED_AN_ENTRY = 2_000;

    @Option(names = "--units", description = "Units (${DEFAULT-VALUE}).")
    int units = 1_000_000;

    @Option(names = "--machines", description = "Machines (${DEFAULT-VALUE}).")
    int machines = 1_000;

    @Option(names = "--rate", description = "States reported a second (${DEFAULT-VALUE}).")
    int rate = 5_000;

    @Option(names = "--seconds", description = "How long (${DEFAULT-VALUE}).")
    int seconds = 60;

    @Option(names = "--checkpoint", description = "Seconds from one checkpoint to the next (${DEFAULT-VALUE}).")
    int checkpoint = 10;

    private final Registry registry = new Registry(20_000);
    private final Scheduler scheduler = new Scheduler();
    private final UnitHash hash = UnitHash.ofText(TEXT);
    private final Collections collections = new Collections();
    private long index;
    private long[] sequences = {};

    private Pauses() {}

    /** Runs it. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new Pauses()).execute(args));
    }

    @Override
    public Integer call() throws Exception {
        collections.listen();
        sequences = new long[machines];
        long began = System.nanoTime();
        fill();
        say(
                "%d units are there after %.1f s; while they came: %s",
                units, (System.nanoTime() - began) / 1e9, collections.take());
        var stalls = new Stalls();
        var watch = Thread.ofPlatform().daemon().name("stalls").start(stalls);
        var entries = report();
        stalls.end();
        watch.join();
        say("%d states a second for %d s: %s", rate, seconds, collections.take());
        say("  the machine stood still for %s", stalls.summary());
        say("  an entry took %s", Percentiles.summary(entries));
        say(
                "  heap used %d MiB of %d, of it %d by the registry as it counts",
                (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()) >> 20,
                Runtime.getRuntime().maxMemory() >> 20,
                registry.heapBytes() >> 20);
        return 0;
    }

    private void fill() {
        var records = new ArrayList<Record>();
        records.add(Record.newBuilder()
                .setClusterCreated(ClusterCreated.newBuilder().setIncarnation(1))
                .build());
        for (int i = 0; i < machines; i++) {
            records.add(Record.newBuilder()
                    .setSessionOpened(
                            SessionOpened.newBuilder().setMachineId(machine(i)).setSessionEpoch(1))
                    .build());
            scheduler.putMachine(machine(i), Map.of(), true, Upkeep.NONE);
        }
        records.add(Record.newBuilder()
                .setContentsStored(ContentsStored.newBuilder()
                        .setContents(UnitContents.newBuilder()
                                .setHash(hash.toByteString())
                                .setText(TEXT)))
                .build());
        int made = 0;
        while (made < units) {
            int from = made;
            for (; made < Math.min(units, from + CREATED_AN_ENTRY); made++) {
                records.add(Record.newBuilder()
                        .setUnitCreated(UnitCreated.newBuilder()
                                .setName(unit(made))
                                .setHash(hash.toByteString())
                                .setFacts(UnitFacts.getDefaultInstance())
                                .setTargetState(TargetState.TARGET_STATE_LAUNCHED))
                        .build());
            }
            apply(records);
            records.clear();
            for (int i = from; i < made; i++) {
                int unit = i;
                records.add(Record.newBuilder()
                        .setUnitScheduled(UnitScheduled.newBuilder()
                                .setName(unit(i))
                                .setVersion(registry.read(view -> versionOf(view.unit(unit(unit)))))
                                .setMachineId(machine(i % machines)))
                        .build());
                scheduler.putUnit(unit(i), Requirements.NONE, TargetState.TARGET_STATE_LAUNCHED, machine(i % machines));
            }
            apply(records);
            records.clear();
        }
        for (int at = 0; at < units; at += REPORT) {
            apply(List.of(report(at, "running")));
        }
        var unused = written();
    }

    private static long versionOf(@Nullable UnitRecord unit) {
        if (unit == null) {
            throw new IllegalStateException("a unit is not there");
        }
        return unit.version();
    }

    /** Nanoseconds of each entry. */
    private List<Long> report() {
        var took = new ArrayList<Long>();
        long begun = System.nanoTime();
        long between = TimeUnit.SECONDS.toNanos(1) * REPORT / rate;
        long reports = (long) seconds * rate / REPORT;
        long checkpointAt = begun + TimeUnit.SECONDS.toNanos(checkpoint);
        int at = 0;
        for (long i = 0; i < reports; i++) {
            while (System.nanoTime() < begun + i * between) {
                LockSupport.parkNanos(begun + i * between - System.nanoTime());
            }
            long before = System.nanoTime();
            apply(List.of(report(at, i * REPORT / units % 2 == 0 ? "exited" : "running")));
            took.add(System.nanoTime() - before);
            at = (at + REPORT) % units;
            if (System.nanoTime() >= checkpointAt) {
                checkpointAt += TimeUnit.SECONDS.toNanos(checkpoint);
                Thread.ofPlatform().name("checkpoint").start(this::written);
            }
        }
        return took;
    }

    /** Bytes of the rows that changed. */
    private long written() {
        long bytes = 0;
        for (var row : registry.capture().rows()) {
            var value = row.value();
            bytes += row.key().size() + (value == null ? 0 : value.size());
        }
        return bytes;
    }

    /** The states of the next units that one machine has; {@code at} counts through the machines. */
    private Record report(int at, String sub) {
        int machine = at / REPORT % machines;
        int first = at / REPORT / machines * REPORT;
        var report = StatesReported.newBuilder()
                .setMachineId(machine(machine))
                .setSessionEpoch(1)
                .setSequence(++sequences[machine]);
        for (int i = first; i < first + REPORT && (long) i * machines + machine < units; i++) {
            report.addStates(UnitState.newBuilder()
                    .setName(unit(i * machines + machine))
                    .setHash(hash.toByteString())
                    .setLoadState("loaded")
                    .setActiveState("active")
                    .setSubState(sub)
                    .setLaunched(true));
        }
        return Record.newBuilder().setStatesReported(report).build();
    }

    private void apply(List<Record> records) {
        var unused = registry.apply(
                1,
                ++index,
                Entry.newBuilder()
                        .setFormat(RaftConfig.ENTRY_FORMAT)
                        .setLeaderTimeMs(index)
                        .addAllRecords(records)
                        .build());
    }

    private static String unit(int i) {
        return "unit" + i + ".service";
    }

    private static String machine(int i) {
        return String.format(Locale.ROOT, "%032x", i * 0x9E3779B97F4A7C15L);
    }

    private static void say(String format, Object... args) {
        System.out.printf(Locale.ROOT, format + "%n", args);
    }

    /** What the collector says of itself. Its lock guards what was heard since it was last asked. */
    private static final class Collections {
        @GuardedBy("this")
        private final Map<String, List<Long>> millis = new TreeMap<>();

        void listen() {
            for (var collector : ManagementFactory.getGarbageCollectorMXBeans()) {
                ((NotificationEmitter) collector)
                        .addNotificationListener(
                                (notification, handback) -> {
                                    if (notification.getUserData() instanceof CompositeData data) {
                                        heard(GarbageCollectionNotificationInfo.from(data));
                                    }
                                },
                                null,
                                null);
            }
        }

        private synchronized void heard(GarbageCollectionNotificationInfo info) {
            millis.computeIfAbsent(info.getGcName(), name -> new ArrayList<>())
                    .add(info.getGcInfo().getDuration());
        }

        synchronized String take() {
            var all = new ArrayList<String>();
            millis.forEach((name, durations) -> all.add("%s %d times, longest %d ms"
                    .formatted(
                            name,
                            durations.size(),
                            durations.stream().mapToLong(Long::longValue).max().orElse(0))));
            millis.clear();
            return all.isEmpty() ? "nothing was collected" : String.join("; ", all);
        }
    }

    /** What a thread that sleeps for a millisecond at a time misses. Read once it has ended. */
    private static final class Stalls implements Runnable {
        private static final long TICK = TimeUnit.MILLISECONDS.toNanos(1);
        private static final int BINS = 10_000;

        private final long[] byMillis = new long[BINS];
        private volatile boolean ended;

        @Override
        public void run() {
            while (!ended) {
                long before = System.nanoTime();
                LockSupport.parkNanos(TICK);
                long late = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - before - TICK);
                byMillis[Math.clamp(late, 0, BINS - 1)]++;
            }
        }

        void end() {
            ended = true;
        }

        String summary() {
            int longest = BINS - 1;
            while (longest > 0 && byMillis[longest] == 0) {
                longest--;
            }
            return "%d ms at most, %d times for more than 20 ms, %d for more than 50 ms"
                    .formatted(longest, over(20), over(50));
        }

        private long over(int millis) {
            return Arrays.stream(byMillis, millis + 1, BINS).sum();
        }
    }
}
