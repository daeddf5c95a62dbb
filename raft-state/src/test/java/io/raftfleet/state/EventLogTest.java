package io.raftfleet.state;

import static io.raftfleet.state.Entries.PLAIN;
import static io.raftfleet.state.Entries.contents;
import static io.raftfleet.state.Entries.open;
import static io.raftfleet.state.Entries.report;
import static io.raftfleet.state.Entries.schedule;
import static io.raftfleet.state.Entries.state;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.log.LeaderStarted;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.raft.ReplicatedState.Row;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What has happened, as the registry keeps it. */
class EventLogTest {
    private static final String M1 = "113f16a7c8d94f1a8a1e6c4f4b6a9d01";
    private static final String M2 = "85c0c595a02b4bb4bd9f6c0b6cf7a502";
    private static final TargetState LAUNCHED = TargetState.TARGET_STATE_LAUNCHED;

    private final List<Change> changes = new ArrayList<>();
    private Registry registry = listened();
    private int format = EntryFormats.WITH_EVENTS;
    private long index;
    private long timeMs = 1_000_000;

    private Registry listened() {
        var made = new Registry(100_000);
        made.addListener(applied -> changes.addAll(applied.changes()));
        return made;
    }

    @Test
    void eachSaysWhatHappenedWhyAndByWhom() {
        apply(Record.newBuilder()
                .setLeaderStarted(LeaderStarted.newBuilder().setEngineId("e1"))
                .build());
        apply(open(M1, 1, Map.of("disk", "ssd")), open(M2, 1, Map.of()));
        apply(contents(PLAIN), Entries.by(Entries.create("a.service", PLAIN, LAUNCHED, 0), "user/alice"));
        apply(schedule("a.service", version("a.service"), M1));
        apply(report(M1, 1, 1, state("a.service", "active", true)));
        apply(report(M1, 1, 2, failed("a.service", "its main process exited with status 203/EXEC")));
        apply(byAlice(Entries.marked(M1, MachineMarkKind.MACHINE_MARK_KIND_DRAINING)));
        apply(because(schedule("a.service", version("a.service"), M2), "machine " + M1 + " is drained"));
        apply(byAlice(Entries.metadata(M2, "disk", "hdd")));
        apply(Entries.lost(M2, 1));
        apply(because(Entries.unschedule("a.service", version("a.service")), "no other machine will do"));
        apply(open(M2, 2, Map.of()));
        apply(Entries.target("a.service", version("a.service"), LAUNCHED, true));
        apply(byAlice(Entries.destroy("a.service", version("a.service"))));
        assertThat(lines())
                .containsExactly(
                        ": engine e1 leads",
                        M1 + ": joined at 10.0.0.1",
                        M2 + ": joined at 10.0.0.1",
                        "a.service: submitted, to be launched, by user/alice",
                        "a.service: scheduled to 113f16a7...: least loaded",
                        "a.service: up on 113f16a7...: running",
                        "a.service: failed on 113f16a7...: its main process exited with status 203/EXEC",
                        M1 + ": draining, by user/alice",
                        "a.service: scheduled to 85c0c595...: machine " + M1 + " is drained",
                        M2 + ": metadata disk=hdd, by user/alice",
                        M2 + ": lost",
                        "a.service: taken off 85c0c595...: no other machine will do",
                        M2 + ": back",
                        "a.service: to be started again",
                        "a.service: destroyed, by user/alice");
        assertThat(told()).as("watches are told the same").isEqualTo(kept());
    }

    @Test
    void aFileSaysWhyAUnitIsWhereItIs() {
        var text = "[Service]\nExecStart=/bin/true\n\n[X-Fleet]\nMachineMetadata=disk=ssd\nMachineMetadata=zone=b\n";
        apply(open(M1, 1, Map.of()));
        apply(contents(text), Entries.create("a.service", text, LAUNCHED, 0));
        apply(schedule("a.service", version("a.service"), M1));
        assertThat(lines().getLast())
                .isEqualTo("a.service: scheduled to 113f16a7...: least loaded with disk=ssd zone=b");
    }

    @Test
    void entriesThatOlderEnginesReadMakeNone() {
        format = EntryFormats.WITH_EVENTS - 1;
        apply(open(M1, 1, Map.of()));
        assertThat(kept()).isEmpty();
        assertThat(registry.capture().rows()).noneMatch(row -> row.key().byteAt(0) == 'e');
    }

    @Test
    void whatHappensOverAndOverTakesOnePlaceAndCounts() {
        unitOn(M1);
        for (int i = 1; i <= 1000; i++) {
            timeMs += 1000;
            apply(report(M1, 1, 2L * i, failed("a.service", "exit status 1")));
            apply(report(M1, 1, 2L * i + 1, state("a.service", "active", true)));
        }
        assertThat(lines())
                .hasSize(5)
                .endsWith(
                        "a.service: failed on 113f16a7...: exit status 1 (1000 times since 1970-01-01T00:16:41Z)",
                        "a.service: up on 113f16a7...: running (1000 times since 1970-01-01T00:16:41Z)");
        assertThat(told()).as("each time is told to watches").hasSizeGreaterThan(2000);
        timeMs += EventLog.ALIKE_MS + 1;
        apply(report(M1, 1, 5000, failed("a.service", "exit status 1")));
        assertThat(lines().getLast()).as("long after").isEqualTo("a.service: failed on 113f16a7...: exit status 1");
    }

    @Test
    void aUnitThatFailsForDaysPushesNothingElseOut() {
        unitOn(M1);
        apply(byAlice(Entries.metadata(M1, "k", "v")));
        for (int i = 1; i <= EventLog.CAPACITY; i++) {
            timeMs += 1000;
            apply(report(M1, 1, 2L * i, failed("a.service", "exit status 1")));
            apply(report(M1, 1, 2L * i + 1, state("a.service", "active", true)));
        }
        assertThat(lines()).contains(M1 + ": metadata k=v, by user/alice");
        assertThat(forgotten()).isZero();
    }

    @Test
    void anEntryOfManyKeepsSomeAndCountsTheRest() {
        var records = new ArrayList<>(List.of(contents(PLAIN)));
        IntStream.range(0, 2 * Chronicle.MOST_OF_AN_ENTRY)
                .forEach(i -> records.add(Entries.create(i + ".service", PLAIN, LAUNCHED, 0)));
        apply(records.toArray(Record[]::new));
        assertThat(kept()).hasSize(Chronicle.MOST_OF_AN_ENTRY + 1);
        assertThat(lines().getLast()).isEqualTo(": besides, " + Chronicle.MOST_OF_AN_ENTRY + " units submitted");
    }

    @Test
    void theOldestMakeRoomInNumberAndInBytesAndItIsKnownThatTheyAreMissing() {
        apply(open(M1, 1, Map.of()));
        for (int i = 0; i < EventLog.CAPACITY + 10; i++) {
            apply(Entries.metadata(M1, "k", "" + i));
        }
        assertThat(kept().size()).isEqualTo(EventLog.CAPACITY);
        assertThat(Versions.index(forgotten())).isEqualTo(11);
        var long1 = "x".repeat(1000);
        for (int i = 0; i < 10_000; i++) {
            apply(Entries.metadata(M1, "k", long1 + i));
        }
        assertThat(kept().size()).isBetween(5000, 9000);
        assertThat(kept().stream().mapToLong(LoggedEvent::heapBytes).sum()).isLessThanOrEqualTo(EventLog.MAX_BYTES);
        assertThat(kept().getFirst().version()).isGreaterThan(forgotten());
    }

    @Test
    void theyCountInWhatTheRegistryHolds() {
        apply(open(M1, 1, Map.of()));
        apply(Entries.metadata(M1, "k", "v"));
        long before = registry.heapBytes();
        apply(Entries.metadata(M1, "k", "w"));
        assertThat(registry.heapBytes() - before).isEqualTo(kept().getLast().heapBytes());
    }

    @Test
    void aCheckpointHasThemAndTheyGoOnAlikeFromThere() {
        Map<ByteString, ByteString> rows = new HashMap<>();
        unitOn(M1);
        for (int i = 0; i < EventLog.CAPACITY; i++) {
            if (i % 5000 == 0) {
                merge(rows);
            }
            apply(Entries.metadata(M1, "k", "" + i));
        }
        apply(report(M1, 1, 10, failed("a.service", "exit status 1")));
        merge(rows);
        var original = registry;
        var other = listened();
        other.restore(
                1,
                index,
                rows.entrySet().stream()
                        .map(row -> new Row(row.getKey(), row.getValue()))
                        .iterator());
        assertThat(kept(other)).isEqualTo(kept(original));
        assertThat(other.digest()).isEqualTo(original.digest());
        assertThat(other.<Long>read(RegistryView::eventsForgotten))
                .isEqualTo(forgotten())
                .isPositive();
        long from = index;
        apply(report(M1, 1, 11, state("a.service", "active", true)));
        apply(report(M1, 1, 12, failed("a.service", "exit status 1")));
        registry = other;
        index = from;
        apply(report(M1, 1, 11, state("a.service", "active", true)));
        apply(report(M1, 1, 12, failed("a.service", "exit status 1")));
        assertThat(kept(other)).isEqualTo(kept(original));
        assertThat(other.digest()).isEqualTo(original.digest());
    }

    private void unitOn(String machine) {
        apply(open(machine, 1, Map.of()));
        apply(contents(PLAIN), Entries.create("a.service", PLAIN, LAUNCHED, 0));
        apply(schedule("a.service", version("a.service"), machine));
    }

    private void merge(Map<ByteString, ByteString> rows) {
        for (var row : registry.capture().rows()) {
            var value = row.value();
            if (value == null) {
                rows.remove(row.key());
            } else {
                rows.put(row.key(), value);
            }
        }
    }

    private void apply(Record... records) {
        var entry =
                Entries.entryAt(timeMs, records).toBuilder().setFormat(format).build();
        assertThat(registry.apply(1, ++index, entry).dropped()).containsOnlyNulls();
    }

    private List<LoggedEvent> kept() {
        return kept(registry);
    }

    private static List<LoggedEvent> kept(Registry registry) {
        return registry.read(view -> List.copyOf(view.happenedAfter(0)));
    }

    private long forgotten() {
        return registry.read(RegistryView::eventsForgotten);
    }

    private List<LoggedEvent> told() {
        return changes.stream()
                .filter(Change.OfEvent.class::isInstance)
                .map(change -> ((Change.OfEvent) change).event())
                .toList();
    }

    private List<String> lines() {
        return registry.read(view -> view.happenedAfter(0).stream()
                .map(view::message)
                .map(event -> (event.getUnit().isEmpty() ? event.getMachineId() : event.getUnit()) + ": "
                        + event.getMessage())
                .toList());
    }

    private long version(String unit) {
        return Objects.requireNonNull(registry.read(view -> view.unit(unit))).version();
    }

    private static UnitState failed(String name, String error) {
        return state(name, "failed", true).toBuilder().setError(error).build();
    }

    private static Record because(Record record, String reason) {
        var changed = record.toBuilder();
        if (record.hasUnitScheduled()) {
            changed.getUnitScheduledBuilder().setReason(reason);
        } else {
            changed.getUnitUnscheduledBuilder().setReason(reason);
        }
        return changed.build();
    }

    private static Record byAlice(Record record) {
        var changed = record.toBuilder();
        switch (record.getRecordCase()) {
            case UNIT_DESTROYED -> changed.getUnitDestroyedBuilder().setChangedBy("user/alice");
            case MACHINE_MARKED -> changed.getMachineMarkedBuilder().setChangedBy("user/alice");
            default -> changed.getMachineMetadataSetBuilder().setChangedBy("user/alice");
        }
        var built = changed.build();
        assertThat(EntryFormats.needed(List.of(built))).isEqualTo(EntryFormats.WITH_EVENTS);
        return built;
    }
}
