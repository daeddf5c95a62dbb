package io.raftfleet.state;

import static io.raftfleet.state.Entries.OTHER;
import static io.raftfleet.state.Entries.PLAIN;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.state.raft.ReplicatedState.Row;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitHash;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.jspecify.annotations.Nullable;

/** What holds for every history: engines agree and tell the same, checkpoints lose nothing, no table forgets another. */
class RegistryPropertiesTest {
    /** Four have the same hash code: a hash table has them in the order in which they came. */
    private static final List<String> UNITS = List.of(
            "a.service", "g.service", "c@.service", "AaAa.service", "AaBB.service", "BBAa.service", "BBBB.service");

    private static final List<String> MACHINES = List.of("m1", "m2", "m3");
    private static final TargetState[] TARGETS = {
        TargetState.TARGET_STATE_INACTIVE, TargetState.TARGET_STATE_LOADED, TargetState.TARGET_STATE_LAUNCHED
    };

    private static final MachineMarkKind[] MARKS = {
        MachineMarkKind.MACHINE_MARK_KIND_UNSPECIFIED,
        MachineMarkKind.MACHINE_MARK_KIND_CORDONED,
        MachineMarkKind.MACHINE_MARK_KIND_DRAINING,
        MachineMarkKind.MACHINE_MARK_KIND_DRAINING,
        MachineMarkKind.MACHINE_MARK_KIND_ENDING,
        MachineMarkKind.MACHINE_MARK_KIND_DRAINED
    };

    @Property(tries = 300)
    void enginesThatAppliedTheSameEntriesAreTheSame(@ForAll long seed) {
        var history = history(seed, 60);
        var one = apply(new Registry(50), history, 0);
        var other = apply(new Registry(500), history, 0);
        assertThat(one.digest()).isEqualTo(other.digest());
    }

    @Property(tries = 300)
    void aRegistryRestoredFromCheckpointsIsTheSameAndGoesOnTheSame(@ForAll long seed) {
        var history = history(seed, 60);
        var original = new Registry(50);
        Map<ByteString, ByteString> rows = new HashMap<>();
        // Three incremental captures, merged as a store would.
        apply(original, history.subList(0, 10), 0);
        merge(rows, original.capture().rows());
        apply(original, history.subList(10, 25), 10);
        merge(rows, original.capture().rows());
        apply(original, history.subList(25, 40), 25);
        merge(rows, original.capture().rows());

        var restored = new Registry(50);
        restored.restore(
                1,
                40,
                rows.entrySet().stream()
                        .map(row -> new Row(row.getKey(), row.getValue()))
                        .iterator());
        assertThat(restored.digest()).isEqualTo(original.digest());
        assertThat(restored.capture().rows()).as("nothing has changed since").isEmpty();

        var told = listenTo(original);
        var toldByRestored = listenTo(restored);
        apply(original, history.subList(40, 60), 40);
        apply(restored, history.subList(40, 60), 40);
        assertThat(restored.digest()).isEqualTo(original.digest());
        assertThat(toldByRestored)
                .as("watches of the two engines tell the same, in the same order")
                .isEqualTo(told);
    }

    /** Entries of format 3 say what units want, older ones have it read in the stored file: nothing else tells them apart. */
    @Property(tries = 300)
    void whatUnitsWantIsTheSameWhetherTheRecordOrTheStoredFileSaysIt(@ForAll long seed) {
        var history = history(seed, 60).stream()
                .map(RegistryPropertiesTest::withoutFacts)
                .toList();
        var read = new Registry(50);
        var written = new Registry(50);
        var told = listenTo(read);
        var toldByWritten = listenTo(written);

        apply(read, history, 0);
        apply(written, history.stream().map(RegistryPropertiesTest::withFacts).toList(), 0);

        assertThat(withoutFacts(toldByWritten)).isEqualTo(withoutFacts(told));
        for (var machine : MACHINES) {
            assertThat(departuresFrom(machine, written)).isEqualTo(departuresFrom(machine, read));
        }
    }

    private static List<String> departuresFrom(String machine, Registry registry) {
        return registry.read(view -> List.copyOf(view.departuresFrom(machine)));
    }

    private static Entry withFacts(Entry entry) {
        var changed = entry.toBuilder().clearRecords();
        entry.getRecordsList().forEach(record -> changed.addRecords(Entries.withFacts(record)));
        return changed.build();
    }

    private static Entry withoutFacts(Entry entry) {
        var changed = entry.toBuilder();
        changed.getRecordsBuilderList().forEach(record -> {
            if (record.hasUnitCreated()) {
                record.getUnitCreatedBuilder().clearFacts();
            }
        });
        return changed.build();
    }

    private static List<String> withoutFacts(List<Change> changes) {
        return changes.stream()
                .map(change -> change.toString().replaceAll("factsRecorded=(true|false)", ""))
                .toList();
    }

    @Property(tries = 300)
    void theBytesCountedOnTheWayAreThoseOfWhatIsThere(@ForAll long seed) {
        var history = history(seed, 60);
        var registry = apply(new Registry(50), history, 0);
        var restored = new Registry(50);
        restored.restore(
                1,
                60,
                registry.capture().rows().stream()
                        .filter(row -> row.value() != null)
                        .iterator());
        assertThat(restored.read(RegistryView::memory).held())
                .as("counted from nothing")
                .isEqualTo(registry.read(RegistryView::memory).held());
        long units = registry.read(view ->
                view.units().values().stream().mapToLong(UnitRecord::heapBytes).sum());
        long machines = registry.read(view -> view.machines().values().stream()
                .mapToLong(MachineRecord::heapBytes)
                .sum());
        assertThat(registry.read(RegistryView::memory).units()).isEqualTo(units);
        assertThat(registry.read(RegistryView::memory).machines()).isEqualTo(machines);
    }

    @Property(tries = 300)
    void whatALeaderExpectsAUnitToTakeIsWhatItTakes(@ForAll long seed) {
        var registry = apply(new Registry(50), history(seed, 60), 0);
        var text = "[Service]\nExecStart=/bin/sleep " + seed + "\n";
        long expected = registry.read(view ->
                view.growthBy("new.service", Requirements.NONE, "") + view.growthBy(UnitHash.ofText(text), text));
        long before = registry.read(RegistryView::memory).held();
        registry.apply(
                1, 61, Entries.entry(Entries.contents(text), Entries.create("new.service", text, TARGETS[0], 0)));
        long grown = registry.read(RegistryView::memory).held() - before;
        // A state that is there already, of a unit that is not, stands for the new unit's.
        assertThat(grown).isBetween(expected - 1000, expected + 100);
        long freed = registry.read(view -> view.freedBy(Objects.requireNonNull(view.unit("new.service"))));
        assertThat(freed).isEqualTo(expected);
    }

    @Property(tries = 300)
    void theDigestTellsEveryDifference(@ForAll long seed) {
        var history = history(seed, 40);
        var registry = new Registry(50);
        var seen = new HashMap<ByteString, Map<ByteString, ByteString>>();
        Map<ByteString, ByteString> rows = new TreeMap<>(ByteString.unsignedLexicographicalComparator());
        for (int i = 0; i < history.size(); i++) {
            registry.apply(1, i + 1, history.get(i));
            merge(rows, registry.capture().rows());
            var before = seen.put(registry.digest(), Map.copyOf(rows));
            if (before != null) {
                assertThat(before).as("same digest, so same rows").isEqualTo(rows);
            }
        }
    }

    @Property(tries = 300)
    void whatIsStoredHoldsTogether(@ForAll long seed) {
        var registry = apply(new Registry(50), history(seed, 60), 0);
        registry.read(view -> {
            for (var unit : view.units().values()) {
                assertThat(view.contents(unit.hash()))
                        .as("contents of %s", unit.name())
                        .isNotNull();
                assertThat(view.source(unit.source()) == null)
                        .as("file of %s", unit.name())
                        .isEqualTo(unit.source() == null);
                if (unit.machineId() != null) {
                    assertThat(unit.wanted()).isTrue();
                    assertThat(unit.global()).isFalse();
                    assertThat(view.machine(unit.machineId())).isNotNull();
                    assertThat(view.scheduledTo(unit.machineId())).contains(unit.name());
                    assertThat(view.departures(unit.name())).doesNotContain(unit.machineId());
                }
            }
            int failed = 0;
            for (var record : view.statesAfter("", "")) {
                assertThat(view.present(record.machineId()))
                        .as("states of lost machines are dropped")
                        .isTrue();
                failed += record.state().getActiveState().equals("failed") ? 1 : 0;
            }
            assertThat(view.failedStates()).isEqualTo(failed);
            for (var machine : MACHINES) {
                for (var name : view.departuresFrom(machine)) {
                    assertThat(view.departures(name)).contains(machine);
                }
            }
            return true;
        });
    }

    private static List<Change> listenTo(Registry registry) {
        var changes = new ArrayList<Change>();
        registry.addListener(applied -> changes.addAll(applied.changes()));
        return changes;
    }

    private static void merge(Map<ByteString, ByteString> rows, List<Row> changed) {
        for (var row : changed) {
            var value = row.value();
            if (value == null) {
                rows.remove(row.key());
            } else {
                rows.put(row.key(), value);
            }
        }
    }

    private static Registry apply(Registry registry, List<Entry> entries, int from) {
        for (int i = 0; i < entries.size(); i++) {
            registry.apply(1, from + i + 1, entries.get(i));
        }
        return registry;
    }

    /** Entries of random records, most of which hold: versions are read from a registry that runs along. */
    private static List<Entry> history(long seed, int length) {
        var random = new SplittableRandom(seed);
        var along = new Registry(10);
        var history = new ArrayList<Entry>();
        for (int i = 0; i < length; i++) {
            var records = new ArrayList<Record>();
            for (int r = random.nextInt(1, 6); r > 0; r--) {
                records.add(record(random, along));
            }
            // From some entry on all engines keep events.
            var entry =
                    Entries.entryAt(1_000_000 + random.nextLong(100_000) * i, records.toArray(Record[]::new))
                            .toBuilder()
                            .setFormat(i < length / 4 ? 1 : EntryFormats.WITH_EVENTS)
                            .build();
            along.apply(1, i + 1, entry);
            history.add(entry);
        }
        return history;
    }

    private static Record record(SplittableRandom random, Registry along) {
        var name = UNITS.get(random.nextInt(UNITS.size()));
        var machine = MACHINES.get(random.nextInt(MACHINES.size()));
        var target = TARGETS[random.nextInt(TARGETS.length)];
        @Nullable UnitRecord unit = along.read(view -> view.unit(name));
        long version = unit == null || random.nextInt(10) == 0 ? random.nextLong(100) : unit.version();
        @Nullable MachineRecord known = along.read(view -> view.machine(machine));
        long epoch = known == null ? 0 : known.sessionEpoch();
        long sequence = known == null ? 1 : known.sequence() + random.nextInt(0, 3);
        var text = name.startsWith("g") ? Entries.GLOBAL_SSD : random.nextBoolean() ? PLAIN : OTHER;
        return switch (random.nextInt(28)) {
            case 0, 1 -> Entries.contents(text);
            case 2 -> Entries.create(name, text, target, unit == null ? 0 : version);
            case 3 -> Entries.withFacts(Entries.create(name, text, target, unit == null ? 0 : version));
            case 4 -> Entries.target(name, version, target, random.nextBoolean());
            case 5 -> Entries.destroy(name, version);
            case 6, 7 ->
                unit != null && (unit.global() || !unit.wanted())
                        ? Entries.contents(text)
                        : Entries.schedule(name, version, machine);
            case 8 -> Entries.open(machine, epoch + 1, Map.of("disk", random.nextBoolean() ? "ssd" : "hdd"));
            case 9 -> Entries.lost(machine, epoch);
            case 10 ->
                Entries.report(
                        machine,
                        epoch,
                        sequence,
                        Entries.state(name, random.nextBoolean() ? "active" : "failed", random.nextBoolean()),
                        Entries.state(UNITS.get(random.nextInt(UNITS.size())), "active", random.nextBoolean()),
                        Entries.state(UNITS.get(random.nextInt(UNITS.size())), "failed", random.nextBoolean()));
            case 11 -> Entries.gone(machine, epoch, sequence, name);
            case 12 -> Entries.whole(machine, epoch, sequence);
            case 13 ->
                Entries.tokenCreated(
                        "token" + random.nextInt(3), random.nextInt(3), 1_000_000 + random.nextInt(60_000));
            case 14 ->
                Entries.tokenUsed("token" + random.nextInt(3), MACHINES.get(random.nextInt(3)), random.nextInt(2));
            case 15 -> Entries.revoked(machine, random.nextInt(1000));
            case 16 -> Entries.await(machine);
            case 17 -> Entries.told(machine, epoch, random.nextBoolean(), name);
            case 18 -> Entries.lostFenced(machine, epoch);
            case 19 -> Entries.fenceOver(machine, epoch);
            case 20 -> Entries.source(random.nextBoolean() ? "# one\n" : "# two\n");
            case 21 -> Entries.sourceSet(name, version, random.nextBoolean() ? "# one\n" : "", "user/bob");
            case 22 ->
                Entries.by(
                        Entries.from(
                                Entries.create(name, text, target, unit == null ? 0 : version),
                                random.nextBoolean() ? "# one\n" : "# two\n"),
                        random.nextBoolean() ? "user/alice" : "user/bob");
            case 23 -> Entries.by(Entries.target(name, version, target, random.nextBoolean()), "user/alice");
            case 24 -> Entries.marked(machine, MARKS[random.nextInt(MARKS.length)], 1, random.nextInt(2));
            case 25 -> Entries.lostAt(machine, epoch, 1_000_000);
            case 26 -> Entries.forgotten(machine);
            default -> Entries.answered("request" + random.nextInt(5), 0, random.nextInt(2), ItemCode.ITEM_CODE_OK);
        };
    }
}
