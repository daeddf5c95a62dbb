package io.raftfleet.unit.tasks;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WatchedTimerTest {
    private final LinkedBlockingQueue<String> failures = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<String> uncaught = new LinkedBlockingQueue<>();
    private final WatchedTimer timer = new WatchedTimer(
            Thread.ofPlatform()
                    .daemon()
                    .uncaughtExceptionHandler((thread, e) -> uncaught.add(String.valueOf(e.getMessage())))
                    .factory(),
            e -> failures.add(String.valueOf(e.getMessage())));

    @AfterEach
    void stop() {
        timer.shutdownNow();
    }

    @Test
    void whatATaskThrowsIsToldHoweverItWasHandedIn() throws Exception {
        timer.execute(() -> fail("executed"));
        var submitted = timer.submit(() -> fail("submitted"));
        var scheduled = timer.schedule(() -> fail("scheduled"), 1, TimeUnit.MILLISECONDS);
        assertThat(failures.poll(10, TimeUnit.SECONDS)).isEqualTo("executed");
        assertThat(failures.poll(10, TimeUnit.SECONDS)).isEqualTo("submitted");
        assertThat(failures.poll(10, TimeUnit.SECONDS)).isEqualTo("scheduled");
        assertThat(submitted.get()).isNull();
        assertThat(scheduled.get()).isNull();
        assertThat(uncaught).isEmpty();
    }

    @Test
    void whatIsToBeDoneBeforeATaskThrowsInItsPlace() throws Exception {
        var told = new LinkedBlockingQueue<String>();
        var fails = new AtomicBoolean(true);
        var careful = new WatchedTimer(Thread.ofPlatform().daemon().factory(), e -> told.add("defect"), () -> {
            if (fails.getAndSet(false)) {
                fail("before");
            }
            told.add("before");
        });
        careful.execute(() -> told.add("left out"));
        careful.execute(() -> told.add("done"));
        assertThat(told.poll(10, TimeUnit.SECONDS)).isEqualTo("defect");
        assertThat(told.poll(10, TimeUnit.SECONDS)).isEqualTo("before");
        assertThat(told.poll(10, TimeUnit.SECONDS)).isEqualTo("done");
        careful.shutdownNow();
    }

    @Test
    void aPeriodicTaskThatThrewRunsOn() throws Exception {
        var runs = new CountDownLatch(3);
        var unused = timer.scheduleWithFixedDelay(
                () -> {
                    runs.countDown();
                    fail("again");
                },
                0,
                1,
                TimeUnit.MILLISECONDS);
        assertThat(runs.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(failures).hasSizeGreaterThanOrEqualTo(2);
    }

    @Test
    void anErrorReachesTheHandlerThatEndsTheProcess() throws Exception {
        timer.execute(() -> {
            throw new AssertionError("out of memory, say");
        });
        assertThat(uncaught.poll(10, TimeUnit.SECONDS)).isEqualTo("out of memory, say");
        assertThat(failures).containsExactly("out of memory, say");
    }

    private static void fail(String why) {
        throw new IllegalStateException(why);
    }
}
