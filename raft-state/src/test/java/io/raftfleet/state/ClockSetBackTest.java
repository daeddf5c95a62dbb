package io.raftfleet.state;

import static io.raftfleet.proto.model.MachineMarkKind.MACHINE_MARK_KIND_DRAINING;
import static io.raftfleet.state.Entries.answered;
import static io.raftfleet.state.Entries.entryAt;
import static io.raftfleet.state.Entries.marked;
import static io.raftfleet.state.Entries.open;
import static io.raftfleet.state.Entries.tokenCreated;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatObject;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.log.ClockSetBack;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.raft.ReplicatedState.Row;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** An engine led whose clock was ahead; now one leads whose clock is right. */
class ClockSetBackTest {
    private static final long RIGHT = 1_000_000_000;
    private static final long HOUR = Duration.ofHours(1).toMillis();
    private static final long KEPT = RequestTable.KEPT.toMillis();

    private Registry registry = new Registry(100);
    private long index;

    @Test
    void requestsAreDoneAgainAndWhatCameBeforeIsRefused() {
        apply(entryAt(RIGHT, answered("early", 0, 0, ItemCode.ITEM_CODE_OK)));
        apply(entryAt(RIGHT + HOUR, answered("ahead", 0, 0, ItemCode.ITEM_CODE_OK)));
        assertThat(answers("early")).as("the jump was the end of it").isZero();
        assertThat(refusal(RIGHT + 1000, RIGHT + HOUR)).contains("3599 s ago");

        assertThat(setBack(RIGHT + 1000)).containsOnlyNulls();

        assertThatObject(registry.read(RegistryView::clockMs)).isEqualTo(RIGHT + 1000);
        assertThat(refusal(RIGHT + 1000, RIGHT + 1000)).isEmpty();
        assertThat(refusal(RIGHT + 999, RIGHT + 1000)).contains("set right");
        assertThat(answers("ahead")).isEqualTo(1);
        restart();
        assertThat(refusal(RIGHT + 999, RIGHT + 1000)).contains("set right");
        apply(entryAt(RIGHT + 1000 + KEPT));
        assertThat(answers("ahead")).isEqualTo(1);
        apply(entryAt(RIGHT + 1000 + KEPT + 1));
        assertThat(answers("ahead")).as("kept no longer than others").isZero();
    }

    @Test
    void afterAShortJumpAllAnswersAreThereAndNothingIsRefused() {
        apply(entryAt(RIGHT, answered("early", 0, 0, ItemCode.ITEM_CODE_OK)));
        apply(entryAt(RIGHT + KEPT / 2));
        assertThat(setBack(RIGHT + 1000)).containsOnlyNulls();
        assertThat(answers("early")).isEqualTo(1);
        assertThat(refusal(RIGHT, RIGHT + 1000)).isEmpty();
    }

    @Test
    void whatWasBegunAheadLastsAsLongAsItWasTo() {
        apply(entryAt(RIGHT, open("m1", 1, Map.of()), open("m2", 1, Map.of())));
        apply(entryAt(RIGHT, marked("m1", MACHINE_MARK_KIND_DRAINING, 3, 2 * HOUR)));
        apply(entryAt(
                RIGHT + HOUR,
                marked("m2", MACHINE_MARK_KIND_DRAINING, 3, 60_000),
                tokenCreated("t", 1, RIGHT + HOUR + 5_000)));
        var before = mark("m1");

        assertThat(setBack(RIGHT + 1000)).containsOnlyNulls();

        assertThat(mark("m1")).isEqualTo(before);
        assertThat(mark("m2").sinceMs()).isEqualTo(RIGHT + 1000);
        assertThat(mark("m2").deadlineMs()).isEqualTo(RIGHT + 61_000);
        assertThat(tokens()).isEqualTo(1);
        restart();
        apply(entryAt(RIGHT + 6_000));
        assertThat(tokens()).as("a token of five seconds").isZero();
    }

    @Test
    void aClockThatIsNotAheadStays() {
        apply(entryAt(RIGHT));
        assertThat(setBack(RIGHT)).singleElement().asString().contains("not ahead");
        assertThatObject(registry.read(RegistryView::clockMs)).isEqualTo(RIGHT);
    }

    /** From a checkpoint. */
    private void restart() {
        var restored = new Registry(100);
        restored.restore(
                1,
                index,
                registry.capture().rows().stream()
                        .filter(row -> row.value() != null) // What has gone.
                        .map(row -> new Row(row.key(), row.value()))
                        .iterator());
        assertThat(restored.digest()).isEqualTo(registry.digest());
        registry = restored;
    }

    private List<@Nullable String> setBack(long toMs) {
        return apply(
                entryAt(
                                toMs,
                                Record.newBuilder()
                                        .setClockSetBack(
                                                ClockSetBack.newBuilder().setToMs(toMs))
                                        .build())
                        .toBuilder()
                        .setFormat(EntryFormats.WITH_CLOCK_SET_BACK)
                        .build());
    }

    private List<@Nullable String> apply(Entry entry) {
        return registry.apply(1, ++index, entry).dropped();
    }

    private int answers(String id) {
        return registry.<Integer>read(
                view -> view.answers(ByteString.copyFromUtf8(id)).size());
    }

    private int tokens() {
        return registry.<Integer>read(view -> view.tokens().size());
    }

    private String refusal(long issuedAtMs, long nowMs) {
        return registry.read(view -> view.refuseRequestMadeAt(issuedAtMs, nowMs))
                .orElse("");
    }

    private Mark mark(String machine) {
        return registry.read(
                view -> Objects.requireNonNull(view.machine(machine)).mark());
    }
}
