package io.raftfleet.engine.server;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.raftfleet.engine.api.Async;
import io.raftfleet.proto.fleet.WatchEvent;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.Change;
import io.raftfleet.state.Event;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.Versions;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Open watches. Each is a place in the registry's window of events, moved on while its stream has room; a watch that falls
 * behind the window is ended with {@code OUT_OF_RANGE}, it never holds anything up.
 */
final class Watches implements Registry.Listener {
    private static final int MAX_WATCHES = 10_000;
    private static final int STEP = 500;
    private static final int PROGRESS_SECONDS = 1;

    private final Registry registry;
    private final Reads.ReadIndex readIndex;
    private final Executor executor;
    private final Set<Watch> open = ConcurrentHashMap.newKeySet();

    /** @param executor runs short tasks, several at a time */
    Watches(Registry registry, Reads.ReadIndex readIndex, Executor executor) {
        this.registry = registry;
        this.readIndex = readIndex;
        this.executor = executor;
    }

    /** From now on tells idle watches how far they have seen, once a second. */
    void start(ScheduledExecutorService timer) {
        var unused = timer.scheduleWithFixedDelay(
                () -> open.forEach(watch -> watch.wake(true)), PROGRESS_SECONDS, PROGRESS_SECONDS, TimeUnit.SECONDS);
    }

    @Override
    public void applied(Registry.Applied applied) {
        open.forEach(watch -> watch.wake(false));
    }

    /**
     * Begins a watch: after the request's revision, or after all that was acknowledged before the call. To be called while
     * gRPC begins the call. Fails the call with {@code INVALID_ARGUMENT} for a malformed glob, {@code OUT_OF_RANGE} for a
     * revision that is kept no longer, {@code UNAVAILABLE} without a quorum.
     */
    void open(WatchRequest request, ServerCallStreamObserver<WatchResponse> out, Duration deadline) {
        Watch watch;
        try {
            watch = new Watch(request, new NameFilter(request.getNamesList()), out);
        } catch (StatusRuntimeException e) {
            out.onError(e);
            return;
        }
        out.setOnReadyHandler(() -> watch.wake(false));
        out.setOnCancelHandler(() -> open.remove(watch));
        if (open.size() >= MAX_WATCHES) {
            watch.end(Status.RESOURCE_EXHAUSTED.withDescription(
                    MAX_WATCHES + " watches are open on this engine already: ask another one"));
        } else if (request.hasAfter()) {
            watch.begin(request.getAfter());
        } else {
            Async.whenDone(readIndex.await(deadline), (index, failure) -> {
                if (failure == null) {
                    watch.begin(registry.read(RegistryView::revision));
                } else {
                    watch.end(Status.UNAVAILABLE.withDescription(
                            "no quorum confirmed where the watch begins: " + failure.getMessage()));
                }
            });
        }
    }

    /** Ends all watches: the engine stops. They can be resumed on another one. */
    void end() {
        var stopping = Status.UNAVAILABLE.withDescription("the engine is stopping: resume on another one");
        open.forEach(watch -> watch.end(stopping));
    }

    private static Status compacted(String why) {
        return Status.OUT_OF_RANGE.withDescription(
                "COMPACTED: " + why + ": list again, then watch from the list's revision");
    }

    /** One watch. At most one task works on it at a time; that task owns its fields. */
    private final class Watch {
        private final WatchRequest request;
        private final NameFilter names;
        private final ServerCallStreamObserver<WatchResponse> out;
        private final AtomicBoolean scheduled = new AtomicBoolean();
        private final AtomicBoolean progressDue = new AtomicBoolean();
        private final Object working = new Object();
        private long seen;
        private boolean begun;
        private boolean ended;

        Watch(WatchRequest request, NameFilter names, ServerCallStreamObserver<WatchResponse> out) {
            this.request = request;
            this.names = names;
            this.out = out;
        }

        void begin(Revision after) {
            if (after.getIncarnation() != registry.read(RegistryView::incarnation)) {
                end(compacted("that revision is of another incarnation"));
                return;
            }
            synchronized (working) {
                seen = Versions.of(after);
                begun = true;
            }
            open.add(this);
            if (out.isCancelled()) {
                open.remove(this);
            }
            wake(true);
        }

        void end(Status status) {
            synchronized (working) {
                if (!ended) {
                    ended = true;
                    open.remove(this);
                    out.onError(status.asRuntimeException());
                }
            }
        }

        void wake(boolean progress) {
            if (progress) {
                progressDue.set(true);
            }
            if (scheduled.compareAndSet(false, true)) {
                executor.execute(this::work);
            }
        }

        private void work() {
            synchronized (working) {
                scheduled.set(false);
                while (begun && !ended && out.isReady() && step()) {
                    // On, while there is room and something to tell.
                }
            }
        }

        /** Sends the next events; false when there are no more for now. */
        private boolean step() {
            var response = WatchResponse.newBuilder();
            var events = registry.read(view -> next(view, response));
            if (events == null) {
                end(compacted("that revision is older than what is kept"));
                return false;
            }
            if (response.getEventsCount() > 0 || progressDue.compareAndSet(true, false)) {
                out.onNext(response.build());
            }
            return events.size() == STEP;
        }

        private @Nullable List<Event> next(RegistryView view, WatchResponse.Builder response) {
            var events = view.eventsAfter(seen, STEP).orElse(null);
            if (events == null) {
                return null;
            }
            for (var event : events) {
                var told = message(view, event.change());
                if (told != null) {
                    response.addEvents(told.setRevision(view.revision(event.version())));
                }
                seen = event.version();
            }
            if (events.size() < STEP) {
                seen = Math.max(seen, Versions.wholeEntry(view.appliedIndex()));
            }
            response.setRevision(view.revision(seen));
            return events;
        }

        private WatchEvent.@Nullable Builder message(RegistryView view, Change changed) {
            return switch (changed) {
                case Change.OfUnit unit -> {
                    if (!request.getUnits() || !names.admits(unit.name())) {
                        yield null;
                    }
                    var after = unit.after();
                    yield after == null
                            ? WatchEvent.newBuilder().setUnitDestroyed(unit.name())
                            : WatchEvent.newBuilder().setUnit(view.message(after, unit.current(), false));
                }
                case Change.OfState change ->
                    request.getUnitStates() && names.admits(change.state().getName())
                            ? WatchEvent.newBuilder().setUnitState(change.state())
                            : null;
                case Change.OfStateGone gone ->
                    request.getUnitStates() && names.admits(gone.name())
                            ? WatchEvent.newBuilder()
                                    .setUnitStateGone(UnitState.newBuilder()
                                            .setName(gone.name())
                                            .setMachineId(gone.machineId()))
                            : null;
                case Change.OfMachine machine ->
                    request.getMachines() ? WatchEvent.newBuilder().setMachine(view.message(machine.after())) : null;
                case Change.OfDeparture departure -> null;
            };
        }
    }
}
