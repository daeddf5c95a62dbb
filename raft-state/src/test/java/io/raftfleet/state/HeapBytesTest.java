package io.raftfleet.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.InvalidProtocolBufferException;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.TargetState;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import javax.management.ObjectName;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

/** Holds the estimates against a heap: whoever adds an index has to count it. */
class HeapBytesTest {
    private static final int UNITS = 30_000;
    private static final String MACHINE = "0123456789abcdef0123456789abcdef";

    /** A line of a class histogram: place, instances, bytes, class. */
    private static final Pattern CLASS = Pattern.compile("\\s*\\d+:\\s+\\d+\\s+(\\d+)\\s+(\\S+).*");

    private static final long SETTLED_BYTES = 20_000;
    /** Of what else there is, may come or go during a measurement. */
    private static final long REST_BYTES = 200_000;

    private static final int MOST_ATTEMPTS = 5;

    /** Keeps in use what is measured. */
    private Registry registry = new Registry(1, 1);

    private long index;

    @Test
    void smallUnitsTakeWhatIsCounted() throws Exception {
        var measured = measure(() -> {
            apply(Entries.open(MACHINE, 1, Map.of()), Entries.contents(Entries.PLAIN), unit(0));
            batches(IntStream.range(1, UNITS).mapToObj(HeapBytesTest::unit).toList());
            batches(IntStream.range(0, UNITS)
                    .mapToObj(i -> Entries.schedule(name(i), version(i), MACHINE))
                    .toList());
            batches(IntStream.range(0, UNITS)
                    .mapToObj(i -> Entries.report(MACHINE, 1, i + 1, Entries.state(name(i), "active", true)))
                    .toList());
        });
        long scheduler = HeapBytes.SCHEDULER * UNITS;
        assertThat(measured.counted() - scheduler).isCloseTo(measured.taken(), Percentage.withPercentage(15));
    }

    @Test
    void largeContentsTakeWhatIsCounted() throws Exception {
        var measured = measure(() -> {
            for (int i = 0; i < 100; i++) {
                var text = "[Service]\nExecStart=/bin/true\n"
                        + ("Environment=V" + i + "=" + "x".repeat(986) + "\n").repeat(250);
                apply(Entries.contents(text), Entries.create(name(i), text, TargetState.TARGET_STATE_INACTIVE, 0));
            }
        });
        assertThat(measured.counted()).isCloseTo(measured.taken(), Percentage.withPercentage(5));
    }

    @Test
    void filesAsSubmittedAndWhoChangedUnitsTakeWhatIsCounted() throws Exception {
        var measured = measure(() -> {
            for (int i = 0; i < UNITS; i++) {
                var file = "# file number " + i + "\n" + Entries.PLAIN;
                var created = Entries.from(
                        Entries.create(name(i), Entries.PLAIN, TargetState.TARGET_STATE_INACTIVE, 0), file);
                apply(
                        Entries.contents(Entries.PLAIN),
                        Entries.source(file),
                        Entries.by(created, "user/somebody-with-a-name-" + i));
            }
        });
        long place = HeapBytes.SORTED_SELF + 24 + HeapBytes.SORTED_SELF; // on a machine, and as a fact
        long notThere =
                (HeapBytes.SCHEDULER + place + UnitStateRecord.heapBytes("unit-of-usual-length.service")) * UNITS;
        assertThat(measured.counted() - notThere).isCloseTo(measured.taken(), Percentage.withPercentage(15));
    }

    @Test
    void answersOfManyItemsTakeWhatIsCounted() throws Exception {
        var measured = measure(() -> {
            for (int i = 0; i < 20_000; i++) {
                apply(Entries.answered("request" + i, 0, 1, ItemCode.ITEM_CODE_OK));
            }
        });
        assertThat(measured.counted()).isCloseTo(measured.taken(), Percentage.withPercentage(20));
    }

    private static String name(int i) {
        return "unit-" + i + ".service";
    }

    private static Record unit(int i) {
        return Entries.create(name(i), Entries.PLAIN, TargetState.TARGET_STATE_LAUNCHED, 0);
    }

    private long version(int i) {
        return registry.read(view -> {
            var unit = view.unit(name(i));
            return unit == null ? 0L : unit.version();
        });
    }

    private void batches(List<Record> records) {
        for (int from = 0; from < records.size(); from += 1000) {
            apply(records.subList(from, Math.min(records.size(), from + 1000)).toArray(Record[]::new));
        }
    }

    /** As it comes out of the log: nothing is shared with what this test holds. */
    private void apply(Record... records) {
        try {
            registry.apply(1, ++index, Entry.parseFrom(Entries.entry(records).toByteString()));
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * What filling a registry takes, in bytes.
     *
     * @param taken of the heap
     * @param counted by the registry
     */
    private record Measured(long taken, long counted) {}

    /** Measures anew when something else came or went meanwhile: what tests before this one left may go late, by a timer of its own. */
    private Measured measure(Runnable filling) throws Exception {
        for (int attempt = 1; ; attempt++) {
            registry = new Registry(1, 1);
            long before = settled();
            filling.run();
            registry.capture(); // what has changed since a checkpoint is not the registry's
            long full = settled();
            long counted = registry.read(RegistryView::memory).held();
            registry = new Registry(1, 1);
            if (Math.abs(settled() - before) < REST_BYTES) {
                return new Measured(full - before, counted);
            }
            assertThat(attempt).as("nothing else fills the heap meanwhile").isLessThan(MOST_ATTEMPTS);
        }
    }

    /** {@link #live}, once nothing that tests before this one left is still going away. */
    private static long settled() throws Exception {
        var last = new AtomicLong(live());
        await().atMost(Duration.ofSeconds(60)).until(() -> {
            long now = live();
            return Math.abs(now - last.getAndSet(now)) < SETTLED_BYTES;
        });
        return last.get();
    }

    /** Bytes of all objects that are reachable. What is in use would count the collector's gaps too. */
    private static long live() throws Exception {
        var histogram = (String) ManagementFactory.getPlatformMBeanServer()
                .invoke(
                        new ObjectName("com.sun.management:type=DiagnosticCommand"),
                        "gcClassHistogram",
                        new Object[] {new String[0]},
                        new String[] {String[].class.getName()});
        return histogram
                .lines()
                .map(CLASS::matcher)
                .filter(Matcher::matches)
                .filter(line -> !line.group(2).contains("jdk.internal.vm.Filler"))
                .mapToLong(line -> Long.parseLong(line.group(1)))
                .sum();
    }
}
