package io.raftfleet.state;

import static io.raftfleet.proto.model.TargetState.TARGET_STATE_INACTIVE;
import static io.raftfleet.proto.model.TargetState.TARGET_STATE_LAUNCHED;
import static io.raftfleet.proto.model.TargetState.TARGET_STATE_LOADED;
import static io.raftfleet.state.Entries.OTHER;
import static io.raftfleet.state.Entries.PLAIN;
import static io.raftfleet.state.Entries.answered;
import static io.raftfleet.state.Entries.contents;
import static io.raftfleet.state.Entries.destroy;
import static io.raftfleet.state.Entries.entry;
import static io.raftfleet.state.Entries.entryAt;
import static io.raftfleet.state.Entries.gone;
import static io.raftfleet.state.Entries.lost;
import static io.raftfleet.state.Entries.metadata;
import static io.raftfleet.state.Entries.open;
import static io.raftfleet.state.Entries.report;
import static io.raftfleet.state.Entries.schedule;
import static io.raftfleet.state.Entries.state;
import static io.raftfleet.state.Entries.target;
import static io.raftfleet.state.Entries.unschedule;
import static io.raftfleet.state.Versions.IN_THIS_ENTRY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatObject;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.MetadataChoice;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.UnitFacts;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.UnitHash;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RegistryTest {
    private final Registry registry = new Registry(100);
    private final List<Change> changes = new ArrayList<>();
    private long index;

    RegistryTest() {
        registry.addListener(applied -> changes.addAll(applied.changes()));
    }

    @Test
    void aUnitIsCreatedScheduledReportedAndLaunched() {
        apply(open("m1", 1, Map.of()), contents(PLAIN), Entries.create("a.service", PLAIN, TARGET_STATE_LAUNCHED, 0));
        assertThat(current("a.service")).isEqualTo(TARGET_STATE_INACTIVE);
        apply(schedule("a.service", version("a.service"), "m1"));
        assertThat(current("a.service")).isEqualTo(TARGET_STATE_INACTIVE);
        apply(report("m1", 1, 1, state("a.service", "inactive", false)));
        assertThat(current("a.service")).isEqualTo(TARGET_STATE_LOADED);
        apply(report("m1", 1, 2, state("a.service", "active", true)));
        assertThat(current("a.service")).isEqualTo(TARGET_STATE_LAUNCHED);
    }

    @Test
    void restartsBySystemdAreKeptAndCountedAndAreNoPartOfDigests() {
        apply(open("m1", 1, Map.of()), contents(PLAIN), Entries.create("a.service", PLAIN, TARGET_STATE_LAUNCHED, 0));
        apply(schedule("a.service", version("a.service"), "m1"));
        UnitState up = state("a.service", "active", true);
        apply(report("m1", 1, 1, up));
        assertThat(registry.read(RegistryView::restarts)).isEmpty();
        // The first number that is told may be one that the agent has just learnt.
        apply(report("m1", 1, 2, up.toBuilder().setRestarts(5).build()));
        assertThat(registry.read(RegistryView::restarts)).containsExactly(Map.entry("active", 1L));
        apply(report("m1", 1, 3, up.toBuilder().setRestarts(7).build()));
        UnitState waits = state("a.service", "activating", true);
        apply(report("m1", 1, 4, waits.toBuilder().setRestarts(8).build()));
        assertThat(registry.read(RegistryView::restarts))
                .containsExactlyInAnyOrderEntriesOf(Map.of("active", 3L, "activating", 1L));
        // Ordered to start again: systemd counts from 0.
        apply(report("m1", 1, 5, up));
        apply(report("m1", 1, 6, up.toBuilder().setRestarts(1).build()));
        assertThat(registry.read(RegistryView::restarts)).containsEntry("active", 4L);
        int kept = registry.read(
                view -> view.statesOf("a.service").iterator().next().state().getRestarts());
        assertThat(kept).isEqualTo(1);
        assertThat(Digest.of(up))
                .isEqualTo(Digest.of(up.toBuilder().setRestarts(9).build()));
    }

    @Test
    void aRecordDecidedOnAnotherVersionIsDroppedAndItsProposerTold() {
        apply(contents(PLAIN), Entries.create("a.service", PLAIN, TARGET_STATE_INACTIVE, 0));
        long old = version("a.service");
        assertThat(apply(target("a.service", old, TARGET_STATE_LOADED))).containsOnlyNulls();
        assertThat(apply(target("a.service", old, TARGET_STATE_LAUNCHED)))
                .containsExactly("unit a.service has changed meanwhile");
        assertThat(unit("a.service").target()).isEqualTo(TARGET_STATE_LOADED);
    }

    @Test
    void laterRecordsOfAnEntryBuildOnEarlierOnes() {
        assertThat(apply(
                        open("m1", 1, Map.of()),
                        contents(PLAIN),
                        Entries.create("a.service", PLAIN, TARGET_STATE_LAUNCHED, 0),
                        schedule("a.service", IN_THIS_ENTRY, "m1")))
                .containsOnlyNulls();
        assertThat(unit("a.service").machineId()).isEqualTo("m1");
        // Not changed in this entry: "as this entry left it" does not hold.
        assertThat(apply(target("a.service", IN_THIS_ENTRY, TARGET_STATE_LOADED)))
                .containsExactly("unit a.service has changed meanwhile");
    }

    @Test
    void contentsAreKeptOnceAndOnlyWhileAUnitHasThem() {
        apply(
                contents(PLAIN),
                Entries.create("a.service", PLAIN, TARGET_STATE_INACTIVE, 0),
                Entries.create("b.service", PLAIN, TARGET_STATE_INACTIVE, 0));
        apply(destroy("a.service", version("a.service")));
        assertThat(text(PLAIN)).isEqualTo(PLAIN);
        apply(destroy("b.service", version("b.service")));
        assertThat(text(PLAIN)).isNull();
        apply(contents(OTHER));
        assertThat(text(OTHER)).as("contents without a unit").isNull();
    }

    @Test
    void aUnitWithoutItsContentsIsNotCreated() {
        assertThat(apply(Entries.create("a.service", PLAIN, TARGET_STATE_INACTIVE, 0))
                        .getFirst())
                .contains("are unknown");
    }

    @Test
    void aDestroyedUnitDepartsUntilItsMachineSaysItIsGone() {
        running("a.service", "m1");
        apply(destroy("a.service", version("a.service")));
        assertThat(departures("a.service")).containsExactly("m1");
        apply(lost("m1", 1));
        assertThat(departures("a.service"))
                .as("a lost machine may come back with it")
                .containsExactly("m1");
        apply(open("m1", 2, Map.of()));
        apply(gone("m1", 2, 1, "a.service"));
        assertThat(departures("a.service")).isEmpty();
    }

    @Test
    void aMovedUnitDepartsFromWhereItWasAndMayComeBack() {
        running("a.service", "m1");
        apply(open("m2", 1, Map.of()));
        apply(schedule("a.service", version("a.service"), "m2"));
        assertThat(departures("a.service")).containsExactly("m1");
        apply(schedule("a.service", version("a.service"), "m1"));
        assertThat(departures("a.service")).containsExactly("m2");
    }

    @Test
    void anInactiveUnitIsOnNoMachine() {
        running("a.service", "m1");
        apply(target("a.service", version("a.service"), TARGET_STATE_INACTIVE));
        assertThat(unit("a.service").machineId()).isNull();
        assertThat(departures("a.service")).containsExactly("m1");
        assertThat(scheduledTo("m1")).isEmpty();
    }

    @Test
    void eachOrderToStartIsANewGenerationEvenForANameThatCameBack() {
        running("a.service", "m1");
        long first = unit("a.service").startGeneration();
        apply(target("a.service", version("a.service"), TARGET_STATE_LAUNCHED, true));
        long second = unit("a.service").startGeneration();
        apply(target("a.service", version("a.service"), TARGET_STATE_LOADED));
        assertThat(unit("a.service").startGeneration())
                .as("stopping starts nothing")
                .isEqualTo(second);
        apply(destroy("a.service", version("a.service")));
        apply(contents(PLAIN), Entries.create("a.service", PLAIN, TARGET_STATE_LAUNCHED, 0));
        assertThat(first).isLessThan(second);
        assertThat(second).isLessThan(unit("a.service").startGeneration());
    }

    @Test
    void aUnitThatIsToStartAgainIsLaunchedOnlyOnceItsMachineHasDoneSo() {
        running("a.service", "m1");
        long first = unit("a.service").startGeneration();
        apply(report("m1", 1, 2, withGeneration(first)));
        assertThat(current("a.service")).isEqualTo(TARGET_STATE_LAUNCHED);
        apply(target("a.service", version("a.service"), TARGET_STATE_LAUNCHED, true));
        assertThat(current("a.service")).isEqualTo(TARGET_STATE_LOADED);
        apply(report("m1", 1, 3, withGeneration(unit("a.service").startGeneration())));
        assertThat(current("a.service")).isEqualTo(TARGET_STATE_LAUNCHED);
    }

    private static UnitState withGeneration(long generation) {
        return state("a.service", "active", true).toBuilder()
                .setStartGeneration(generation)
                .build();
    }

    @Test
    void otherContentsReplaceAUnitWhereItIs() {
        running("a.service", "m1");
        apply(contents(OTHER), Entries.create("a.service", OTHER, TARGET_STATE_LAUNCHED, version("a.service")));
        assertThat(unit("a.service").hash()).isEqualTo(UnitHash.ofText(OTHER));
        assertThat(unit("a.service").machineId()).isEqualTo("m1");
        assertThat(text(PLAIN)).isNull();
    }

    @Test
    void reportsOfEndedSessionsAndOldReportsAreDropped() {
        running("a.service", "m1");
        apply(open("m1", 2, Map.of()));
        assertThat(apply(report("m1", 1, 9, state("a.service", "failed", true))).getFirst())
                .contains("is over");
        apply(report("m1", 2, 2, state("a.service", "active", true)));
        assertThat(apply(report("m1", 2, 1, state("a.service", "failed", true))).getFirst())
                .contains("was applied before");
        assertThatObject(read(view ->
                        Objects.requireNonNull(view.state("a.service", "m1")).getActiveState()))
                .isEqualTo("active");
    }

    @Test
    void aSecondSessionWithTheSameEpochIsDropped() {
        apply(open("m1", 1, Map.of()));
        assertThat(apply(open("m1", 1, Map.of())).getFirst()).contains("meanwhile");
        assertThat(apply(lost("m1", 7)).getFirst()).contains("another session");
    }

    @Test
    void aLostMachinesStatesGoButItsUnitsStayScheduled() {
        running("a.service", "m1");
        apply(lost("m1", 1));
        assertThatObject(read(RegistryView::stateCount)).isEqualTo(0);
        assertThat(unit("a.service").machineId()).isEqualTo("m1");
        assertThatObject(read(RegistryView::presentMachines)).isEqualTo(0);
    }

    @Test
    void globalUnitsFollowTheMetadataOfMachines() {
        apply(
                open("m1", 1, Map.of("disk", "ssd")),
                open("m2", 1, Map.of()),
                contents(Entries.GLOBAL_SSD),
                Entries.create("g.service", Entries.GLOBAL_SSD, TARGET_STATE_LAUNCHED, 0));
        assertThat(assigned("g.service", "m1")).isTrue();
        assertThat(assigned("g.service", "m2")).isFalse();
        apply(metadata("m1", "disk", "hdd"));
        assertThat(assigned("g.service", "m1")).isFalse();
        assertThat(departures("g.service")).containsExactly("m1");
        apply(metadata("m2", "disk", "ssd"), metadata("m1", "disk", "ssd"));
        assertThat(departures("g.service")).isEmpty();
        apply(destroy("g.service", version("g.service")));
        assertThat(departures("g.service")).containsExactly("m1", "m2");
    }

    @Test
    void globalUnitsComeToMachinesThatJoin() {
        apply(contents(Entries.GLOBAL_SSD), Entries.create("g.service", Entries.GLOBAL_SSD, TARGET_STATE_LAUNCHED, 0));
        apply(open("m1", 1, Map.of("disk", "ssd")), open("m2", 1, Map.of("disk", "hdd")));
        assertThat(assigned("g.service", "m1")).isTrue();
        assertThat(assigned("g.service", "m2")).isFalse();
        apply(lost("m2", 1), open("m2", 2, Map.of("disk", "ssd")));
        assertThat(assigned("g.service", "m2")).isTrue();
    }

    @Test
    void whatOperatorsSayOfAMachineHoldsWhenItLeavesAndComesBack() {
        apply(open("m1", 1, Map.of("disk", "hdd", "zone", "a")), metadata("m1", "disk", "ssd"));
        apply(lost("m1", 1));
        apply(open("m1", 2, Map.of("disk", "hdd", "zone", "b")));
        assertThat(registry.<Map<String, String>>read(view ->
                        Map.copyOf(Objects.requireNonNull(view.machine("m1")).metadata())))
                .isEqualTo(Map.of("disk", "ssd", "zone", "b"));
    }

    /** An engine whose parser reads the file otherwise must not come to another registry. */
    @Test
    void whatTheRecordSaysAUnitWantsCountsWhateverTheStoredFileReads() {
        apply(open("m1", 1, Map.of("disk", "hdd")));
        var facts = UnitFacts.newBuilder()
                .setGlobal(true)
                .addMetadata(MetadataChoice.newBuilder().setKey("disk").addValues("hdd"))
                .build();

        apply(contents(PLAIN), Entries.withFacts(Entries.create("g.service", PLAIN, TARGET_STATE_LAUNCHED, 0), facts));

        var unit = unit("g.service");
        assertThat(unit.global()).isTrue();
        assertThat(unit.wants().facts()).isEqualTo(facts);
        assertThat(assigned("g.service", "m1")).isTrue();
    }

    @Test
    void unitsOfTheSameContentsShareWhatTheyWant() {
        apply(
                contents(Entries.GLOBAL_SSD),
                Entries.withFacts(Entries.create("g.service", Entries.GLOBAL_SSD, TARGET_STATE_LAUNCHED, 0)),
                Entries.withFacts(Entries.create("h.service", Entries.GLOBAL_SSD, TARGET_STATE_LAUNCHED, 0)));

        assertThat(unit("h.service").wants()).isSameAs(unit("g.service").wants());
    }

    @Test
    void aGlobalUnitKeepsOffAUnitThatItConflictsWith() {
        var global = PLAIN + "\n[X-Fleet]\nGlobal=true\nConflicts=a*\n";
        running("a.service", "m1");
        apply(open("m2", 1, Map.of()), contents(global), Entries.create("g.service", global, TARGET_STATE_LAUNCHED, 0));
        assertThat(assigned("g.service", "m1")).isFalse();
        assertThat(assigned("g.service", "m2")).isTrue();
        changes.clear();
        apply(schedule("a.service", version("a.service"), "m2"));
        assertThat(assigned("g.service", "m1")).isTrue();
        assertThat(assigned("g.service", "m2")).isFalse();
        assertThat(departures("g.service")).containsExactly("m2");
        assertThat(changes)
                .as("the machine's agent is told")
                .contains(new Change.OfDeparture("g.service", "m1", false));
        apply(destroy("a.service", version("a.service")));
        assertThat(assigned("g.service", "m2")).isTrue();
        assertThat(departures("g.service")).as("it may stay after all").isEmpty();
    }

    @Test
    void aScheduledUnitThatNamesAGlobalOneKeepsItOff() {
        var jealous = PLAIN + "\n[X-Fleet]\nConflicts=g.service\n";
        var global = PLAIN + "\n[X-Fleet]\nGlobal=true\n";
        apply(
                open("m1", 1, Map.of()),
                contents(jealous),
                Entries.create("j.service", jealous, TARGET_STATE_LAUNCHED, 0));
        apply(schedule("j.service", version("j.service"), "m1"));
        apply(contents(global), Entries.create("g.service", global, TARGET_STATE_LAUNCHED, 0));
        assertThat(assigned("g.service", "m1")).isFalse();
        apply(target("j.service", version("j.service"), TARGET_STATE_INACTIVE));
        apply(unschedule("j.service", version("j.service")));
        assertThat(assigned("g.service", "m1")).isTrue();
    }

    @Test
    void ofGlobalUnitsThatConflictTheLowerNameRuns() {
        var first = PLAIN + "\n[X-Fleet]\nGlobal=true\nConflicts=g*\n";
        apply(
                open("m1", 1, Map.of()),
                contents(first),
                Entries.create("g1.service", first, TARGET_STATE_LAUNCHED, 0),
                Entries.create("g2.service", first, TARGET_STATE_LAUNCHED, 0));
        assertThat(assigned("g1.service", "m1")).isTrue();
        assertThat(assigned("g2.service", "m1")).isFalse();
        apply(Entries.create("g0.service", first, TARGET_STATE_LAUNCHED, 0));
        assertThat(assigned("g0.service", "m1")).isTrue();
        assertThat(departures("g1.service")).containsExactly("m1");
        changes.clear();
        apply(destroy("g0.service", version("g0.service")));
        assertThat(departures("g1.service")).isEmpty();
        assertThat(assigned("g1.service", "m1")).isTrue();
        assertThat(assigned("g2.service", "m1")).isFalse();
    }

    /** The order in an entry is part of a revision: a watch that resumes on another engine would miss one and hear one twice. */
    @Test
    void whatGoesAtOnceIsToldInTheSameOrderByAnEngineThatCameByItInAnother() {
        for (var end : List.of(lost("m1", 1), Entries.whole("m1", 1, 3))) {
            var early = new Registry(100);
            early.apply(1, 1, entry(open("m1", 1, Map.of())));
            // Names of the same hash code.
            early.apply(1, 2, entry(report("m1", 1, 1, state("BB.service", "active", true))));
            early.apply(1, 3, entry(report("m1", 1, 2, state("Aa.service", "active", true))));
            var restored = new Registry(100);
            restored.restore(1, 3, early.capture().rows().iterator());
            for (var engine : List.of(early, restored)) {
                changes.clear();
                engine.addListener(applied -> changes.addAll(applied.changes()));
                engine.apply(1, 4, entry(end));
                assertThat(changes)
                        .filteredOn(Change.OfStateGone.class::isInstance)
                        .containsExactly(
                                new Change.OfStateGone("Aa.service", "m1"), new Change.OfStateGone("BB.service", "m1"));
            }
        }
    }

    @Test
    void wholeBucketsReplaceWhatWasThere() {
        running("a.service", "m1");
        var report = report("m1", 1, 2).toBuilder();
        report.getStatesReportedBuilder().addWholeBuckets(Digest.bucket("a.service"));
        apply(report.build());
        assertThatObject(read(RegistryView::stateCount)).isEqualTo(0);
    }

    @Test
    void aRequestIsDoneOnceHoweverOftenItIsProposed() {
        apply(
                answered("r", 0, 2, ItemCode.ITEM_CODE_OK),
                contents(PLAIN),
                Entries.create("a.service", PLAIN, TARGET_STATE_INACTIVE, 0));
        apply(destroy("a.service", version("a.service")));
        var again = apply(
                answered("r", 0, 2, ItemCode.ITEM_CODE_OK),
                contents(PLAIN),
                Entries.create("a.service", PLAIN, TARGET_STATE_INACTIVE, 0),
                open("m1", 1, Map.of()));
        assertThat(again.get(0)).isEqualTo("answered before");
        assertThat(again.get(2)).isEqualTo("its request was answered before");
        assertThat(again.get(3)).as("what comes after is not its request's").isNull();
        assertThatObject(read(view -> view.unit("a.service"))).isNull();
    }

    @Test
    void answersExpireByTheLeadersTimeAlone() {
        apply(entryAt(1_000_000, answered("r", 0, 0, ItemCode.ITEM_CODE_OK)));
        long kept = 1_000_000 + RequestTable.KEPT.toMillis();
        apply(entryAt(kept));
        assertThat(answers("r")).isEqualTo(1);
        apply(entryAt(kept + 1));
        assertThat(answers("r")).isZero();
        apply(entryAt(5));
        assertThatObject(read(RegistryView::clockMs)).as("the clock only rises").isEqualTo(kept + 1);
    }

    @Test
    void aRequestIdIsGoodForItsWindowOnly() {
        long now = 10_000_000;
        long window = RequestTable.RETRY_WINDOW.toMillis();
        assertThat(refusal(now - window)).isEmpty();
        assertThat(refusal(now - window - 1)).isPresent();
        assertThat(refusal(now + window + 1)).isPresent();
    }

    @Test
    void aClusterIsCreatedOnce() {
        apply(created(7));
        assertThat(apply(created(8))).containsExactly("the cluster exists");
        assertThatObject(read(RegistryView::incarnation)).isEqualTo(7L);
    }

    @Test
    void watchesResumeFromAnyRevisionInTheWindow() {
        running("a.service", "m1");
        var all = after(0).orElseThrow();
        assertThat(all).hasSameSizeAs(changes);
        var middle = all.get(all.size() / 2);
        assertThat(after(middle.version()).orElseThrow()).isEqualTo(all.subList(all.size() / 2 + 1, all.size()));
        // A unit's own version is the place of the event that told of it.
        assertThat(all).anyMatch(event -> event.version() == version("a.service"));
        for (int i = 0; i < 200; i++) {
            apply(metadata("m1", "k", "v" + i));
        }
        assertThat(after(middle.version())).isEmpty();
        assertThat(after(Versions.wholeEntry(index)).orElseThrow()).isEmpty();
    }

    @Test
    void progressOfAUnitIsToldAsAChangeOfTheUnit() {
        running("a.service", "m1");
        changes.clear();
        apply(report("m1", 1, 2, state("a.service", "active", true)));
        assertThat(changes).noneMatch(Change.OfUnit.class::isInstance);
        apply(lost("m1", 1));
        assertThat(changes)
                .anyMatch(change -> change instanceof Change.OfUnit unit
                        && unit.name().equals("a.service")
                        && unit.current() == TARGET_STATE_INACTIVE);
    }

    private void running(String unit, String machine) {
        apply(
                open(machine, 1, Map.of()),
                contents(PLAIN),
                Entries.create(unit, PLAIN, TARGET_STATE_LAUNCHED, 0),
                schedule(unit, IN_THIS_ENTRY, machine));
        apply(report(machine, 1, 1, state(unit, "active", true)));
    }

    private static Record created(long incarnation) {
        return Record.newBuilder()
                .setClusterCreated(ClusterCreated.newBuilder().setIncarnation(incarnation))
                .build();
    }

    private List<@Nullable String> apply(Record... records) {
        return apply(entry(records));
    }

    private List<@Nullable String> apply(Entry entry) {
        return registry.apply(1, ++index, entry).dropped();
    }

    private <T extends @Nullable Object> T read(Function<RegistryView, T> read) {
        return registry.read(read);
    }

    private UnitRecord unit(String name) {
        return Objects.requireNonNull(registry.read(view -> view.unit(name)));
    }

    private long version(String name) {
        return unit(name).version();
    }

    private TargetState current(String name) {
        return read(view -> view.message(unit(name), false).getCurrentState());
    }

    private @Nullable String text(String contents) {
        return registry.read(view -> view.contents(UnitHash.ofText(contents)));
    }

    private List<String> departures(String unit) {
        return read(view -> List.copyOf(view.departures(unit)));
    }

    private boolean assigned(String unit, String machine) {
        return read(view -> view.assigned(unit(unit), Objects.requireNonNull(view.machine(machine))));
    }

    private Optional<List<Event>> after(long version) {
        return registry.read(view -> view.eventsAfter(version, 1000));
    }

    private Optional<String> refusal(long issuedAt) {
        return registry.read(view -> view.refuseRequestMadeAt(issuedAt, 10_000_000));
    }

    private Set<String> scheduledTo(String machine) {
        return registry.read(view -> Set.copyOf(view.scheduledTo(machine)));
    }

    private int answers(String id) {
        return read(view -> view.answers(ByteString.copyFromUtf8(id)).size());
    }
}
