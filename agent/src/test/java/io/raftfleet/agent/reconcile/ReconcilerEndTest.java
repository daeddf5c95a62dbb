package io.raftfleet.agent.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.raftfleet.agent.loop.SharedLoop;
import io.raftfleet.agent.manager.UnitManagerException;
import io.raftfleet.agent.session.ContentsStore;
import io.raftfleet.agent.session.ReportQueue;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.UnitFile;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An agent's end in order, on a loop of its own. */
@Timeout(60)
class ReconcilerEndTest {
    private static final int UNITS = 3 * Steps.MAX_STARTS;

    @TempDir
    Path folder;

    /** The manager has all starts waiting, and gives them back unasked when it is closed. */
    @Test
    void startsThatSystemdWasNotAskedForAreTheNextAgentsToDo() throws Exception {
        UnitFile file = UnitFile.parse("[Service]\nExecStart=/bin/sleep 1\n");
        Path path = folder.resolve("journal");
        try (var pool = Executors.newSingleThreadExecutor();
                var timers = Executors.newSingleThreadScheduledExecutor()) {
            var loop = new SharedLoop(pool, timers);
            var manager = new RecordingManager(loop);
            var waiting = new CompletableFuture<Void>();
            manager.startsLast = waiting;
            var journal = FileJournal.open(path);
            var reconciler = new Reconciler(
                    loop,
                    manager,
                    journal,
                    new ReportQueue(4),
                    new ContentsStore(1 << 20),
                    hashes -> Map.of(file.hash(), CompletableFuture.completedFuture(file)),
                    new SplittableRandom(1));
            var ready = new CountDownLatch(1);
            reconciler.start(ready::countDown);
            ready.await();
            var delta = AssignmentDelta.newBuilder();
            for (int i = 0; i < UNITS; i++) {
                delta.addSet(AssignedUnit.newBuilder()
                        .setName("u" + i + ".service")
                        .setHash(file.hash().toByteString())
                        .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                        .setStartGeneration(1));
            }
            loop.execute(() -> reconciler.apply(delta.build()));
            await().until(() -> CompletableFuture.supplyAsync(
                                    () -> manager.orders.stream()
                                            .filter(order -> order.startsWith("start "))
                                            .count(),
                                    loop)
                            .join()
                    >= Steps.MAX_STARTS);
            manager.onClose = () -> waiting.completeExceptionally(UnitManagerException.notIssued("closed"));
            reconciler.close();
            timers.shutdownNow();
        }
        var journal = FileJournal.open(path);
        assertThat(journal.load()).hasSize(UNITS).allSatisfy(entry -> {
            assertThat(entry.order()).isNotNull();
            assertThat(entry.done()).isNull();
        });
        journal.close();
    }
}
