package io.raftfleet.engine.server;

import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.common.util.concurrent.MoreExecutors;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.raftfleet.engine.api.Async;
import io.raftfleet.engine.api.FleetApi;
import io.raftfleet.engine.control.Abandoned;
import io.raftfleet.engine.control.LocalWrites;
import io.raftfleet.proto.fleet.ControlRolloutRequest;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.FleetGrpc.FleetFutureStub;
import io.raftfleet.proto.fleet.GetUnitRequest;
import io.raftfleet.proto.fleet.GetUnitResponse;
import io.raftfleet.proto.fleet.ListEventsRequest;
import io.raftfleet.proto.fleet.ListEventsResponse;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListMachinesResponse;
import io.raftfleet.proto.fleet.ListRolloutsRequest;
import io.raftfleet.proto.fleet.ListRolloutsResponse;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesResponse;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.ListUnitsResponse;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.fleet.PlanRequest;
import io.raftfleet.proto.fleet.PlanResponse;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.StartRolloutRequest;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.state.raft.EnginePeer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The cluster's API on any engine. A write goes to whoever leads, here or elsewhere, and is tried again, with the same
 * request id, when leadership moves under it, until it is answered or its deadline is over: then the answer is
 * {@code UNKNOWN} if it may have been done, {@code UNAVAILABLE} if it certainly was not.
 */
final class RoutedFleetApi implements FleetApi {
    private static final String SILENT = "the leader did not answer";
    private static final Duration FIRST_PAUSE = Duration.ofMillis(10);
    private static final Duration LONGEST_PAUSE = Duration.ofMillis(250);

    private final LocalWrites local;
    private final Reads reads;
    private final LeaderRoute route;
    private final Supplier<@Nullable String> absence;
    private final ScheduledExecutorService timer;
    private final Executor tasks;
    private final RandomGenerator random;

    /**
     * @param absence why this engine can't do anything by itself, if it can't
     * @param timer waits before a write is tried again
     * @param tasks tries it
     */
    RoutedFleetApi(
            LocalWrites local,
            Reads reads,
            LeaderRoute route,
            Supplier<@Nullable String> absence,
            ScheduledExecutorService timer,
            Executor tasks,
            RandomGenerator random) {
        this.local = local;
        this.reads = reads;
        this.route = route;
        this.absence = absence;
        this.timer = timer;
        this.tasks = tasks;
        this.random = random;
    }

    /** The same API for calls that another engine forwarded: done here or {@code ABORTED}, sent no further. */
    FleetApi forwarded() {
        return new Forwarded();
    }

    @Override
    public CompletableFuture<WriteResponse> createUnits(CreateUnitsRequest request, Duration deadline) {
        return write(left -> local.createUnits(request, left), stub -> stub.createUnits(request), deadline);
    }

    @Override
    public CompletableFuture<WriteResponse> setTargetStates(SetTargetStatesRequest request, Duration deadline) {
        return write(left -> local.setTargetStates(request, left), stub -> stub.setTargetStates(request), deadline);
    }

    @Override
    public CompletableFuture<WriteResponse> destroyUnits(DestroyUnitsRequest request, Duration deadline) {
        return write(left -> local.destroyUnits(request, left), stub -> stub.destroyUnits(request), deadline);
    }

    @Override
    public CompletableFuture<WriteResponse> patchMachines(PatchMachinesRequest request, Duration deadline) {
        return write(left -> local.patchMachines(request, left), stub -> stub.patchMachines(request), deadline);
    }

    @Override
    public CompletableFuture<PlanResponse> plan(PlanRequest request, Duration deadline) {
        var why = route.leader() == null ? "no leader is known" : route.elsewhere() == null ? absence.get() : null;
        if (why != null) {
            return CompletableFuture.failedFuture(unplanned(why));
        }
        var leader = route.elsewhere();
        return leader == null
                ? planned(local.plan(request, deadline))
                : planned(forward(Context.current(), leader, stub -> stub.plan(request), deadline));
    }

    /** What is no answer is for the client to ask again: nothing was done. */
    private static CompletableFuture<PlanResponse> planned(CompletableFuture<PlanResponse> plan) {
        return plan.exceptionally(failure -> {
            var cause = Async.cause(failure);
            throw switch (cause) {
                case StatusRuntimeException status ->
                    switch (status.getStatus().getCode()) {
                        case ABORTED, CANCELLED, UNKNOWN ->
                            unplanned(String.valueOf(status.getStatus().getDescription()));
                        default -> status;
                    };
                case Abandoned abandoned -> unplanned(String.valueOf(abandoned.getMessage()));
                default -> unplanned(SILENT);
            };
        });
    }

    private static StatusRuntimeException unplanned(String why) {
        return Status.UNAVAILABLE
                .withDescription("nothing was planned: " + why + ": ask again, or another engine")
                .asRuntimeException();
    }

    @Override
    public CompletableFuture<WriteResponse> startRollout(StartRolloutRequest request, Duration deadline) {
        return write(left -> local.startRollout(request, left), stub -> stub.startRollout(request), deadline);
    }

    @Override
    public CompletableFuture<WriteResponse> controlRollout(ControlRolloutRequest request, Duration deadline) {
        return write(left -> local.controlRollout(request, left), stub -> stub.controlRollout(request), deadline);
    }

    @Override
    public CompletableFuture<ListRolloutsResponse> listRollouts(ListRolloutsRequest request, Duration deadline) {
        return reads.listRollouts(request, deadline);
    }

    @Override
    public CompletableFuture<GetUnitResponse> getUnit(GetUnitRequest request, Duration deadline) {
        var caller = Context.current();
        return reads.getUnit(request, deadline)
                .thenCompose(response -> explained(
                        caller,
                        response,
                        List.of(response.getUnit()),
                        units -> response.toBuilder().setUnit(units.getFirst()).build(),
                        stub -> stub.getUnit(request),
                        deadline));
    }

    @Override
    public CompletableFuture<ListUnitsResponse> listUnits(ListUnitsRequest request, Duration deadline) {
        var page = reads.listUnits(request, deadline);
        if (!request.getWithVetoes()) {
            return page;
        }
        var caller = Context.current();
        return page.thenCompose(response -> explained(
                caller,
                response,
                response.getUnitsList(),
                units -> response.toBuilder().clearUnits().addAllUnits(units).build(),
                stub -> stub.listUnits(request),
                deadline));
    }

    @Override
    public CompletableFuture<ListUnitStatesResponse> listUnitStates(ListUnitStatesRequest request, Duration deadline) {
        return reads.listUnitStates(request, deadline);
    }

    @Override
    public CompletableFuture<ListMachinesResponse> listMachines(ListMachinesRequest request, Duration deadline) {
        return reads.listMachines(request, deadline);
    }

    @Override
    public CompletableFuture<ListEventsResponse> listEvents(ListEventsRequest request, Duration deadline) {
        return reads.listEvents(request, deadline);
    }

    /** With the reasons why units wait: the leader alone knows them; an answer without them beats none. */
    private <T> CompletableFuture<T> explained(
            Context caller,
            T response,
            List<Unit> units,
            Function<List<Unit>, T> with,
            Function<FleetFutureStub, ListenableFuture<T>> ask,
            Duration deadline) {
        if (reads.explicable(units).isEmpty()) {
            return CompletableFuture.completedFuture(response);
        }
        var leader = route.elsewhere();
        var half = deadline.dividedBy(2);
        var answer = leader == null
                ? reads.explained(units, half).thenApply(with)
                : forward(caller, leader, ask, half).orTimeout(half.toNanos(), TimeUnit.NANOSECONDS);
        return answer.exceptionally(failure -> response);
    }

    private CompletableFuture<WriteResponse> write(
            Function<Duration, CompletableFuture<WriteResponse>> here,
            Function<FleetFutureStub, ListenableFuture<WriteResponse>> there,
            Duration deadline) {
        var write = new Write(here, there, System.nanoTime() + deadline.toNanos());
        write.attempt();
        return write.reply;
    }

    private <T> CompletableFuture<T> forward(
            Context caller, EnginePeer leader, Function<FleetFutureStub, ListenableFuture<T>> call, Duration deadline) {
        var stub = route.futureStub(leader).withDeadlineAfter(deadline.toNanos(), TimeUnit.NANOSECONDS);
        // Wherever this runs: the leader is told who called.
        var before = caller.attach();
        ListenableFuture<T> pending;
        try {
            pending = call.apply(stub);
        } finally {
            caller.detach(before);
        }
        var reply = new CompletableFuture<T>();
        Futures.addCallback(
                pending,
                new FutureCallback<T>() {
                    @Override
                    public void onSuccess(@Nullable T result) {
                        reply.complete(result);
                    }

                    @Override
                    public void onFailure(Throwable failure) {
                        reply.completeExceptionally(failure);
                    }
                },
                MoreExecutors.directExecutor());
        Async.whenDone(reply, (result, failure) -> {
            if (reply.isCancelled()) {
                pending.cancel(true);
            }
        });
        return route.whileLeading(leader, reply);
    }

    /** One write on its way, perhaps over several leaders. Attempts follow each other; fields pass from one to the next. */
    private final class Write {
        private final Function<Duration, CompletableFuture<WriteResponse>> here;
        private final Function<FleetFutureStub, ListenableFuture<WriteResponse>> there;
        private final long deadlineNanos;
        private final CompletableFuture<WriteResponse> reply = new CompletableFuture<>();
        /** Ends what is forwarded when the client gives up, so that no copy of its request outlives its call. */
        private final Context caller = Context.current();

        private final AtomicInteger attempts = new AtomicInteger();
        private volatile long changesSeen = route.changes();
        private volatile boolean fateUnknown;
        private volatile String lastFailure = "no leader is known";

        Write(
                Function<Duration, CompletableFuture<WriteResponse>> here,
                Function<FleetFutureStub, ListenableFuture<WriteResponse>> there,
                long deadlineNanos) {
            this.here = here;
            this.there = there;
            this.deadlineNanos = deadlineNanos;
        }

        void attempt() {
            long left = deadlineNanos - System.nanoTime();
            if (left <= 0 || caller.isCancelled()) {
                giveUp();
                return;
            }
            long changes = route.changes();
            if (changes != changesSeen) {
                attempts.set(0);
                changesSeen = changes;
            }
            var leader = route.leader();
            if (leader == null) {
                again();
                return;
            }
            var elsewhere = route.elsewhere();
            var why = elsewhere == null ? absence.get() : null;
            if (why != null) {
                lastFailure = why;
                giveUp();
                return;
            }
            var answer = elsewhere == null
                    ? here.apply(Duration.ofNanos(left)).orTimeout(left, TimeUnit.NANOSECONDS)
                    : forward(caller, elsewhere, there, Duration.ofNanos(left));
            Async.whenDone(answer, (result, failure) -> {
                if (failure == null) {
                    reply.complete(result);
                } else {
                    failed(failure);
                }
            });
        }

        private void failed(Throwable failure) {
            switch (failure) {
                case Abandoned abandoned -> {
                    fateUnknown = fateUnknown || abandoned.fateUnknown();
                    lastFailure = String.valueOf(abandoned.getMessage());
                    again();
                }
                case StatusRuntimeException status -> {
                    switch (status.getStatus().getCode()) {
                        case ABORTED -> {
                            lastFailure = String.valueOf(status.getStatus().getDescription());
                            again();
                        }
                        case RESOURCE_EXHAUSTED -> {
                            if (!fateUnknown) {
                                reply.completeExceptionally(status);
                                return;
                            }
                            lastFailure = String.valueOf(status.getStatus().getDescription());
                            again();
                        }
                        case DEADLINE_EXCEEDED -> {
                            fateUnknown = true;
                            lastFailure = SILENT; // gRPC's own words for it are of no use to anybody
                            again();
                        }
                        case UNAVAILABLE, UNKNOWN, CANCELLED -> {
                            fateUnknown = true;
                            lastFailure = String.valueOf(status.getStatus().getDescription());
                            again();
                        }
                        default -> reply.completeExceptionally(status);
                    }
                }
                default -> {
                    // A call that was cancelled because its leader is none any more, or that got no answer in time.
                    fateUnknown = true;
                    lastFailure = SILENT;
                    again();
                }
            }
        }

        /** After a pause, each longer than the one before; or as soon as there is another leader, from whom on they are short. */
        private void again() {
            long changes = route.changes();
            if (changes != changesSeen) {
                attempts.set(0);
            }
            int attempt = attempts.getAndIncrement();
            long pause = Math.min(LONGEST_PAUSE.toNanos(), FIRST_PAUSE.toNanos() << Math.min(attempt, 10));
            long jittered = pause / 2 + random.nextLong(pause / 2 + 1);
            if (deadlineNanos - System.nanoTime() <= jittered) {
                giveUp();
                return;
            }
            var next = new Next();
            route.onChange(next);
            var unused = timer.schedule(next, jittered, TimeUnit.NANOSECONDS);
            if (route.changes() != changes) {
                next.run();
            }
        }

        /** The next attempt, begun once, by whichever comes first. */
        private final class Next implements Runnable {
            private final AtomicBoolean begun = new AtomicBoolean();

            @Override
            public void run() {
                if (begun.compareAndSet(false, true)) {
                    route.forget(this);
                    tasks.execute(caller.wrap(Write.this::attempt));
                }
            }
        }

        private void giveUp() {
            var status = fateUnknown
                    ? Status.UNKNOWN.withDescription("the write may or may not have been done (" + lastFailure
                            + "): ask again with the same request id")
                    : Status.UNAVAILABLE.withDescription(
                            "the write was not done: " + lastFailure + ": ask again, or another engine");
            reply.completeExceptionally(status.asRuntimeException());
        }
    }

    /** For calls from another engine. */
    private final class Forwarded implements FleetApi {
        @Override
        public CompletableFuture<WriteResponse> createUnits(CreateUnitsRequest request, Duration deadline) {
            return hereOnly(local.createUnits(request, deadline), deadline);
        }

        @Override
        public CompletableFuture<WriteResponse> setTargetStates(SetTargetStatesRequest request, Duration deadline) {
            return hereOnly(local.setTargetStates(request, deadline), deadline);
        }

        @Override
        public CompletableFuture<WriteResponse> destroyUnits(DestroyUnitsRequest request, Duration deadline) {
            return hereOnly(local.destroyUnits(request, deadline), deadline);
        }

        @Override
        public CompletableFuture<WriteResponse> patchMachines(PatchMachinesRequest request, Duration deadline) {
            return hereOnly(local.patchMachines(request, deadline), deadline);
        }

        @Override
        public CompletableFuture<PlanResponse> plan(PlanRequest request, Duration deadline) {
            return planned(local.plan(request, deadline));
        }

        @Override
        public CompletableFuture<WriteResponse> startRollout(StartRolloutRequest request, Duration deadline) {
            return hereOnly(local.startRollout(request, deadline), deadline);
        }

        @Override
        public CompletableFuture<WriteResponse> controlRollout(ControlRolloutRequest request, Duration deadline) {
            return hereOnly(local.controlRollout(request, deadline), deadline);
        }

        @Override
        public CompletableFuture<ListRolloutsResponse> listRollouts(ListRolloutsRequest request, Duration deadline) {
            return reads.listRollouts(request, deadline);
        }

        @Override
        public CompletableFuture<GetUnitResponse> getUnit(GetUnitRequest request, Duration deadline) {
            return reads.getUnit(request, deadline)
                    .thenCompose(response -> reads.explained(List.of(response.getUnit()), deadline)
                            .thenApply(units -> response.toBuilder()
                                    .setUnit(units.getFirst())
                                    .build()));
        }

        @Override
        public CompletableFuture<ListUnitsResponse> listUnits(ListUnitsRequest request, Duration deadline) {
            return reads.listUnits(request, deadline)
                    .thenCompose(response -> reads.explained(response.getUnitsList(), deadline)
                            .thenApply(units -> response.toBuilder()
                                    .clearUnits()
                                    .addAllUnits(units)
                                    .build()));
        }

        @Override
        public CompletableFuture<ListUnitStatesResponse> listUnitStates(
                ListUnitStatesRequest request, Duration deadline) {
            return reads.listUnitStates(request, deadline);
        }

        @Override
        public CompletableFuture<ListMachinesResponse> listMachines(ListMachinesRequest request, Duration deadline) {
            return reads.listMachines(request, deadline);
        }

        @Override
        public CompletableFuture<ListEventsResponse> listEvents(ListEventsRequest request, Duration deadline) {
            return reads.listEvents(request, deadline);
        }

        private CompletableFuture<WriteResponse> hereOnly(CompletableFuture<WriteResponse> write, Duration deadline) {
            return write.orTimeout(deadline.toNanos(), TimeUnit.NANOSECONDS).exceptionally(failure -> {
                throw status(Async.cause(failure));
            });
        }

        private StatusRuntimeException status(Throwable failure) {
            return switch (failure) {
                case StatusRuntimeException status -> status;
                case Abandoned abandoned ->
                    (abandoned.fateUnknown() ? Status.UNKNOWN : Status.ABORTED)
                            .withDescription(abandoned.getMessage())
                            .asRuntimeException();
                default ->
                    Status.UNKNOWN
                            .withDescription("the write was not answered in time")
                            .asRuntimeException();
            };
        }
    }
}
