package io.raftfleet.state;

import static io.raftfleet.state.Entries.contents;
import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.RolloutAdvanced;
import io.raftfleet.proto.log.RolloutFile;
import io.raftfleet.proto.log.RolloutForgotten;
import io.raftfleet.proto.log.RolloutStarted;
import io.raftfleet.proto.log.RolloutUnit;
import io.raftfleet.proto.model.RolloutPhase;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Rollouts as rows of the registry, and what they keep. */
class RolloutTableTest {
    private static final String OLD = "[Service]\nExecStart=/bin/old\n";
    private static final String NEW = "[Service]\nExecStart=/bin/new\n";

    private final Registry registry = new Registry(100);
    private long index;

    RolloutTableTest() {
        apply(contents(OLD), Entries.create("a.service", OLD, TargetState.TARGET_STATE_LAUNCHED, 0));
    }

    @Test
    void filesAreKeptUntilItIsForgotten() {
        long empty = registry.heapBytes();
        assertThat(apply(contents(NEW), started("r1"))).containsOnlyNulls();
        assertThat(has(NEW)).as("no unit has it yet").isTrue();
        long version = registry.<Long>read(
                view -> Objects.requireNonNull(view.unit("a.service")).version());
        apply(Entries.create("a.service", NEW, TargetState.TARGET_STATE_LAUNCHED, version));
        assertThat(has(OLD)).as("no unit has it any more").isTrue();
        assertThat(registry.heapBytes()).isGreaterThan(empty);
        assertThat(apply(forgotten("r1"))).containsOnlyNulls();
        assertThat(has(OLD)).isFalse();
        assertThat(has(NEW)).isTrue();
        assertThat(apply(forgotten("r1"))).containsExactly("there is no rollout r1");
    }

    @Test
    void whatDoesNotHoldIsDropped() {
        assertThat(apply(started("r1"))).containsExactly("a file of rollout r1 is unknown");
        apply(contents(NEW), started("r1"));
        assertThat(apply(started("r1"))).containsExactly("rollout r1 exists");
        assertThat(apply(advanced("r2", 1))).containsExactly("there is no rollout r2");
        assertThat(apply(advanced("r1", 2))).containsExactly("rollout r1 has got on meanwhile");
        assertThat(apply(advanced("r1", 1))).containsOnlyNulls();
    }

    @Test
    void aCheckpointHoldsItWithItsFiles() {
        apply(contents(NEW), started("r1"));
        apply(advanced("r1", 1));
        var again = new Registry(100);
        again.restore(1, index, registry.capture().rows().iterator());
        assertThat(again.digest()).isEqualTo(registry.digest());
        assertThat(again.heapBytes()).isEqualTo(registry.heapBytes());
        assertThat(again.<@Nullable Rollout>read(view -> view.rollout("r1")))
                .isEqualTo(registry.<@Nullable Rollout>read(view -> view.rollout("r1")))
                .isNotNull();
        var result = again.apply(1, index + 1, Entries.entry(forgotten("r1")));
        assertThat(result.dropped()).containsOnlyNulls();
        assertThat(again.<Boolean>read(view -> view.contents(hash(NEW)) == null))
                .isTrue();
    }

    @Test
    void whatIsThoughtOfOnlyChangesNothing() {
        apply(contents(NEW), started("r1"));
        var before = registry.digest();
        var ahead = registry.speculate();
        assertThat(ahead.apply(forgotten("r1"))).isEmpty();
        assertThat(ahead.<Boolean>read(view -> view.rollouts().isEmpty())).isTrue();
        assertThat(ahead.<Boolean>read(view -> view.contents(hash(NEW)) == null))
                .isTrue();
        assertThat(registry.digest()).isEqualTo(before);
        assertThat(has(NEW)).isTrue();
        assertThat(registry.<Integer>read(view -> view.rollouts().size())).isEqualTo(1);
    }

    @Test
    void itsRecordsHaveAFormatOfTheirOwn() {
        assertThat(EntryFormats.needed(List.of(started("r1")))).isEqualTo(EntryFormats.WITH_ROLLOUTS);
        assertThat(EntryFormats.needed(List.of(advanced("r1", 1)))).isEqualTo(EntryFormats.WITH_ROLLOUTS);
        assertThat(EntryFormats.needed(List.of(forgotten("r1")))).isEqualTo(EntryFormats.WITH_ROLLOUTS);
        var passed = advanced("r1", 1).toBuilder();
        passed.getRolloutAdvancedBuilder().setLeftAlone(1).setFirstLeftAlone("web@1.service");
        assertThat(EntryFormats.needed(List.of(passed.build()))).isEqualTo(EntryFormats.WITH_LEFT_ALONE);
    }

    @Test
    void aStepOfTheFirstFormatSaysWhatItSaidInTheVersionThatBeganIt() {
        var started = started("r1").getRolloutStarted();
        int units = started.getUnitsCount();
        var done = Rollout.of(started, 1)
                .advanced(
                        advanced("r1", 1).getRolloutAdvanced().toBuilder()
                                .setPhase(RolloutPhase.ROLLOUT_PHASE_DONE)
                                .setBack(false)
                                .build(),
                        2);
        assertThat(done.words())
                .as("an engine of the version before applies the same entry, and keeps the same event")
                .isEqualTo("rollout r1: done, " + units + " units");
        var one = Rollout.of(
                        started.toBuilder()
                                .clearUnits()
                                .addUnits(started.getUnits(0))
                                .build(),
                        1)
                .advanced(done.now(), 2);
        assertThat(one.words()).isEqualTo("rollout r1: done, 1 units");
    }

    private List<@Nullable String> apply(Record... records) {
        return registry.apply(1, ++index, Entries.entry(records)).dropped();
    }

    private boolean has(String text) {
        return registry.<Boolean>read(view -> view.contents(hash(text)) != null);
    }

    private static UnitHash hash(String text) {
        return UnitFile.stored(text).hash();
    }

    private static RolloutFile file(String text) {
        return RolloutFile.newBuilder().setHash(hash(text).toByteString()).build();
    }

    private static Record started(String id) {
        return Record.newBuilder()
                .setRolloutStarted(RolloutStarted.newBuilder()
                        .setId(id)
                        .addFiles(file(OLD))
                        .addFiles(file(NEW))
                        .addUnits(RolloutUnit.newBuilder()
                                .setName("a.service")
                                .setBefore(0)
                                .setAfter(1))
                        .setMaxUnavailable(1)
                        .setCanary(1))
                .build();
    }

    private static Record advanced(String id, long step) {
        return Record.newBuilder()
                .setRolloutAdvanced(RolloutAdvanced.newBuilder()
                        .setId(id)
                        .setStep(step)
                        .setPhase(RolloutPhase.ROLLOUT_PHASE_PAUSED)
                        .setReason("because"))
                .build();
    }

    private static Record forgotten(String id) {
        return Record.newBuilder()
                .setRolloutForgotten(RolloutForgotten.newBuilder().setId(id))
                .build();
    }
}
