package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.raftfleet.engine.schedule.Scheduler;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.MachineMarked;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.UnitCreated;
import io.raftfleet.proto.log.UnitScheduled;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.state.Registry;
import io.raftfleet.state.Versions;
import io.raftfleet.unit.UnitFile;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class DrainPaceTest {
    private static final int UNITS = 3_000;
    private static final UnitFile FILE = UnitFile.stored("[Service]\nExecStart=/bin/true\n");

    /** By what it allocates, which hangs on no clock. */
    @Test
    void whatTakingDrainsOverCostsDoesNotGrowWithUnitsTimesMachines() {
        var one = underWay(1);
        var many = underWay(200);
        long warm = allocated(one); // What happens the first time only.
        assertThat(warm).isPositive();
        assertThat(allocated(many)).isLessThan(2 * allocated(one));
    }

    @Test
    void whatMayHaveLeftAnyOfThemCountsForEachOfThemUntilItHasArrived() {
        var taken = new Scheduler();
        underWay(3).read(view -> {
            DrainPace.resume(view, taken);
            return 0;
        });
        assertThat(taken.drains().underWay()).hasSize(UNITS);
        assertThat(taken.drains().isEmpty(machine(2))).isFalse();
        taken.drains().arrived(taken.drains().underWay());
        assertThat(taken.drains().isEmpty(machine(2))).isTrue();
        assertThat(taken.drains().isIdle()).isTrue();
    }

    private static long allocated(Registry registry) {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return registry.<Long>read(view -> {
            var fresh = new Scheduler();
            long before = threads.getCurrentThreadAllocatedBytes();
            DrainPace.resume(view, fresh);
            return threads.getCurrentThreadAllocatedBytes() - before;
        });
    }

    /** So many machines are being drained, and all units have been moved to another one since, where none is up. */
    private static Registry underWay(int machines) {
        var registry = new Registry(1);
        apply(registry, 1, Stream.iterate(0, i -> i + 1).limit(machines + 1L).map(DrainPaceTest::opened));
        apply(registry, 2, Stream.iterate(1, i -> i + 1).limit(machines).map(DrainPaceTest::draining));
        apply(
                registry,
                3,
                Stream.concat(
                        Stream.of(Record.newBuilder()
                                .setContentsStored(ContentsStored.newBuilder()
                                        .setContents(UnitContents.newBuilder()
                                                .setHash(FILE.hash().toByteString())
                                                .setText(FILE.text())))
                                .build()),
                        Stream.iterate(0, i -> i + 1).limit(UNITS).flatMap(DrainPaceTest::placed)));
        return registry;
    }

    private static Record opened(int number) {
        return Record.newBuilder()
                .setSessionOpened(
                        SessionOpened.newBuilder().setMachineId(machine(number)).setSessionEpoch(1))
                .build();
    }

    private static Record draining(int number) {
        return Record.newBuilder()
                .setMachineMarked(MachineMarked.newBuilder()
                        .setMachineId(machine(number))
                        .setKind(MachineMarkKind.MACHINE_MARK_KIND_DRAINING)
                        .setMaxParallel(1))
                .build();
    }

    private static Stream<Record> placed(int number) {
        var name = "u" + number + ".service";
        return Stream.of(
                Record.newBuilder()
                        .setUnitCreated(UnitCreated.newBuilder()
                                .setName(name)
                                .setHash(FILE.hash().toByteString())
                                .setTargetState(TargetState.TARGET_STATE_LAUNCHED))
                        .build(),
                Record.newBuilder()
                        .setUnitScheduled(UnitScheduled.newBuilder()
                                .setName(name)
                                .setVersion(Versions.IN_THIS_ENTRY)
                                .setMachineId(machine(0)))
                        .build());
    }

    private static void apply(Registry registry, long index, Stream<Record> records) {
        var result = registry.apply(
                1, index, Entry.newBuilder().addAllRecords(records.toList()).build());
        assertThat(result.dropped()).containsOnlyNulls();
    }

    private static String machine(int number) {
        return String.format(Locale.ROOT, "%032x", number);
    }
}
