package io.raftfleet.agent.systemd;

import static com.google.common.util.concurrent.Uninterruptibles.awaitUninterruptibly;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.raftfleet.agent.manager.UnitManagerException;
import io.raftfleet.unit.tasks.WatchedTimer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class ManagerThreadTest {
    private final ManagerThread thread = new ManagerThread();
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger(ManagerThread.class);

    @BeforeEach
    void listen() {
        log.start();
        logger.addAppender(log);
    }

    @AfterEach
    void close() {
        thread.close(() -> {});
        logger.detachAppender(log);
    }

    @Test
    void whatATaskThrowsIsLoggedAndTheThreadGoesOn() throws Exception {
        thread.run(() -> fail("now"));
        thread.later(() -> fail("later"), Duration.ofMillis(1));
        var after = new CompletableFuture<String>();
        thread.later(() -> after.complete("done"), Duration.ofMillis(20));
        assertThat(after.get(10, TimeUnit.SECONDS)).isEqualTo("done");
        assertThat(log.list)
                .extracting(event -> event.getThrowableProxy().getMessage())
                .containsExactly("now", "later");
    }

    @Test
    void anOrderThatThrowsFailsAndIsLogged() {
        CompletableFuture<Void> order = thread.order(() -> {
            throw new IllegalStateException("a defect");
        });
        assertThatThrownBy(() -> order.get(10, TimeUnit.SECONDS)).hasMessageContaining("a defect");
        assertThat(log.list).hasSize(1);
    }

    @Test
    void oneOrderTooManyIsRefusedAndTheOthersAreCarriedOut() throws Exception {
        var busy = new CountDownLatch(1);
        thread.run(() -> awaitUninterruptibly(busy));
        List<CompletableFuture<Void>> waiting = Stream.generate(
                        () -> thread.order(() -> CompletableFuture.<Void>completedFuture(null)))
                .limit(ManagerThread.MAX_ORDERS)
                .toList();
        CompletableFuture<Void> oneMore = thread.order(() -> CompletableFuture.completedFuture(null));
        assertThat(oneMore.exceptionNow())
                .isInstanceOfSatisfying(
                        UnitManagerException.class,
                        refused -> assertThat(refused.retryable()).isTrue());
        busy.countDown();
        CompletableFuture.allOf(waiting.toArray(CompletableFuture<?>[]::new)).get(10, TimeUnit.SECONDS);
        thread.order(() -> CompletableFuture.completedFuture(null)).get(10, TimeUnit.SECONDS);
    }

    @Test
    void whoReadsSignalsWaitsForRoomAndIsToldWhenThereIsNoneForLong() throws Exception {
        var hasty = new ManagerThread(Duration.ofMillis(20));
        var begun = new CountDownLatch(1);
        var busy = new CountDownLatch(1);
        hasty.run(() -> {
            begun.countDown();
            awaitUninterruptibly(busy);
        });
        begun.await(); // Before a task all signals are taken up.
        for (int i = 0; i < ManagerThread.MAX_SIGNALS; i++) {
            assertThat(hasty.signal(() -> {})).isTrue();
        }
        assertThat(hasty.signal(() -> {})).isFalse();
        busy.countDown();
        var heard = new CompletableFuture<String>();
        await().until(() -> hasty.signal(() -> heard.complete("heard")));
        assertThat(heard.get(10, TimeUnit.SECONDS)).isEqualTo("heard");
        hasty.close(() -> {});
    }

    @Test
    void whileManyOrdersWaitNewsComeWithWhateverIsDoneNextAndInOrder() throws Exception {
        var many = new AtomicBoolean(true);
        var over = new AtomicBoolean();
        var done = new ConcurrentLinkedQueue<String>();
        order(() -> {
            thread.gatherWhile(() -> {
                over.set(!many.get());
                return many.get();
            });
            thread.gatherWhile(() -> true); // Once is enough.
            thread.news(() -> done.add("first"));
            thread.signal(() -> done.add("second"));
            thread.news(() -> fail("a defect"));
            thread.news(() -> done.add("third"));
            assertThat(done).isEmpty();
        });
        order(() -> done.add("next"));
        assertThat(done).containsExactly("first", "second", "third", "next");
        assertThat(log.list).hasSize(1);

        var tasks = ((WatchedTimer) thread.executor()).getQueue();
        await().until(() -> tasks.size() == 1); // The look after the orders.
        order(() -> {
            thread.news(() -> done.add("by itself"));
            assertThat(tasks).as("nothing wakes the thread for it").hasSizeLessThanOrEqualTo(1);
        });
        await().until(() -> done.contains("by itself"));
        many.set(false);
        int told = 0;
        while (told < 100 || !over.get()) {
            int number = told++;
            thread.news(() -> done.add("later " + number));
            LockSupport.parkNanos(1000);
        }
        int last = told - 1;
        await().until(() -> done.contains("later " + last));
        assertThat(done).hasSize(5 + told).containsSubsequence("later 0", "later 1", "later 98", "later " + last);
    }

    private void order(Runnable task) throws Exception {
        thread.order(() -> {
                    task.run();
                    return CompletableFuture.completedFuture(null);
                })
                .get(10, TimeUnit.SECONDS);
    }

    private static void fail(String why) {
        throw new IllegalStateException(why);
    }
}
