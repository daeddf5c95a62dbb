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
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An agent's end in order, on a loop of its own. */
@Timeout(60)
class ReconcilerEndTest {
    private static final int UNITS = 3 * Starts.MAX;

    private final UnitFile file = UnitFile.stored("[Service]\nExecStart=/bin/sleep 1\n");
    private final ExecutorService pool = Executors.newSingleThreadExecutor();
    private final ScheduledExecutorService timers = Executors.newSingleThreadScheduledExecutor();
    private final SharedLoop loop = new SharedLoop(pool, timers);
    private final RecordingManager manager = new RecordingManager(loop);
    /** What all starts end with. */
    private final CompletableFuture<Void> answer = new CompletableFuture<>();

    @TempDir
    Path folder;

    @BeforeEach
    void answersAreLate() {
        manager.startsLast = answer;
    }

    @AfterEach
    void end() {
        timers.shutdownNow();
        pool.shutdownNow();
    }

    /** The manager has all starts waiting, and gives them back unasked when it is closed. */
    @Test
    void startsThatSystemdWasNotAskedForAreTheNextAgentsToDo() throws Exception {
        Reconciler reconciler = orderUnits(FileJournal.open(journal()));
        awaitStarts();
        manager.onClose = () -> answer.completeExceptionally(UnitManagerException.notIssued("closed"));
        reconciler.close();
        assertThat(noted()).hasSize(UNITS).allSatisfy(ReconcilerEndTest::isToBeDone);
    }

    /** They are answered while the manager is being closed, so that others could take their place. */
    @Test
    void startsThatSystemdAnswersAtTheEndAreNotedAndNoneIsBegunAfterThem() throws Exception {
        Reconciler reconciler = orderUnits(FileJournal.open(journal()));
        awaitStarts();
        manager.onClose = () -> {
            answer.complete(null);
            loopComesThrough(); // With the answers.
            loopComesThrough(); // With what they bring about.
        };
        reconciler.close();
        assertThat(starts()).isEqualTo(Starts.MAX);
        Map<Boolean, List<JournalEntry>> byDone =
                noted().stream().collect(Collectors.partitioningBy(entry -> entry.done() != null));
        assertThat(byDone.get(true))
                .hasSize(Starts.MAX)
                .extracting(JournalEntry::done)
                .extracting(Done::phase)
                .containsOnly(Done.Phase.ISSUED);
        assertThat(byDone.get(false)).hasSize(UNITS - Starts.MAX).allSatisfy(ReconcilerEndTest::isToBeDone);
    }

    @Test
    void startsThatAreBeingNotedAtTheEndAreTakenBack() throws Exception {
        var disk = new SlowJournal(FileJournal.open(journal()));
        Reconciler reconciler = orderUnits(disk);
        disk.asked.await();
        manager.onClose = () -> disk.synced.complete(null);
        answer.completeExceptionally(UnitManagerException.unanswered("closed"));
        reconciler.close();
        assertThat(starts()).isZero();
        assertThat(noted()).hasSize(UNITS).allSatisfy(ReconcilerEndTest::isToBeDone);
    }

    private static void isToBeDone(JournalEntry entry) {
        assertThat(entry.order()).isNotNull();
        assertThat(entry.done()).isNull();
    }

    private Path journal() {
        return folder.resolve("journal");
    }

    /** What the next agent finds. */
    private List<JournalEntry> noted() throws IOException {
        try (var journal = FileJournal.open(journal())) {
            return journal.load();
        }
    }

    private Reconciler orderUnits(Journal journal) throws InterruptedException {
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
        return reconciler;
    }

    private void awaitStarts() {
        await().until(() -> starts() >= Starts.MAX);
    }

    /** How many starts the manager was asked for. */
    private long starts() {
        return CompletableFuture.supplyAsync(
                        () -> manager.orders.stream()
                                .filter(order -> order.startsWith("start "))
                                .count(),
                        loop)
                .join();
    }

    private void loopComesThrough() {
        CompletableFuture.runAsync(() -> {}, loop).join();
    }

    /** Writes at once, and says so of what is to outlast a power loss only when it is told to. */
    private static final class SlowJournal implements Journal {
        final CountDownLatch asked = new CountDownLatch(1);
        final CompletableFuture<Void> synced = new CompletableFuture<>();
        private final Journal disk;

        SlowJournal(Journal disk) {
            this.disk = disk;
        }

        @Override
        public List<JournalEntry> load() {
            return disk.load();
        }

        @Override
        public CompletableFuture<Void> write(
                Collection<JournalEntry> puts, Collection<String> removes, boolean durable) {
            CompletableFuture<Void> written = disk.write(puts, removes, durable);
            if (!durable) {
                return written;
            }
            asked.countDown();
            return CompletableFuture.allOf(written, synced);
        }

        @Override
        public void close() {
            disk.close();
        }
    }
}
