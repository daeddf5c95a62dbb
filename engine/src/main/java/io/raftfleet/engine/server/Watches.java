package io.raftfleet.engine.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ServerCallStreamObserver;
import io.raftfleet.engine.admission.RetryHint;
import io.raftfleet.engine.api.Async;
import io.raftfleet.proto.fleet.WatchEvent;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.Change;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.Versions;
import io.raftfleet.unit.tasks.Ticker;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Open watches. Each is a place in the registry's window of events, moved on while its stream has room; a watch that falls
 * behind the window is ended with {@code OUT_OF_RANGE}, it never holds anything up. What is sent and not taken is at most a
 * response; a client that takes nothing for {@value #PATIENCE} s is cut off, and told where to resume.
 */
final class Watches implements Registry.Listener {
    /** Where a watch that was cut off goes on, in its trailers: the revision of its last response. */
    static final Metadata.Key<Revision> RESUME =
            Metadata.Key.of("raftfleet-resume-bin", ProtoUtils.metadataMarshaller(Revision.getDefaultInstance()));

    private static final Duration AGAIN = Duration.ofSeconds(1);
    /** Events looked at in a step, and looks at names, of which each glob costs one an event. */
    private static final int STEP = 500;

    private static final int MAX_LOOKS = 20_000;
    /** A response ends after the event that makes it longer, in bytes. */
    private static final int MAX_RESPONSE = 256 * 1024;

    private static final Duration PROGRESS = Duration.ofSeconds(1);
    /** Seconds, by the timer, for which a client may take nothing. */
    static final int PATIENCE = 30;

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
    void start(Ticker ticker) {
        ticker.every(PROGRESS, this::tick);
    }

    /** A second has gone by. */
    void tick() {
        open.forEach(Watch::tick);
    }

    @Override
    public void applied(Registry.Applied applied) {
        open.forEach(watch -> watch.wake(false));
    }

    /**
     * Begins a watch: after the request's revision, or after all that was acknowledged before the call. To be called while
     * gRPC begins the call. Fails the call with {@code INVALID_ARGUMENT} for a malformed glob, {@code OUT_OF_RANGE} for a
     * revision that is kept no longer or that there is none of, {@code UNAVAILABLE} without a quorum.
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
        if (request.hasAfter() && !ahead(request.getAfter())) {
            watch.begin(request.getAfter());
            return;
        }
        // A revision from an engine that is ahead of this one exists for this one, too, once it has caught up.
        Async.whenDone(readIndex.await(deadline), (index, failure) -> {
            if (failure != null) {
                watch.end(Status.UNAVAILABLE.withDescription(
                        "no quorum confirmed where the watch begins: " + failure.getMessage()));
            } else if (!request.hasAfter()) {
                watch.begin(registry.read(RegistryView::revision));
            } else if (ahead(request.getAfter())) {
                watch.end(Status.OUT_OF_RANGE.withDescription("there is no revision with index "
                        + Long.toUnsignedString(request.getAfter().getIndex())
                        + " yet: list again, then watch from the list's revision"));
            } else {
                watch.begin(request.getAfter());
            }
        });
    }

    /** Whether this engine has not got there in this life of the registry. */
    private boolean ahead(Revision after) {
        return registry.read(view -> after.getIncarnation() == view.incarnation()
                && Long.compareUnsigned(after.getIndex(), view.appliedIndex()) > 0);
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

    /**
     * What a watch is told next.
     *
     * @param seen the version up to which it is told
     * @param more whether there are more events behind these
     */
    private record Next(WatchResponse response, long seen, boolean more) {}

    /** One watch. At most one task works on it at a time; that task owns its fields. */
    private final class Watch {
        private final WatchRequest request;
        private final NameFilter names;
        private final ServerCallStreamObserver<WatchResponse> out;
        private final AtomicBoolean scheduled = new AtomicBoolean();
        private final AtomicBoolean progressDue = new AtomicBoolean();
        private final Object working = new Object();

        @GuardedBy("working")
        private long seen;

        @GuardedBy("working")
        private int ticksUntaken;

        @GuardedBy("working")
        private boolean begun;

        @GuardedBy("working")
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
            end(status, null);
        }

        private void end(Status status, @Nullable Metadata trailers) {
            synchronized (working) {
                if (!ended) {
                    ended = true;
                    open.remove(this);
                    out.onError(trailers == null ? status.asRuntimeException() : status.asRuntimeException(trailers));
                }
            }
        }

        void tick() {
            synchronized (working) {
                ticksUntaken = out.isReady() ? 0 : ticksUntaken + 1;
                if (ticksUntaken >= PATIENCE) {
                    var trailers = RetryHint.after(AGAIN);
                    long from = seen;
                    trailers.put(RESUME, registry.read(view -> view.revision(from)));
                    end(
                            Status.RESOURCE_EXHAUSTED.withDescription(
                                    "the watch was cut off, for nothing was taken from it for " + PATIENCE
                                            + " s: resume after the revision of the last response, and read faster"),
                            trailers);
                    return;
                }
            }
            wake(true);
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
        @GuardedBy("working")
        private boolean step() {
            long from = seen;
            var next = registry.read(view -> next(view, from));
            if (next == null) {
                end(compacted("that revision is older than what is kept"));
                return false;
            }
            seen = next.seen();
            ticksUntaken = 0; // There is room: what was sent before is taken.
            if (next.response().getEventsCount() > 0 || progressDue.compareAndSet(true, false)) {
                out.onNext(next.response());
            }
            return next.more();
        }

        /** The events after a version; null when they are kept no longer. */
        private @Nullable Next next(RegistryView view, long after) {
            int most = Math.clamp(MAX_LOOKS / names.cost(), 1, STEP);
            var events = view.eventsAfter(after, most).orElse(null);
            if (events == null) {
                return null;
            }
            var response = WatchResponse.newBuilder();
            long seen = after;
            int bytes = 0;
            boolean more = events.size() == most;
            for (var event : events) {
                if (bytes >= MAX_RESPONSE) {
                    more = true;
                    break;
                }
                var told = message(view, event.change());
                if (told != null) {
                    var message =
                            told.setRevision(view.revision(event.version())).build();
                    bytes += message.getSerializedSize();
                    response.addEvents(message);
                }
                seen = event.version();
            }
            if (!more) {
                seen = Math.max(seen, Versions.wholeEntry(view.appliedIndex()));
            }
            return new Next(response.setRevision(view.revision(seen)).build(), seen, more);
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
                case Change.OfMachineGone machine ->
                    request.getMachines()
                            ? WatchEvent.newBuilder()
                                    .setMachineForgotten(machine.before().id())
                            : null;
                case Change.OfEvent event ->
                    request.getEvents()
                                    && (request.getNamesCount() == 0
                                            || names.admits(event.event().unit()))
                            ? WatchEvent.newBuilder().setEvent(view.message(event.event()))
                            : null;
                case Change.OfDeparture departure -> null;
            };
        }
    }
}
