package io.raftfleet.bench.schedule;

import io.raftfleet.engine.schedule.Decision;
import io.raftfleet.engine.schedule.Scheduler;
import io.raftfleet.engine.schedule.Upkeep;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The time to take in a new unit, place it, and drop another, in a cluster of 5,000 machines that holds a given number
 * of units of the same kind. It has to be flat in that number. The units that come and go are the same few at every
 * size, so that the caches are as warm for them as for units that a caller has just sent.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = "-XX:+UseSerialGC")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class SchedulerBenchmark {
    /** What the units of a cluster ask for. */
    public enum Kind {
        /** Nothing. */
        UNCONSTRAINED,
        /** One of 20 combinations of disk and zone, with 250 machines each. */
        METADATA,
        /** Chains of {@value #GROUP} units, each following the one before, submitted from the end. */
        CHAINED,
        /** Applications of {@value #GROUP} instances that a glob of each application keeps apart. */
        CONFLICTING
    }

    private static final int MACHINES = 5_000;
    private static final int GROUP = 10;
    private static final int ZONES = 10;

    /** Units that come and go: half of them are in the cluster at any time. */
    private static final int COMING_AND_GOING = 2_000;

    /** Units that the cluster holds. */
    @Param({"3000", "20000", "100000"})
    public int units;

    /** What they ask for. */
    @Param
    public Kind kind = Kind.UNCONSTRAINED;

    private final Scheduler scheduler = new Scheduler();
    private String[] names = {};
    private Requirements[] requirements = {};
    private int oldest;

    /** Fills the cluster: units that stay, then half of those that come and go. */
    @Setup(Level.Trial)
    public void fill() throws InvalidUnitException {
        for (int i = 0; i < MACHINES; i++) {
            Map<String, String> metadata = Map.of("disk", disk(i / ZONES), "zone", "z" + i % ZONES, "host", "h" + i);
            scheduler.putMachine(String.format("%032x", i * 0x9E3779B97F4A7C15L), metadata, true, Upkeep.NONE);
        }
        names = new String[units + COMING_AND_GOING / 2];
        requirements = new Requirements[names.length];
        for (int i = 0; i < names.length; i++) {
            names[i] = name(i);
            requirements[i] = Requirements.of(names[i], UnitFile.parse(file(i)));
        }
        for (int i = 0; i < units; i += GROUP) {
            place(i);
        }
        oldest = units - COMING_AND_GOING / 2;
    }

    /** Places {@value #GROUP} new units, and drops the {@value #GROUP} that came longest ago. */
    @Benchmark
    @OperationsPerInvocation(GROUP)
    public int placeAndDrop() {
        int first = names.length - COMING_AND_GOING;
        int next = first + (oldest - first + COMING_AND_GOING / 2) % COMING_AND_GOING;
        int placed = place(next);
        for (int i = GROUP - 1; i >= 0; i--) {
            scheduler.removeUnit(names[oldest + i]);
        }
        oldest = first + (oldest - first + GROUP) % COMING_AND_GOING;
        return placed;
    }

    private int place(int from) {
        for (int i = from + GROUP - 1; i >= from; i--) {
            scheduler.putUnit(names[i], requirements[i], TargetState.TARGET_STATE_LAUNCHED, null);
        }
        int placed = 0;
        while (scheduler.hasWork()) {
            List<Decision> decisions = scheduler.decide(GROUP);
            placed += decisions.size();
        }
        if (placed != GROUP) {
            throw new IllegalStateException("placed " + placed + " of " + GROUP + " units from " + names[from] + " on");
        }
        return placed;
    }

    private static String name(int i) {
        return "app" + i / GROUP + "@" + i % GROUP + ".service";
    }

    private String file(int i) {
        String requirement = switch (kind) {
            case UNCONSTRAINED -> "";
            case METADATA ->
                "[X-Fleet]\nMachineMetadata=disk=" + disk(i) + "\nMachineMetadata=zone=z" + i / 2 % ZONES + "\n";
            case CHAINED -> i % GROUP == 0 ? "" : "[X-Fleet]\nMachineOf=" + name(i - 1) + "\n";
            case CONFLICTING -> "[X-Fleet]\nConflicts=%p@*.service\n";
        };
        return "[Service]\nExecStart=/bin/true\n" + requirement;
    }

    private static String disk(int i) {
        return i % 2 == 0 ? "ssd" : "hdd";
    }
}
