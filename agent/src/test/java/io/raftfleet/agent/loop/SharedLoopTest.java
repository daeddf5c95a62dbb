package io.raftfleet.agent.loop;

import static com.google.common.util.concurrent.Uninterruptibles.awaitUninterruptibly;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SharedLoopTest {
    private final ScheduledExecutorService pool = Executors.newSingleThreadScheduledExecutor();
    private final List<Throwable> defects = new ArrayList<>();
    private final SharedLoop loop = new SharedLoop(pool, pool, 3, defects::add);

    @AfterEach
    void end() {
        pool.shutdownNow();
    }

    @Test
    void oneTaskTooManyIsADefectAndTheOthersRun() throws Exception {
        var busy = new CountDownLatch(1);
        var began = new CountDownLatch(1);
        loop.execute(() -> {
            began.countDown();
            awaitUninterruptibly(busy);
        });
        began.await();
        List<Integer> done = new ArrayList<>();
        for (int number = 1; number <= 4; number++) {
            int which = number;
            loop.execute(() -> done.add(which));
        }
        assertThat(defects)
                .singleElement()
                .satisfies(defect -> assertThat(defect).hasMessageContaining("3 tasks"));
        busy.countDown();
        var last = new CompletableFuture<List<Integer>>();
        pool.execute(() -> loop.execute(() -> last.complete(List.copyOf(done))));
        assertThat(last.get(10, TimeUnit.SECONDS)).containsExactly(1, 2, 3);
    }
}
