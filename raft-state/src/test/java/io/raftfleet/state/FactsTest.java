package io.raftfleet.state;

import static io.raftfleet.proto.model.TargetState.TARGET_STATE_INACTIVE;
import static io.raftfleet.proto.model.TargetState.TARGET_STATE_LAUNCHED;
import static io.raftfleet.state.Entries.OTHER;
import static io.raftfleet.state.Entries.PLAIN;
import static io.raftfleet.state.Entries.contents;
import static io.raftfleet.state.Entries.destroy;
import static io.raftfleet.state.Entries.entry;
import static io.raftfleet.state.Entries.metadata;
import static io.raftfleet.state.Entries.open;
import static io.raftfleet.state.Entries.report;
import static io.raftfleet.state.Entries.schedule;
import static io.raftfleet.state.Entries.state;
import static io.raftfleet.state.Entries.target;
import static io.raftfleet.state.Versions.IN_THIS_ENTRY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatObject;

import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.raft.ReplicatedState.Row;
import io.raftfleet.unit.UnitHash;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What changed since a version, and what a restored registry begins with. */
class FactsTest {
    private static final String HASH = UnitHash.ofText(PLAIN).toHex();

    private Registry registry = new Registry(16);
    private long index;

    @Test
    void eachKindOfFactMovesOnlyWithItsOwnChange() {
        apply(open("m1", 1, Map.of()), contents(PLAIN), Entries.create("a.service", PLAIN, TARGET_STATE_LAUNCHED, 0));
        long created = last();
        apply(schedule("a.service", unit("a.service").version(), "m1"));
        assertThat(after(Fact.Kind.UNIT, created)).isEmpty();
        assertThat(after(Fact.Kind.CONTENTS, created)).isEmpty();
        assertThat(after(Fact.Kind.SCHEDULE, created)).containsExactly("a.service");
        long scheduled = last();
        apply(report("m1", 1, 1, state("a.service", "active", true)));
        assertThatObject(last()).as("states are no persistent facts").isEqualTo(scheduled);
        apply(metadata("m1", "disk", "ssd"));
        assertThat(after(Fact.Kind.METADATA, scheduled)).containsExactly("m1");
        assertThat(after(Fact.Kind.SCHEDULE, scheduled)).isEmpty();
    }

    @Test
    void removalsAreKeptUntilTheFactIsBack() {
        apply(
                open("m1", 1, Map.of()),
                contents(PLAIN),
                Entries.create("a.service", PLAIN, TARGET_STATE_LAUNCHED, 0),
                schedule("a.service", IN_THIS_ENTRY, "m1"));
        long before = last();
        apply(target("a.service", unit("a.service").version(), TARGET_STATE_INACTIVE));
        assertThat(removed(Fact.Kind.SCHEDULE, before)).containsExactly("a.service");
        assertThat(removed(Fact.Kind.UNIT, before)).isEmpty();
        apply(destroy("a.service", unit("a.service").version()));
        assertThat(removed(Fact.Kind.UNIT, before)).containsExactly("a.service");
        assertThat(removed(Fact.Kind.CONTENTS, before)).containsExactly(HASH);
        apply(contents(PLAIN), Entries.create("a.service", PLAIN, TARGET_STATE_LAUNCHED, 0));
        assertThat(removed(Fact.Kind.UNIT, before)).isEmpty();
        assertThat(removed(Fact.Kind.CONTENTS, before)).isEmpty();
        assertThat(removed(Fact.Kind.SCHEDULE, before))
                .as("it is on no machine yet")
                .containsExactly("a.service");
    }

    @Test
    void oldRemovalsAreForgottenAndThatIsKnown() {
        for (int round = 0; round <= FactIndex.MAX_REMOVALS / 100; round++) {
            var records = new ArrayList<Record>();
            records.add(contents(PLAIN));
            for (int i = 0; i < 100; i++) {
                records.add(Entries.create("u" + round + "-" + i + ".service", PLAIN, TARGET_STATE_INACTIVE, 0));
            }
            for (int i = 0; i < 100; i++) {
                records.add(destroy("u" + round + "-" + i + ".service", IN_THIS_ENTRY));
            }
            apply(records.toArray(Record[]::new));
        }
        long forgotten = read(RegistryView::removalsForgotten);
        assertThatObject(forgotten).isNotEqualTo(0L);
        assertThat(removed(Fact.Kind.UNIT, 0)).hasSizeLessThanOrEqualTo(FactIndex.MAX_REMOVALS);
        var restored = restoredFrom(registry);
        assertThatObject(restored.read(RegistryView::removalsForgotten)).isEqualTo(forgotten);
        assertThat(restored.digest()).isEqualTo(registry.digest());
    }

    @Test
    void aCheckpointKeepsWhatChangedWhen() {
        long seed = new Random().nextLong();
        var random = new Random(seed);
        apply(open("m1", 1, Map.of()), open("m2", 1, Map.of()));
        for (int i = 0; i < 300; i++) {
            var name = "u" + random.nextInt(8) + ".service";
            var unit = registry.read(view -> view.unit(name));
            var text = random.nextBoolean() ? PLAIN : OTHER;
            if (unit == null) {
                apply(contents(text), Entries.create(name, text, TARGET_STATE_LAUNCHED, 0));
            } else {
                switch (random.nextInt(5)) {
                    case 0 -> apply(destroy(name, unit.version()));
                    case 1 -> apply(schedule(name, unit.version(), "m" + (1 + random.nextInt(2))));
                    case 2 -> apply(target(name, unit.version(), TARGET_STATE_INACTIVE));
                    case 3 -> apply(contents(text), Entries.create(name, text, TARGET_STATE_LAUNCHED, unit.version()));
                    default -> apply(metadata("m1", "k" + random.nextInt(3), "v"));
                }
            }
        }
        var other = restoredFrom(registry);
        assertThat(everything(other)).as("seed %d", seed).isEqualTo(everything(registry));
        assertThat(other.digest()).isEqualTo(registry.digest());
    }

    @Test
    void aRestoredRegistryGivesOutHigherGenerations() {
        apply(Entries.expect("m1"), contents(PLAIN), Entries.restore("a.service", PLAIN, 5_000, "m1"));
        apply(Record.newBuilder()
                .setClusterCreated(ClusterCreated.newBuilder()
                        .setIncarnation(8)
                        .setRestoredFrom(7)
                        .setGenerationBase(1L << 40))
                .build());
        assertThatObject(unit("a.service").startGeneration()).isEqualTo(5_000L);
        assertThat(unit("a.service").machineId()).isEqualTo("m1");
        assertThat(machine().unseen()).isTrue();
        apply(open("m1", 1, Map.of("zone", "z")));
        assertThat(machine().metadata()).isEqualTo(Map.of("zone", "z", "disk", "ssd"));
        apply(target("a.service", unit("a.service").version(), TARGET_STATE_LAUNCHED, true));
        assertThat(unit("a.service").startGeneration()).isGreaterThan(1L << 40);
        assertThatObject(restoredFrom(registry).read(RegistryView::restoredFrom))
                .isEqualTo(7L);
    }

    @Test
    void anOrphanIsAdoptedAsItRunsOrDropped() {
        apply(
                open("m1", 1, Map.of()),
                report("m1", 1, 1, state("a.service", "active", false), state("b.service", "active", false)));
        apply(contents(PLAIN), Entries.restore("a.service", PLAIN, 1, "m1"), Entries.dropOrphan("m1", "b.service"));
        assertThat(unit("a.service").machineId()).isEqualTo("m1");
        List<String> leaving = read(view -> List.copyOf(view.departures("b.service")));
        assertThat(leaving).containsExactly("m1");
        assertThat(apply(Entries.dropOrphan("m1", "a.service"), Entries.dropOrphan("m1", "c.service")))
                .containsExactly("unit a.service exists", "machine m1 has no unit c.service");
        assertThat(apply(Entries.restore("a.service", PLAIN, 1, "m1"))).containsExactly("unit a.service exists");
    }

    private List<@Nullable String> apply(Record... records) {
        return registry.apply(1, ++index, entry(records)).dropped();
    }

    private <T> T read(Function<RegistryView, T> read) {
        return registry.read(read);
    }

    private long last() {
        return read(RegistryView::lastFact);
    }

    private UnitRecord unit(String name) {
        return Objects.requireNonNull(registry.read(view -> view.unit(name)));
    }

    private MachineRecord machine() {
        return Objects.requireNonNull(registry.read(view -> view.machine("m1")));
    }

    private List<String> after(Fact.Kind kind, long version) {
        return read(view -> ids(view.factsAfter(kind, end(version))));
    }

    private List<String> removed(Fact.Kind kind, long version) {
        return read(view -> ids(view.removalsAfter(kind, end(version))));
    }

    /** After all facts of this version. */
    private static Fact end(long version) {
        return new Fact(version + 1, "");
    }

    private static List<String> ids(Collection<Fact> facts) {
        return facts.stream().map(Fact::id).toList();
    }

    private static Map<Fact.Kind, List<List<Fact>>> everything(Registry registry) {
        return registry.read(view -> {
            var all = new EnumMap<Fact.Kind, List<List<Fact>>>(Fact.Kind.class);
            for (var kind : Fact.Kind.values()) {
                all.put(
                        kind,
                        List.of(
                                List.copyOf(view.factsAfter(kind, Fact.FIRST)),
                                List.copyOf(view.removalsAfter(kind, Fact.FIRST))));
            }
            return all;
        });
    }

    private Registry restoredFrom(Registry source) {
        var rows = new HashMap<Object, Row>();
        source.capture().rows().forEach(row -> rows.put(row.key(), row));
        var restored = new Registry(16);
        restored.restore(
                1,
                index,
                rows.values().stream().filter(row -> row.value() != null).iterator());
        return restored;
    }
}
