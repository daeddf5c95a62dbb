package io.raftfleet.unit.tasks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TickerTest {
    private final ByHand timer = new ByHand();
    private final Ticker ticker = new Ticker(timer, () -> timer.now);
    private final List<String> runs = new ArrayList<>();

    @AfterEach
    void stop() {
        timer.shutdownNow();
    }

    /** A timer whose one task runs when a test says so. */
    private static final class ByHand extends ScheduledThreadPoolExecutor {
        private long now = Long.MAX_VALUE - Duration.ofMillis(700).toNanos();
        private long due;
        private @Nullable Runnable next;
        private int wakings;

        ByHand() {
            super(1);
        }

        @Override
        @SuppressWarnings("NullAway") // Nobody asks for the future.
        public ScheduledFuture<?> schedule(Runnable task, long delay, TimeUnit unit) {
            assertThat(next).as("one waking at a time").isNull();
            next = task;
            due = now + unit.toNanos(delay);
            return null;
        }

        void wake(Duration late) {
            now = due + late.toNanos();
            var task = next;
            next = null;
            wakings++;
            assertThat(task).isNotNull();
            task.run();
        }
    }

    private void every(Duration period, String name) {
        ticker.every(period, () -> runs.add(name));
    }

    private void pass(Duration time) {
        long end = timer.now + time.toNanos();
        while (timer.due - end <= 0) {
            timer.wake(Duration.ZERO);
        }
        timer.now = end;
    }

    @Test
    void tasksWhosePeriodsMeetShareTheirWakings() {
        every(Duration.ofSeconds(1), "a");
        timer.now += 123_456; // Where each is added later than the last.
        every(Duration.ofSeconds(1), "b");
        every(Duration.ofMillis(500), "c");
        ticker.start();
        pass(Duration.ofSeconds(10));
        assertThat(timer.wakings).isEqualTo(20);
        assertThat(runs).hasSize(40).startsWith("c", "a", "b", "c");
    }

    @Test
    void whatIsMissedIsNotMadeUpFor() {
        every(Duration.ofSeconds(1), "a");
        ticker.start();
        timer.wake(Duration.ofMillis(4_300));
        assertThat(runs).containsExactly("a");
        timer.wake(Duration.ZERO);
        assertThat(runs).hasSize(2);
        assertThat(timer.due - timer.now).isEqualTo(Duration.ofSeconds(1).toNanos());
    }

    @Test
    void aPeriodMayChangeWithWhatThereIsToDo() {
        ticker.every(() -> Duration.ofMillis(runs.size() < 4 ? 250 : 1_000), () -> runs.add("a"));
        ticker.start();
        pass(Duration.ofSeconds(1));
        assertThat(runs).hasSize(4);
        pass(Duration.ofSeconds(3));
        assertThat(runs).hasSize(7);
    }

    @Test
    void whatThrowsRunsAgainAndHoldsUpNoOther() {
        ticker.every(Duration.ofSeconds(1), () -> {
            runs.add("thrown");
            throw new IllegalStateException("broken");
        });
        every(Duration.ofSeconds(1), "a");
        ticker.start();
        for (int second = 1; second <= 2; second++) {
            assertThatThrownBy(() -> timer.wake(Duration.ZERO)).hasMessage("broken");
            assertThat(timer.due).as("the other at once").isEqualTo(timer.now);
            timer.wake(Duration.ZERO);
        }
        assertThat(runs).containsExactly("thrown", "a", "thrown", "a");
    }

    @Test
    void endsQuietlyWithItsTimer() {
        var real = new ScheduledThreadPoolExecutor(1);
        var ended = new Ticker(real, () -> timer.now);
        ended.every(Duration.ofSeconds(1), () -> runs.add("never"));
        real.shutdownNow();
        ended.start();
        assertThat(runs).isEmpty();
    }
}
