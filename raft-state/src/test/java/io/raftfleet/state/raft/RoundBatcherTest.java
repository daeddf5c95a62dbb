package io.raftfleet.state.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.state.raft.ReplicationException.Unavailable;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RoundBatcherTest {
    private static final Duration LONG = Duration.ofMinutes(10);
    private static final long SOON_SECONDS = 10;

    private final ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1);

    {
        timer.setRemoveOnCancelPolicy(true);
    }

    private final BlockingQueue<CompletableFuture<String>> rounds = new LinkedBlockingQueue<>();
    private final RoundBatcher<String> batcher = new RoundBatcher<>("answer", this::round, LONG, true, 3, timer);

    private CompletableFuture<String> round() {
        var round = new CompletableFuture<String>();
        rounds.add(round);
        return round;
    }

    private CompletableFuture<String> nextRound() throws InterruptedException {
        var round = rounds.poll(SOON_SECONDS, TimeUnit.SECONDS);
        assertThat(round).as("a round has begun").isNotNull();
        return round;
    }

    @AfterEach
    void end() {
        batcher.close();
        timer.shutdownNow();
    }

    @Test
    void whoComesDuringARoundIsServedByTheNext() throws Exception {
        var first = batcher.join(LONG);
        var round = nextRound();
        var second = batcher.join(LONG);
        var third = batcher.join(LONG);
        round.complete("one");
        assertThat(first.get(SOON_SECONDS, TimeUnit.SECONDS)).isEqualTo("one");
        nextRound().complete("two");
        assertThat(second.get(SOON_SECONDS, TimeUnit.SECONDS)).isEqualTo("two");
        assertThat(third.get(SOON_SECONDS, TimeUnit.SECONDS)).isEqualTo("two");
        assertThat(batcher.rounds()).isEqualTo(2);
    }

    @Test
    void aRoundToAnOldLeaderIsNotWaitedFor() throws Exception {
        var caller = batcher.join(LONG);
        assertThat(nextRound()).as("never answered").isNotDone();
        batcher.renew();
        nextRound().complete("the new leader's");
        assertThat(caller.get(SOON_SECONDS, TimeUnit.SECONDS)).isEqualTo("the new leader's");
    }

    @Test
    void aFailedRoundIsRepeatedUntilOneSucceeds() throws Exception {
        var caller = batcher.join(LONG);
        nextRound().completeExceptionally(new Unavailable("no leader"));
        nextRound().completeExceptionally(new Unavailable("no leader"));
        nextRound().complete("there is one");
        assertThat(caller.get(SOON_SECONDS, TimeUnit.SECONDS)).isEqualTo("there is one");
    }

    @Test
    void whoIsServedWhenItClosesIsToldAtOnceAndARoundThatFailsLaterIsNotRepeated() throws Exception {
        var served = batcher.join(LONG);
        var round = nextRound();
        var next = batcher.join(LONG);
        batcher.close();
        for (var waiter : List.of(served, next, batcher.join(LONG))) {
            assertThatThrownBy(() -> waiter.get(SOON_SECONDS, TimeUnit.SECONDS))
                    .hasCauseInstanceOf(Unavailable.class)
                    .hasMessageContaining("stopping");
        }
        round.completeExceptionally(new Unavailable("no leader"));
        assertThat(timer.getQueue()).isEmpty();
    }

    @Test
    void whoWaitsForARepetitionWhenItClosesIsTold() throws Exception {
        var waiter = batcher.join(LONG);
        nextRound().completeExceptionally(new Unavailable("no leader"));
        batcher.close();
        assertThatThrownBy(() -> waiter.get(SOON_SECONDS, TimeUnit.SECONDS)).hasMessageContaining("stopping");
    }

    @Test
    void tooManyCallersAreRefused() {
        for (int i = 0; i < 3; i++) {
            assertThat(batcher.join(LONG)).isNotDone();
        }
        assertThatThrownBy(() -> batcher.join(LONG).get(SOON_SECONDS, TimeUnit.SECONDS))
                .hasCauseInstanceOf(Unavailable.class)
                .hasMessageContaining("3 calls wait");
    }
}
