package io.raftfleet.engine.server;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.engine.api.ChangeFeed;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.state.Change;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.Versions;
import io.raftfleet.unit.tasks.Ticker;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Questions after changes, held open until there are some. Looked at twice a second, so that a burst of changes is one answer, and applying
 * an entry costs nothing for them. Thread-safe: a question is worked on by one task at a time, which owns how far it has seen.
 */
final class PolledChanges implements ChangeFeed {
    /** Questions that wait. */
    static final int MOST = 512;

    /** Of these, of one that is known: whoever asks without end leaves others theirs. */
    static final int MOST_OF_ONE = 128;

    private static final Duration EVERY = Duration.ofMillis(500);
    /** While nobody waits. Who comes then is looked at when it comes, and waits for so long at most until it is looked at again. */
    private static final Duration UNASKED = Duration.ofSeconds(1);

    /** Events of one answer; who has missed more had better read anew. */
    private static final int EVENTS = 1_000;

    private final Registry registry;
    private final Supplier<String> leader;
    private final Executor executor;
    private final LongSupplier nanoClock;
    private final Set<Question> open = ConcurrentHashMap.newKeySet();
    private volatile boolean ended;

    /**
     * @param leader term and leader as this engine knows them
     * @param executor runs short tasks, several at a time
     */
    PolledChanges(Registry registry, Supplier<String> leader, Executor executor, LongSupplier nanoClock) {
        this.registry = registry;
        this.leader = leader;
        this.executor = executor;
        this.nanoClock = nanoClock;
    }

    void start(Ticker ticker) {
        ticker.every(() -> open.isEmpty() ? UNASKED : EVERY, this::look);
    }

    /** Answers all that wait, and no more questions: the engine stops. */
    void end() {
        ended = true;
        open.forEach(question -> question.answer.completeExceptionally(stopping()));
    }

    private static StatusRuntimeException stopping() {
        return Status.UNAVAILABLE
                .withDescription("the engine is stopping: ask another one")
                .asRuntimeException();
    }

    /** Has all questions looked at. */
    void look() {
        open.forEach(question -> {
            if (question.looking.compareAndSet(false, true)) {
                executor.execute(question::look);
            }
        });
    }

    @Override
    public String leader() {
        return leader.get();
    }

    @Override
    public CompletableFuture<Changes> after(@Nullable Revision after, String seen, Duration wait) {
        if (after == null) {
            return CompletableFuture.completedFuture(everything());
        }
        if (open.size() >= MOST) {
            return CompletableFuture.failedFuture(Status.RESOURCE_EXHAUSTED
                    .withDescription("as many pages wait for changes on this engine as may: use another engine's")
                    .asRuntimeException());
        }
        var caller = Caller.current();
        if (!caller.name().isEmpty()
                && open.stream().filter(other -> other.caller.equals(caller)).count() >= MOST_OF_ONE) {
            return CompletableFuture.failedFuture(Status.RESOURCE_EXHAUSTED
                    .withDescription(MOST_OF_ONE + " pages of " + caller.words()
                            + " wait for changes on this engine, as many as may: close some, or use another engine's")
                    .asRuntimeException());
        }
        var question = new Question(caller, after, seen, nanoClock.getAsLong() + wait.toNanos());
        open.add(question);
        if (ended) {
            open.remove(question);
            return CompletableFuture.failedFuture(stopping());
        }
        question.looking.set(true);
        executor.execute(question::look);
        return question.answer;
    }

    private Changes everything() {
        return new Changes(registry.read(RegistryView::revision), true, Set.of(), Set.of(), true);
    }

    /** What changed after a version, as far as it can be told. */
    private Changes changes(RegistryView view, long version) {
        var events = view.eventsAfter(version, EVENTS).orElse(null);
        if (events == null || events.size() == EVENTS) {
            return new Changes(view.revision(), true, Set.of(), Set.of(), true);
        }
        var units = new TreeSet<String>();
        var machines = new TreeSet<String>();
        boolean happened = false;
        for (var event : events) {
            switch (event.change()) {
                case Change.OfUnit unit -> units.add(unit.name());
                case Change.OfState state -> units.add(state.state().getName());
                case Change.OfStateGone gone -> units.add(gone.name());
                case Change.OfMachine machine -> machines.add(machine.after().id());
                case Change.OfMachineGone machine ->
                    machines.add(machine.before().id());
                case Change.OfDeparture departure -> {}
                case Change.OfEvent written -> happened = true;
            }
        }
        return new Changes(view.revision(), false, units, machines, happened);
    }

    private final class Question {
        private final Caller caller;
        private final Revision after;
        private final String seen;
        private final long endNanos;
        private final AtomicBoolean looking = new AtomicBoolean();
        private final CompletableFuture<Changes> answer = new CompletableFuture<>();

        Question(Caller caller, Revision after, String seen, long endNanos) {
            this.caller = caller;
            this.after = after;
            this.seen = seen;
            this.endNanos = endNanos;
        }

        void look() {
            try {
                boolean over = nanoClock.getAsLong() - endNanos >= 0 || (!seen.isEmpty() && !seen.equals(leader()));
                var changes = registry.read(view -> after.getIncarnation() == view.incarnation()
                        ? told(view)
                        : new Changes(view.revision(), true, Set.of(), Set.of(), true));
                if (over || changes.any()) {
                    end(changes);
                }
            } catch (RuntimeException e) {
                open.remove(this);
                answer.completeExceptionally(e);
            } finally {
                looking.set(false);
            }
        }

        /** Of an engine that is ahead of this one nothing is told before this one is there. */
        private Changes told(RegistryView view) {
            return Long.compareUnsigned(after.getIndex(), view.appliedIndex()) > 0
                    ? new Changes(after, false, Set.of(), Set.of(), false)
                    : changes(view, Versions.of(after));
        }

        private void end(Changes changes) {
            open.remove(this);
            answer.complete(changes);
        }
    }
}
