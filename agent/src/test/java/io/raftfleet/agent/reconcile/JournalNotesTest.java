package io.raftfleet.agent.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.agent.loop.Loop;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class JournalNotesTest {
    private final Deque<Runnable> tasks = new ArrayDeque<>();
    private final List<Duration> pauses = new ArrayList<>();
    private @Nullable Runnable timer;
    private boolean full;
    private final Set<String> onDisk = new LinkedHashSet<>();
    private final List<CompletableFuture<Void>> slow = new ArrayList<>();
    private boolean hangs;

    private final Loop loop = new Loop() {
        @Override
        public void execute(Runnable task) {
            tasks.add(task);
        }

        @Override
        public Timer schedule(Duration delay, Runnable task) {
            pauses.add(delay);
            timer = task;
            return () -> timer = null;
        }

        @Override
        public long nanoTime() {
            return 0;
        }
    };

    private final JournalNotes notes = new JournalNotes(loop, new Journal() {
        @Override
        public List<JournalEntry> load() {
            return List.of();
        }

        @Override
        public CompletableFuture<Void> write(
                Collection<JournalEntry> puts, Collection<String> removes, boolean durable) {
            if (hangs) {
                var written = new CompletableFuture<Void>();
                slow.add(written);
                return written;
            }
            if (full) {
                return CompletableFuture.failedFuture(new IOException("No space left on device"));
            }
            removes.forEach(onDisk::remove);
            puts.forEach(entry -> onDisk.add(entry.name()));
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void close() {}
    });

    private static ManagedUnit unit(String name) {
        return new ManagedUnit(name);
    }

    private void run() {
        while (!tasks.isEmpty()) {
            tasks.remove().run();
        }
    }

    private void pauseIsOver() {
        var due = timer;
        assertThat(due).isNotNull();
        if (due != null) {
            timer = null;
            due.run();
        }
        run();
    }

    @Test
    void whatCouldNotBeWrittenIsWrittenAfterAPause() {
        full = true;
        notes.add(unit("a.service"));
        notes.write();
        run();
        pauseIsOver();
        full = false;
        pauseIsOver();
        assertThat(onDisk).containsExactly("a.service");
        assertThat(pauses).containsExactly(Duration.ofSeconds(1), Duration.ofSeconds(2));
        assertThat(timer).isNull();
    }

    @Test
    void whatCouldNotBeWrittenGoesWithWhatComesNext() {
        full = true;
        notes.add(unit("a.service"));
        assertThat(notes.writeDurably()).isCompletedExceptionally();
        run();
        full = false;
        notes.add(unit("b.service"));
        notes.write();
        run();
        assertThat(onDisk).containsExactly("a.service", "b.service");
        assertThat(timer).isNull();
    }

    @Test
    void whatIsForgottenMeanwhileIsNotWrittenAgain() {
        hangs = true;
        notes.add(unit("a.service"));
        notes.write();
        hangs = false;
        notes.forget(List.of("a.service"));
        slow.getFirst().completeExceptionally(new IOException("No space left on device"));
        run();
        notes.write();
        run();
        assertThat(onDisk).isEmpty();
    }

    @Test
    void whatCameBackMeanwhileIsNotForgottenLater() {
        onDisk.add("a.service");
        hangs = true;
        notes.forget(List.of("a.service"));
        hangs = false;
        notes.add(unit("a.service"));
        notes.write();
        slow.getFirst().completeExceptionally(new IOException("No space left on device"));
        run();
        notes.write();
        run();
        assertThat(onDisk).containsExactly("a.service");
    }
}
