package io.raftfleet.agent.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.agent.loop.VirtualLoop;
import io.raftfleet.agent.manager.UnitManagerException;
import io.raftfleet.unit.UnitHash;
import java.io.IOException;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class StartsTest {
    private static final String BOOT = "b".repeat(32);
    private static final UnitHash HASH = UnitHash.ofText("[Service]\nExecStart=/bin/true\n");

    private final VirtualLoop loop = new VirtualLoop();
    /** What the manager was asked for, with its answers to come. */
    private final Map<String, CompletableFuture<Void>> asked = new LinkedHashMap<>();

    private final Set<ManagedUnit> passedOver = new HashSet<>();
    /** How steps have ended: what is wrong, by unit. */
    private final Map<String, String> ended = new LinkedHashMap<>();

    private final Set<String> again = new HashSet<>();
    private final DiskJournal disk = new DiskJournal();
    private final JournalNotes notes = new JournalNotes(loop, disk);
    private final Starts starts = new Starts(
            loop,
            name -> asked.computeIfAbsent(name, first -> new CompletableFuture<>()),
            notes,
            () -> BOOT,
            new StartsHost());

    @Test
    void theNextSliceBeginsWhenHalfAreAnswered() {
        add(3 * Starts.MAX);
        assertThat(asked).hasSize(Starts.MAX);
        assertThat(disk.intended()).containsExactlyInAnyOrderElementsOf(asked.keySet());
        assertThat(starts.queued()).isEqualTo(2 * Starts.MAX);

        answer(Starts.MAX / 2 - 1);
        assertThat(asked).hasSize(Starts.MAX);
        answer(1);
        assertThat(asked).hasSize(Starts.MAX + Starts.MAX / 2);

        answer(Starts.MAX);
        assertThat(asked).hasSize(2 * Starts.MAX + Starts.MAX / 2);
        answer(Starts.MAX);
        assertThat(asked).hasSize(3 * Starts.MAX);
        answer(Starts.MAX / 2);
        assertThat(ended)
                .hasSize(3 * Starts.MAX)
                .allSatisfy((unit, error) -> assertThat(error).isEmpty());
        assertThat(disk.intended()).isEmpty();
    }

    @Test
    void fewWaitForNobody() {
        add(Starts.MAX - 1);
        add(1);
        assertThat(asked).hasSize(Starts.MAX);
    }

    @Test
    void aUnitThatIsNotToBeStartedAnyMoreLeavesItsPlaceToAnother() {
        List<ManagedUnit> units = add(Starts.MAX + 2);
        passedOver.add(units.get(Starts.MAX));
        answer(Starts.MAX);
        assertThat(asked).doesNotContainKey(units.get(Starts.MAX).name).containsKey(units.get(Starts.MAX + 1).name);
        assertThat(starts.queued()).isZero();
    }

    @Test
    void whatTheDiskDoesNotTakeIsNotAskedFor() {
        disk.full = true;
        ManagedUnit unit = add(1).getFirst();
        assertThat(asked).isEmpty();
        assertThat(unit.done).isNull();
        assertThat(ended).containsExactly(Map.entry(unit.name, "not started: no space left"));
        assertThat(again).containsExactly(unit.name);
    }

    @Test
    void whatBecameOfAStartIsNoted() {
        List<ManagedUnit> units = add(4);
        answer(1);
        fail(units.get(1), new UnitManagerException("bad setting"));
        fail(units.get(2), UnitManagerException.unanswered("lost"));
        fail(units.get(3), UnitManagerException.notIssued("busy"));
        assertThat(units.subList(0, 3))
                .extracting(unit -> Objects.requireNonNull(unit.done).phase())
                .containsExactly(Done.Phase.ISSUED, Done.Phase.REFUSED, Done.Phase.INTENDED);
        assertThat(units.get(3).done).isNull();
        assertThat(units).extracting(unit -> unit.mayRun).containsExactly(true, false, true, false);
        assertThat(ended.values())
                .containsExactly(
                        "",
                        "not started: bad setting",
                        "whether it was started is not known: lost",
                        "not started: busy");
        assertThat(again).containsExactly(units.get(3).name);
        assertThat(disk.intended()).containsExactly(units.get(2).name);
    }

    @Test
    void theEndIsWhenAllThatWereAskedForAreAnsweredAndNoted() {
        List<ManagedUnit> units = add(Starts.MAX + 1);
        starts.noMore();
        CompletableFuture<Void> end = starts.close();
        answer(Starts.MAX - 1);
        assertThat(end).isNotDone();
        answer(1);
        assertThat(end).isCompleted();
        assertThat(asked).hasSize(Starts.MAX);
        assertThat(disk.intended()).isEmpty();
        assertThat(units.getLast().done).isNull();
    }

    @Test
    void whatIsBeingNotedAtTheEndIsTakenBack() {
        disk.synced = new CompletableFuture<>();
        ManagedUnit unit = add(1).getFirst();
        assertThat(disk.intended()).containsExactly(unit.name);
        starts.noMore();
        CompletableFuture<Void> end = starts.close();
        assertThat(end).isNotDone();
        disk.synced.complete(null);
        loop.run();
        assertThat(end).isCompleted();
        assertThat(asked).isEmpty();
        assertThat(unit.done).isNull();
        assertThat(disk.intended()).isEmpty();
    }

    private List<ManagedUnit> add(int count) {
        int before = asked.size();
        List<ManagedUnit> units = IntStream.range(before, before + count)
                .mapToObj(i -> new ManagedUnit("u%03d.service".formatted(i)))
                .toList();
        for (ManagedUnit unit : units) {
            unit.order = new Order(HASH, true, 1);
            starts.add(unit);
        }
        starts.next();
        loop.run();
        return units;
    }

    /** The manager accepts so many of the starts that it owes an answer. */
    private void answer(int count) {
        asked.values().stream()
                .filter(answer -> !answer.isDone())
                .limit(count)
                .toList()
                .forEach(answer -> answer.complete(null));
        loop.run();
    }

    private void fail(ManagedUnit unit, Exception why) {
        Objects.requireNonNull(asked.get(unit.name)).completeExceptionally(why);
        loop.run();
    }

    private final class StartsHost implements Starts.Host {
        private boolean coming;

        @Override
        public boolean isNext(ManagedUnit unit) {
            return !passedOver.contains(unit);
        }

        @Override
        public void begin(Collection<ManagedUnit> units, String step) {
            units.forEach(unit -> unit.busy = true);
        }

        @Override
        public void save(ManagedUnit unit) {
            notes.add(unit);
            comeBack();
        }

        @Override
        public void end(ManagedUnit unit, String error, boolean later) {
            ended.put(unit.name, error);
            if (later) {
                again.add(unit.name);
            }
        }

        @Override
        public void comeBack() {
            if (!coming) {
                coming = true;
                loop.execute(() -> {
                    coming = false;
                    starts.next();
                    notes.write();
                });
            }
        }
    }

    /** Writes at once, and says so when it is to. */
    private static final class DiskJournal implements Journal {
        final Map<String, JournalEntry> entries = new LinkedHashMap<>();
        CompletableFuture<Void> synced = CompletableFuture.completedFuture(null);
        boolean full;

        List<String> intended() {
            return entries.values().stream()
                    .filter(entry -> entry.done() != null && entry.done().phase() == Done.Phase.INTENDED)
                    .map(JournalEntry::name)
                    .toList();
        }

        @Override
        public List<JournalEntry> load() {
            return List.of();
        }

        @Override
        public CompletableFuture<Void> write(
                Collection<JournalEntry> puts, Collection<String> removes, boolean durable) {
            if (full) {
                return CompletableFuture.failedFuture(new IOException("no space left"));
            }
            puts.forEach(entry -> entries.put(entry.name(), entry));
            return durable ? synced : CompletableFuture.completedFuture(null);
        }

        @Override
        public void close() {}
    }
}
