package io.raftfleet.state;

import static io.raftfleet.proto.model.MachineMarkKind.MACHINE_MARK_KIND_DRAINING;
import static io.raftfleet.state.Entries.answered;
import static io.raftfleet.state.Entries.entryAt;
import static io.raftfleet.state.Entries.marked;
import static io.raftfleet.state.Entries.open;
import static io.raftfleet.state.Entries.tokenCreated;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.log.ClockSet;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.raft.ReplicatedState.Row;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The registry's clock leaps, or goes back. */
class ClockSetTest {
    private static final long RIGHT = 1_000_000_000;
    private static final long HOUR = Duration.ofHours(1).toMillis();
    private static final long KEPT = RequestTable.KEPT.toMillis();

    private Registry registry = new Registry(100);
    private long index;

    /** A request is done once, whatever the clock shows meanwhile: its answer is there for as long as the same request may come again. */
    @Test
    void noAnswerGoesBeforeItsTimeHasPassed() {
        apply(entryAt(RIGHT, answered("a", 0, 0, ItemCode.ITEM_CODE_OK)));
        for (long wrong : new long[] {RIGHT + HOUR, RIGHT - HOUR, RIGHT + 400 * 24 * HOUR, 1}) {
            set(wrong);
            assertThat(clockMs()).isEqualTo(wrong);
            apply(entryAt(wrong + KEPT));
            assertThat(answers("a")).isEqualTo(1);
            restart();
            set(RIGHT + 1000);
            apply(entryAt(RIGHT + 1000 + KEPT));
            assertThat(answers("a")).isEqualTo(1);
        }
        apply(entryAt(RIGHT + 1000 + KEPT + 1));
        assertThat(answers("a")).as("kept no longer than others").isZero();
    }

    @Test
    void theRegistryGoesByWhatItIsSetTo() {
        apply(entryAt(RIGHT + HOUR));
        assertThat(refusal(RIGHT, clockMs())).contains("3600 s ago");
        set(RIGHT);
        assertThat(refusal(RIGHT, clockMs())).isEmpty();
        apply(entryAt(RIGHT + 5));
        assertThat(clockMs()).isEqualTo(RIGHT + 5);
        apply(entryAt(RIGHT));
        assertThat(clockMs()).as("by itself it never goes back").isEqualTo(RIGHT + 5);
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

        set(RIGHT + 1000);

        assertThat(mark("m1")).isEqualTo(before);
        assertThat(mark("m2").sinceMs()).isEqualTo(RIGHT + 1000);
        assertThat(mark("m2").deadlineMs()).isEqualTo(RIGHT + 61_000);
        assertThat(tokens()).isEqualTo(1);
        restart();
        apply(entryAt(RIGHT + 6_000));
        assertThat(tokens()).as("a token of five seconds").isZero();
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

    private void set(long toMs) {
        var record = Record.newBuilder()
                .setClockSet(ClockSet.newBuilder().setToMs(toMs))
                .build();
        assertThat(apply(entryAt(clockMs(), record).toBuilder()
                        .setFormat(EntryFormats.WITH_CLOCK_SET)
                        .build()))
                .containsOnlyNulls();
    }

    private long clockMs() {
        return registry.<Long>read(RegistryView::clockMs);
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
