package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.equalTo;

import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the watchdog sees of reads. */
class ReadThreadsTest {
    private final ReadThreads threads = new ReadThreads(1);
    private final Semaphore mayEnd = new Semaphore(0);
    private final AtomicInteger begun = new AtomicInteger();

    @AfterEach
    void close() {
        threads.close();
    }

    @Test
    void slowReadsThatManyWaitForAreNotStuckAndOneThatDoesNotEndIs() {
        var part = threads.progress();
        assertThat(part.stuck()).as("nothing to do").isEmpty();
        assertThat(part.stuck()).isEmpty();
        for (int i = 0; i < 10; i++) {
            threads.execute(() -> {
                begun.incrementAndGet();
                mayEnd.acquireUninterruptibly();
            });
        }
        awaitBegun(1);
        assertThat(part.stuck()).as("the first look").isEmpty();
        for (int look = 1; look < 10; look++) {
            mayEnd.release();
            awaitBegun(look + 1); // So the one before has ended.
            assertThat(part.stuck()).as("look %d: one has ended since", look).isEmpty();
        }
        assertThat(part.stuck()).as("none has").contains("reading makes no progress");
        mayEnd.release();
        await().untilAsserted(() -> assertThat(part.stuck()).as("all have").isEmpty());
        assertThat(part.stuck()).isEmpty();
    }

    private void awaitBegun(int reads) {
        await().untilAtomic(begun, equalTo(reads));
    }
}
