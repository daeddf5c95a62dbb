package io.raftfleet.bench.hot;

import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.log.UnitCreated;
import io.raftfleet.proto.log.UnitScheduled;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.UnitHash;
import java.util.ArrayList;
import java.util.List;
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
 * The time to apply a reported state, and to digest one, in a registry that holds a given number of units, a hundred to an entry of the log. It
 * has to be flat in that number.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
        value = 1,
        jvmArgsAppend = {"-XX:+UseG1GC", "-Xmx2g"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ApplyBenchmark {
    private static final String MACHINE = "00000000000000000000000000000001";
    private static final String TEXT = "[Service]\nExecStart=/bin/sleep infinity\n";
    private static final int REPORT = 100;
    private static final long AS_BEFORE = -1;

    /** Units that the registry holds. */
    @Param({"3000", "100000", "1000000"})
    public int units;

    private final UnitHash hash = UnitHash.ofText(TEXT);
    private final Registry registry = new Registry(10_000);
    private final Digest digest = new Digest();
    private List<UnitState> running = List.of();
    private long index;
    private long sequence;
    private int next;

    /** Fills the registry: all units on one machine, none reported. */
    @Setup(Level.Trial)
    public void fill() {
        apply(List.of(
                Record.newBuilder()
                        .setClusterCreated(ClusterCreated.newBuilder().setIncarnation(1))
                        .build(),
                Record.newBuilder()
                        .setSessionOpened(
                                SessionOpened.newBuilder().setMachineId(MACHINE).setSessionEpoch(1))
                        .build(),
                Record.newBuilder()
                        .setContentsStored(ContentsStored.newBuilder()
                                .setContents(UnitContents.newBuilder()
                                        .setHash(hash.toByteString())
                                        .setText(TEXT)))
                        .build()));
        for (int from = 0; from < units; from += REPORT) {
            var records = new ArrayList<Record>();
            for (int i = from; i < Math.min(units, from + REPORT); i++) {
                records.add(Record.newBuilder()
                        .setUnitCreated(UnitCreated.newBuilder()
                                .setName(name(i))
                                .setHash(hash.toByteString())
                                .setTargetState(TargetState.TARGET_STATE_LAUNCHED))
                        .build());
                records.add(Record.newBuilder()
                        .setUnitScheduled(UnitScheduled.newBuilder()
                                .setName(name(i))
                                .setVersion(AS_BEFORE)
                                .setMachineId(MACHINE))
                        .build());
            }
            apply(records);
        }
        var states = new ArrayList<UnitState>();
        for (int i = 0; i < REPORT; i++) {
            states.add(state(i, "active", "running"));
        }
        running = List.copyOf(states);
    }

    /** Applies a report of {@value #REPORT} units, each another time in another state. */
    @Benchmark
    @OperationsPerInvocation(REPORT)
    public Object applyReport() {
        var report = StatesReported.newBuilder()
                .setMachineId(MACHINE)
                .setSessionEpoch(1)
                .setSequence(++sequence);
        var active = sequence / (units / REPORT) % 2 == 0 ? "active" : "inactive";
        for (int i = 0; i < REPORT; i++) {
            report.addStates(state(next, active, "dead"));
            next = (next + 1) % units;
        }
        return apply(List.of(Record.newBuilder().setStatesReported(report).build()));
    }

    /** Digests a state, and adds it to a machine's digest. */
    @Benchmark
    @OperationsPerInvocation(REPORT)
    public long digestStates() {
        for (var state : running) {
            digest.add(state.getName(), Digest.of(state));
        }
        return digest.whole();
    }

    private Object apply(List<Record> records) {
        index++;
        return registry.apply(
                1,
                index,
                Entry.newBuilder()
                        .setFormat(EntryFormats.WITH_EVENTS)
                        .setLeaderTimeMs(index)
                        .addAllRecords(records)
                        .build());
    }

    private UnitState state(int unit, String active, String sub) {
        return UnitState.newBuilder()
                .setName(name(unit))
                .setHash(hash.toByteString())
                .setLoadState("loaded")
                .setActiveState(active)
                .setSubState(sub)
                .build();
    }

    private static String name(int unit) {
        return "unit-" + unit + ".service";
    }
}
