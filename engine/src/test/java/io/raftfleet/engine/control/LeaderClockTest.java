package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.log.Entry;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LeaderClockTest {
    private static final long START = Instant.ofEpochSecond(1_800_000_000).toEpochMilli();
    private static final Duration PAUSE = Duration.ofHours(8);
    private static final Duration SECOND = Duration.ofSeconds(1);

    private final Registry registry = new Registry(1000);
    private final MemoryLog raft = new MemoryLog(registry);
    private long wall = START;
    private long nanos;
    private final LeaderClock clock = new LeaderClock(
            new Controller.Inputs("e1", registry, raft, () -> Instant.ofEpochMilli(wall), new Random(7)), () -> nanos);

    LeaderClockTest() {
        write();
    }

    @Test
    void aLeaderThatHasWrittenNothingForLongKnowsThatTimeHasPassed() {
        clock.leading();
        pass(PAUSE);
        assertThat(clock.isOff()).isFalse();
        assertThat(clock.stamp()).isEqualTo(clock.now()).isEqualTo(START + PAUSE.toMillis());
        write();
        pass(PAUSE);
        assertThat(clock.isOff()).isFalse();
    }

    @Test
    void aNewLeaderDoesNot() {
        pass(PAUSE);
        clock.leading();
        assertThat(clock.isOff()).isTrue();
        assertThat(clock.waits()).isFalse();
        assertThat(clock.stamp()).isEqualTo(START);
        assertThat(clock.correction())
                .hasValueSatisfying(
                        set -> assertThat(set.getClockSet().getToMs()).isEqualTo(START + PAUSE.toMillis()));
    }

    @Test
    void aWallClockThatWasSetIsNoTimeThatHasPassed() {
        clock.leading();
        wall += PAUSE.toMillis();
        assertThat(clock.isOff()).isTrue();
        pass(SECOND);
        write();
        wall -= PAUSE.toMillis();
        assertThat(clock.isOff()).isTrue();
    }

    /** A unit is not taken for up for hours since the clock jumped between two looks. */
    @Test
    void whatHappensToAClockBetweenTwoLooksIsNotDecidedBy() {
        clock.leading();
        wall += PAUSE.toMillis();
        assertThat(clock.now()).isEqualTo(START + ClusterTime.FAR.toMillis());
        wall -= 2 * PAUSE.toMillis();
        assertThat(clock.now()).isEqualTo(START);
    }

    @Test
    void itWaitsForTheOthersForASecondAndThenDecides() {
        raft.clocks(3);
        pass(PAUSE);
        clock.leading();
        assertThat(clock.isOff()).isTrue();
        assertThat(clock.waits()).isTrue();
        pass(SECOND);
        assertThat(clock.isOff()).isTrue();
        assertThat(clock.waits()).isFalse();
        assertThat(clock.correction()).isPresent();

        wall -= 2 * PAUSE.toMillis();
        assertThat(clock.isOff()).as("back goes only what most show").isFalse();
        assertThat(clock.correction()).isEmpty();

        clock.leading();
        assertThat(clock.isOff()).as("each leadership waits anew").isTrue();
        assertThat(clock.waits()).isTrue();
    }

    /** As during an upgrade: engines of before tell no time, and the registry's leaps by itself. */
    @Test
    void whereNotAllKnowHowItIsSetALeaderWaitsForNothingAfterAPause() {
        raft.agree(EntryFormats.WITH_CLOCK_SET - 1);
        raft.clocks(3);
        pass(PAUSE);
        clock.leading();
        assertThat(clock.isOff()).isFalse();
        assertThat(clock.now()).isEqualTo(START + PAUSE.toMillis());
    }

    private void pass(Duration time) {
        wall += time.toMillis();
        nanos += time.toNanos();
    }

    private void write() {
        clock.look();
        var unused = raft.propose(
                Entry.newBuilder().setFormat(1).setLeaderTimeMs(clock.now()).build(), SECOND);
        clock.written();
    }
}
