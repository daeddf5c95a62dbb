package io.raftfleet.engine.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SharedConfirmationsTest {
    private static final Duration PAUSE = Duration.ofMillis(250);

    private final HandTimer timer = new HandTimer();
    private final Quorum quorum = new Quorum();
    private final SharedConfirmations shared = new SharedConfirmations(quorum, PAUSE, timer);

    @AfterEach
    void close() {
        timer.shutdownNow();
    }

    @Test
    void theFirstIsAskedAtOnceAndThoseOfThePauseAfterItTogether() {
        var first = shared.confirm();
        assertThat(quorum.asked).hasSize(1);
        var second = shared.confirm();
        var third = shared.confirm();
        quorum.confirm(0);
        assertThat(first).isCompleted();
        assertThat(second).as("its question has not begun").isNotDone();

        timer.next();
        assertThat(quorum.asked).hasSize(2);
        assertThat(second).isNotDone();
        var fourth = shared.confirm();
        quorum.confirm(1);
        assertThat(second).isCompleted();
        assertThat(third).isCompleted();
        assertThat(fourth).as("it came when that question had begun").isNotDone();
        timer.next();
        quorum.confirm(2);
        assertThat(fourth).isCompleted();
    }

    @Test
    void whenNobodyCameTheNextIsAskedAtOnceAgain() {
        var first = shared.confirm();
        quorum.confirm(0);
        timer.next();
        assertThat(timer.tasks).isEmpty();
        var second = shared.confirm();
        assertThat(quorum.asked).hasSize(2);
        quorum.confirm(1);
        assertThat(List.of(first, second)).allSatisfy(each -> assertThat(each).isCompleted());
    }

    @Test
    void whatIsNotConfirmedFailsForAllAndTheNextAreAskedAllTheSame() {
        var first = shared.confirm();
        var second = shared.confirm();
        quorum.asked.get(0).completeExceptionally(new IllegalStateException("not the leader"));
        timer.next();
        quorum.asked.get(1).completeExceptionally(new IllegalStateException("not the leader"));
        assertThat(first).isCompletedExceptionally();
        assertThat(second).isCompletedExceptionally();
        var third = shared.confirm();
        timer.next();
        quorum.confirm(2);
        assertThat(third).isCompleted();
    }

    private static final class Quorum implements LeadershipCheck {
        private final List<CompletableFuture<Long>> asked = new ArrayList<>();

        void confirm(int question) {
            asked.get(question).complete(1L);
        }

        @Override
        public CompletableFuture<Long> confirm() {
            var answer = new CompletableFuture<Long>();
            asked.add(answer);
            return answer;
        }

        @Override
        public String leaderGrpc() {
            return "";
        }

        @Override
        public long term() {
            return 1;
        }
    }

    /** Does what is due when it is told to. */
    private static final class HandTimer extends ScheduledThreadPoolExecutor {
        private final Deque<Runnable> tasks = new ArrayDeque<>();

        HandTimer() {
            super(0);
        }

        @Override
        public ScheduledFuture<?> schedule(Runnable task, long delay, TimeUnit unit) {
            assertThat(unit.toNanos(delay)).isEqualTo(PAUSE.toNanos());
            tasks.add(task);
            return super.schedule(() -> {}, 1, TimeUnit.DAYS);
        }

        void next() {
            tasks.remove().run();
        }
    }
}
