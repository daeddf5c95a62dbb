package io.raftfleet.agent.main;

import static com.google.common.util.concurrent.Uninterruptibles.awaitUninterruptibly;
import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.agent.loop.SharedLoop;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;

class SharedTest {
    @Test
    void whileAFileIsWrittenOnlyTheLatestWaits() throws Exception {
        var files = Shared.latestWins();
        var busy = new CountDownLatch(1);
        var began = new CountDownLatch(1);
        List<Integer> written = new CopyOnWriteArrayList<>();
        files.execute(() -> {
            began.countDown();
            awaitUninterruptibly(busy);
            written.add(0);
        });
        began.await();
        for (int number = 1; number <= 1000; number++) {
            int which = number;
            files.execute(() -> written.add(which));
        }
        busy.countDown();
        files.shutdown();
        assertThat(files.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        assertThat(written).containsExactly(0, 1000);
    }

    /** Several threads hand in tasks at once: the session's, the manager's, timers. */
    @Test
    void noTaskOfALoopIsLostHoweverManyThreadsHandThemIn() throws Exception {
        var pool = Shared.pool(1);
        var loop = new SharedLoop(pool, Executors.newSingleThreadScheduledExecutor());
        var ran = new LongAdder();
        var givers = Executors.newFixedThreadPool(4);
        try {
            var all = new CountDownLatch(4);
            for (int giver = 0; giver < 4; giver++) {
                givers.execute(() -> {
                    for (int task = 0; task < 20_000; task++) {
                        var done = new CountDownLatch(1);
                        loop.execute(() -> {
                            ran.increment();
                            done.countDown();
                        });
                        if (!awaitUninterruptibly(done, 10, TimeUnit.SECONDS)) {
                            break;
                        }
                    }
                    all.countDown();
                });
            }
            all.await();
            assertThat(ran.sum()).isEqualTo(80_000);
        } finally {
            givers.shutdownNow();
            pool.shutdownNow();
        }
    }
}
