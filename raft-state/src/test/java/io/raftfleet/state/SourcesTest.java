package io.raftfleet.state;

import static io.raftfleet.proto.model.TargetState.TARGET_STATE_INACTIVE;
import static io.raftfleet.proto.model.TargetState.TARGET_STATE_LAUNCHED;
import static io.raftfleet.state.Entries.OTHER;
import static io.raftfleet.state.Entries.PLAIN;
import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.state.raft.ReplicatedState.Row;
import io.raftfleet.unit.UnitSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Files as they were submitted, and who changed a unit last. */
class SourcesTest {
    private static final String FILE = "# commented\r\n" + PLAIN;
    private static final String SAME_OPTIONS = "; otherwise\n\n" + PLAIN;

    private final Registry registry = new Registry(16);
    private long index;

    @Test
    void aUnitHasTheFileThatWasSubmittedToTheByteAndTheHashOfItsOptions() {
        create("a.service", FILE);
        assertThat(message("a.service").getContents().getSource()).isEqualTo(FILE);
        assertThat(message("a.service").getContents().getText()).isEqualTo(PLAIN);
        assertThat(message("a.service").getSourceDigest())
                .isEqualTo(UnitSource.toBytes(UnitSource.of(FILE).digest()));
        assertThat(unit("a.service").hash()).isEqualTo(io.raftfleet.unit.UnitHash.ofText(PLAIN));
    }

    @Test
    void anotherFileWithTheSameOptionsAsksMachinesForNothing() {
        create("a.service", FILE);
        var before = unit("a.service");
        apply(Entries.source(SAME_OPTIONS), Entries.sourceSet("a.service", before.version(), SAME_OPTIONS, "user/bob"));
        var after = unit("a.service");
        assertThat(message("a.service").getContents().getSource()).isEqualTo(SAME_OPTIONS);
        assertThat(after.asksTheSameAs(before)).isTrue();
        assertThat(after.version()).isGreaterThan(before.version());
        assertThat(after.changed().by()).isEqualTo("user/bob");
        assertThat(registry.<String>read(
                        view -> String.valueOf(view.source(UnitSource.of(FILE).digest()))))
                .as("no unit has it any more")
                .isEqualTo("null");
    }

    @Test
    void aFileIsKeptOnceWhileAUnitHasIt() {
        create("a.service", FILE);
        long one = contentBytes();
        create("b.service", FILE);
        assertThat(contentBytes()).isEqualTo(one);
        apply(Entries.destroy("a.service", unit("a.service").version()));
        assertThat(contentBytes()).isEqualTo(one);
        apply(
                Entries.contents(OTHER),
                Entries.create(
                        "b.service",
                        OTHER,
                        TARGET_STATE_INACTIVE,
                        unit("b.service").version()));
        assertThat(message("b.service").getContents().getSource()).isEmpty();
        assertThat(sources()).isEmpty();
        assertThat(contentBytes()).isEqualTo(StoredContents.heapBytes(OTHER));
    }

    @Test
    void aFileThatComesWithoutAUnitIsNotKeptAndOneThatIsMissingDropsTheRecord() {
        apply(Entries.source(FILE));
        assertThat(sources()).isEmpty();
        var dropped = apply(
                Entries.contents(PLAIN),
                Entries.from(Entries.create("a.service", PLAIN, TARGET_STATE_LAUNCHED, 0), FILE));
        assertThat(dropped).element(1).asString().contains("a.service", "as it was submitted is unknown");
    }

    @Test
    void whoChangesAUnitIsKnownUntilSomebodyUnknownDoes() {
        apply(Entries.contents(PLAIN));
        applyAt(5_000, Entries.contents(PLAIN), Entries.by(created("a.service"), "user/alice"));
        assertThat(unit("a.service").changed()).isEqualTo(new LastChange("user/alice", 1_000_000));
        applyAt(
                7_000_000,
                Entries.by(
                        Entries.target("a.service", unit("a.service").version(), TARGET_STATE_INACTIVE), "user/bob"));
        assertThat(unit("a.service").changed()).isEqualTo(new LastChange("user/bob", 7_000_000));
        assertThat(message("a.service").getChangedBy()).isEqualTo("user/bob");
        assertThat(message("a.service").getChangedAtMs()).isEqualTo(7_000_000);
        apply(Entries.target("a.service", unit("a.service").version(), TARGET_STATE_LAUNCHED));
        assertThat(unit("a.service").changed()).isEqualTo(LastChange.UNKNOWN);
    }

    @Test
    void whereAUnitIsScheduledIsNobodysChange() {
        apply(Entries.open("m1", 1, Map.of()), Entries.contents(PLAIN), Entries.by(created("a.service"), "user/alice"));
        apply(Entries.schedule("a.service", unit("a.service").version(), "m1"));
        assertThat(unit("a.service").changed().by()).isEqualTo("user/alice");
    }

    @Test
    void aCheckpointKeepsBothAndWhatUnitsShareIsSharedAgain() {
        create("a.service", FILE);
        create("b.service", FILE);
        var restored = new Registry(16);
        restored.restore(
                1,
                index,
                new ArrayList<>(registry.capture().rows())
                        .stream().filter(row -> row.value() != null).iterator());
        assertThat(restored.digest()).isEqualTo(registry.digest());
        restored.read(view -> {
            var a = Objects.requireNonNull(view.unit("a.service"));
            var b = Objects.requireNonNull(view.unit("b.service"));
            assertThat(view.message(a, true).getContents().getSource()).isEqualTo(FILE);
            assertThat(a.source()).isSameAs(b.source());
            assertThat(a.changed()).isSameAs(b.changed());
            return a;
        });
        assertThat(restored.read(RegistryView::memory).held())
                .isEqualTo(registry.read(RegistryView::memory).held());
    }

    @Test
    void aRowOfAVersionThatKeptNoFilesIsRead() {
        var row = new Row(
                StoredRow.key('u', "a.service"),
                io.raftfleet.proto.log.UnitRow.newBuilder()
                        .setName("a.service")
                        .setHash(io.raftfleet.unit.UnitHash.ofText(PLAIN).toByteString())
                        .setVersion(1)
                        .build()
                        .toByteString());
        var contents = new StoredContents(io.raftfleet.unit.UnitHash.ofText(PLAIN), PLAIN, 1);
        registry.restore(
                1,
                1,
                List.of(row, new Row(contents.rowKey(), Deterministic.bytes(contents.rowValue())))
                        .iterator());
        assertThat(unit("a.service").source()).isNull();
        assertThat(unit("a.service").changed()).isSameAs(LastChange.UNKNOWN);
    }

    private void create(String name, String file) {
        apply(
                Entries.contents(PLAIN),
                Entries.source(file),
                Entries.by(Entries.from(created(name), file), "user/alice"));
    }

    private static Record created(String name) {
        return Entries.create(name, PLAIN, TARGET_STATE_LAUNCHED, 0);
    }

    private List<String> apply(Record... records) {
        return applyAt(1_000_000, records);
    }

    private List<String> applyAt(long timeMs, Record... records) {
        return registry.apply(1, ++index, Entries.entryAt(timeMs, records)).dropped().stream()
                .map(String::valueOf)
                .toList();
    }

    private UnitRecord unit(String name) {
        return registry.read(view -> Objects.requireNonNull(view.unit(name)));
    }

    private Unit message(String name) {
        return registry.read(view -> view.message(Objects.requireNonNull(view.unit(name)), true));
    }

    private List<String> sources() {
        return registry.read(view -> List.copyOf(view.sourcesAfter("")));
    }

    private long contentBytes() {
        return registry.read(view -> view.memory().contents());
    }
}
