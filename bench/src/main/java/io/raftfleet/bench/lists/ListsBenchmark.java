package io.raftfleet.bench.lists;

import io.raftfleet.engine.server.Reads;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
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
import io.raftfleet.unit.UnitHash;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The time to answer a list whose filter admits one unit, or a hundred, from a registry of a given number of units, each with a
 * state of one of 1,000 machines, without the confirmation of the read index. It has to be flat in that number.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(
        value = 1,
        jvmArgsAppend = {"-XX:+UseSerialGC", "-Xmx3g"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ListsBenchmark {
    private static final Duration DEADLINE = Duration.ofSeconds(30);
    private static final String TEXT = "[Service]\nExecStart=/bin/true\n";
    private static final int MACHINES = 1_000;
    private static final int UNITS_AN_ENTRY = 10_000;

    /** Units in the registry. */
    @Param({"3000", "1000000"})
    public int units;

    private final Registry registry = new Registry(10);
    private final Reads reads = new Reads(
            registry,
            deadline -> CompletableFuture.completedFuture(1L),
            waiting -> CompletableFuture.completedFuture(Map.of()),
            Runnable::run);
    private int next;

    /** Fills the registry. */
    @Setup(Level.Trial)
    public void fill() {
        var entry = Entry.newBuilder()
                .setFormat(3)
                .addRecords(Record.newBuilder()
                        .setClusterCreated(ClusterCreated.newBuilder().setIncarnation(1)));
        for (int i = 0; i < MACHINES; i++) {
            entry.addRecords(Record.newBuilder()
                    .setSessionOpened(
                            SessionOpened.newBuilder().setMachineId(machine(i)).setSessionEpoch(1)));
        }
        entry.addRecords(Record.newBuilder()
                .setContentsStored(ContentsStored.newBuilder()
                        .setContents(UnitContents.newBuilder()
                                .setHash(UnitHash.ofText(TEXT).toByteString())
                                .setText(TEXT))));
        long index = 1;
        for (int i = 0; i < units; i++) {
            entry.addRecords(Record.newBuilder()
                            .setUnitCreated(UnitCreated.newBuilder()
                                    .setName(name(i))
                                    .setHash(UnitHash.ofText(TEXT).toByteString())
                                    .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                                    .setFacts(UnitFacts.getDefaultInstance())))
                    .addRecords(Record.newBuilder()
                            .setUnitScheduled(UnitScheduled.newBuilder()
                                    .setName(name(i))
                                    .setVersion(-1)
                                    .setMachineId(machine(i % MACHINES))))
                    .addRecords(Record.newBuilder()
                            .setStatesReported(StatesReported.newBuilder()
                                    .setMachineId(machine(i % MACHINES))
                                    .setSessionEpoch(1)
                                    .setSequence(1 + i / MACHINES)
                                    .addStates(UnitState.newBuilder()
                                            .setName(name(i))
                                            .setLoadState("loaded")
                                            .setActiveState("active")
                                            .setSubState("running"))));
            if (entry.getRecordsCount() >= UNITS_AN_ENTRY || i == units - 1) {
                registry.apply(1, index++, entry.build());
                entry = Entry.newBuilder().setFormat(3);
            }
        }
    }

    /** The unit with a name. */
    @Benchmark
    public int unitByName() {
        return one(reads.listUnits(
                        ListUnitsRequest.newBuilder().addNames(name(next())).build(), DEADLINE)
                .join()
                .getUnitsCount());
    }

    /** The state of a unit: {@code GET /fleet/v1/state?unitName=NAME}. */
    @Benchmark
    public int stateByName() {
        return one(states(ListUnitStatesRequest.newBuilder().addNames(name(next()))));
    }

    /** The state of a unit on a machine. */
    @Benchmark
    public int stateByNameAndMachine() {
        int unit = next();
        return one(
                states(ListUnitStatesRequest.newBuilder().addNames(name(unit)).setMachineId(machine(unit % MACHINES))));
    }

    /** States of a glob that begins as ten units do. */
    @Benchmark
    public int statesByGlob() {
        var name = name(next());
        return states(ListUnitStatesRequest.newBuilder().addNames(name.substring(0, name.indexOf('.') - 1) + "*"));
    }

    /** The first three states of a machine. */
    @Benchmark
    public int statesByMachine() {
        var request = ListUnitStatesRequest.newBuilder().setMachineId(machine(next() % MACHINES));
        request.getPageBuilder().setSize(3);
        return states(request);
    }

    /** Units that wait for a machine: none. */
    @Benchmark
    public List<?> unplacedUnits() {
        return reads.listUnits(
                        ListUnitsRequest.newBuilder().setUnplacedOnly(true).build(), DEADLINE)
                .join()
                .getUnitsList();
    }

    private int states(ListUnitStatesRequest.Builder request) {
        int found = reads.listUnitStates(request.build(), DEADLINE).join().getStatesCount();
        if (found == 0) {
            throw new IllegalStateException("no state found by " + request);
        }
        return found;
    }

    private static int one(int found) {
        if (found != 1) {
            throw new IllegalStateException(found + " rows, not one");
        }
        return found;
    }

    /** Another unit than before, of 500 spread over all, so that the processor's caches are as warm at every size. */
    private int next() {
        next = (next + 1) % 500;
        return next * (units / 500);
    }

    private static String name(int i) {
        return String.format(Locale.ROOT, "unit%07d.service", i);
    }

    private static String machine(int i) {
        return String.format(Locale.ROOT, "%032x", i * 0x9E3779B97F4A7C15L);
    }
}
