package io.raftfleet.engine.server;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.raftfleet.engine.api.Async;
import io.raftfleet.engine.api.FleetApi;
import io.raftfleet.proto.fleet.ControlRolloutRequest;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.GetUnitRequest;
import io.raftfleet.proto.fleet.GetUnitResponse;
import io.raftfleet.proto.fleet.JournalRequest;
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
import io.raftfleet.proto.fleet.LogChunk;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.fleet.PlanRequest;
import io.raftfleet.proto.fleet.PlanResponse;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.StartRolloutRequest;
import io.raftfleet.proto.fleet.UnitStatusRequest;
import io.raftfleet.proto.fleet.VersionRequest;
import io.raftfleet.proto.fleet.VersionResponse;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.fleet.WriteResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** The client API over gRPC. See {@code fleet.proto}. */
final class FleetService extends FleetGrpc.FleetImplBase {
    /** For calls that come without a deadline of their own. */
    private static final Duration DEFAULT_DEADLINE = Duration.ofSeconds(30);
    /** Left of a call's deadline for the way back, so that the reason for a failure gets there. */
    private static final Duration WAY_BACK = Duration.ofMillis(50);

    private static final Context.Key<Boolean> FORWARDED = Context.keyWithDefault("forwarded", false);

    private final FleetApi routed;
    private final FleetApi forwarded;
    private final Watches watches;
    private final UnitLogs logs;
    private final Supplier<VersionResponse> version;

    FleetService(RoutedFleetApi api, Watches watches, UnitLogs logs, Supplier<VersionResponse> version) {
        this.routed = api;
        this.forwarded = api.forwarded();
        this.watches = watches;
        this.logs = logs;
        this.version = version;
    }

    /** Notes which calls come from another engine. */
    static ServerInterceptor interceptor() {
        return new ServerInterceptor() {
            @Override
            public <Q, S> ServerCall.Listener<Q> interceptCall(
                    ServerCall<Q, S> call, Metadata headers, ServerCallHandler<Q, S> next) {
                if (headers.get(LeaderRoute.FORWARDED) == null) {
                    return next.startCall(call, headers);
                }
                return Contexts.interceptCall(Context.current().withValue(FORWARDED, true), call, headers, next);
            }
        };
    }

    @Override
    public void createUnits(CreateUnitsRequest request, StreamObserver<WriteResponse> responses) {
        answer(api().createUnits(request, deadline()), responses);
    }

    @Override
    public void setTargetStates(SetTargetStatesRequest request, StreamObserver<WriteResponse> responses) {
        answer(api().setTargetStates(request, deadline()), responses);
    }

    @Override
    public void destroyUnits(DestroyUnitsRequest request, StreamObserver<WriteResponse> responses) {
        answer(api().destroyUnits(request, deadline()), responses);
    }

    @Override
    public void patchMachines(PatchMachinesRequest request, StreamObserver<WriteResponse> responses) {
        answer(api().patchMachines(request, deadline()), responses);
    }

    @Override
    public void plan(PlanRequest request, StreamObserver<PlanResponse> responses) {
        answer(api().plan(request, deadline()), responses);
    }

    @Override
    public void startRollout(StartRolloutRequest request, StreamObserver<WriteResponse> responses) {
        answer(api().startRollout(request, deadline()), responses);
    }

    @Override
    public void controlRollout(ControlRolloutRequest request, StreamObserver<WriteResponse> responses) {
        answer(api().controlRollout(request, deadline()), responses);
    }

    @Override
    public void listRollouts(ListRolloutsRequest request, StreamObserver<ListRolloutsResponse> responses) {
        answer(api().listRollouts(request, deadline()), responses);
    }

    @Override
    public void getUnit(GetUnitRequest request, StreamObserver<GetUnitResponse> responses) {
        answer(api().getUnit(request, deadline()), responses);
    }

    @Override
    public void listUnits(ListUnitsRequest request, StreamObserver<ListUnitsResponse> responses) {
        answer(api().listUnits(request, deadline()), responses);
    }

    @Override
    public void listUnitStates(ListUnitStatesRequest request, StreamObserver<ListUnitStatesResponse> responses) {
        answer(api().listUnitStates(request, deadline()), responses);
    }

    @Override
    public void listMachines(ListMachinesRequest request, StreamObserver<ListMachinesResponse> responses) {
        answer(api().listMachines(request, deadline()), responses);
    }

    @Override
    public void listEvents(ListEventsRequest request, StreamObserver<ListEventsResponse> responses) {
        answer(api().listEvents(request, deadline()), responses);
    }

    @Override
    public void watch(WatchRequest request, StreamObserver<WatchResponse> responses) {
        watches.open(request, (ServerCallStreamObserver<WatchResponse>) responses, deadline());
    }

    @Override
    public void journal(JournalRequest request, StreamObserver<LogChunk> responses) {
        logs.journal(request, (ServerCallStreamObserver<LogChunk>) responses, FORWARDED.get());
    }

    @Override
    public void unitStatus(UnitStatusRequest request, StreamObserver<LogChunk> responses) {
        logs.status(request, (ServerCallStreamObserver<LogChunk>) responses, FORWARDED.get());
    }

    @Override
    public void version(VersionRequest request, StreamObserver<VersionResponse> responses) {
        responses.onNext(version.get());
        responses.onCompleted();
    }

    private FleetApi api() {
        return FORWARDED.get() ? forwarded : routed;
    }

    private static Duration deadline() {
        var deadline = Context.current().getDeadline();
        if (deadline == null) {
            return DEFAULT_DEADLINE;
        }
        var left =
                Duration.ofNanos(deadline.timeRemaining(TimeUnit.NANOSECONDS)).minus(WAY_BACK);
        return left.isPositive() ? left : Duration.ofMillis(1);
    }

    private static <T> void answer(CompletableFuture<T> reply, StreamObserver<T> responses) {
        Async.whenDone(reply, (result, failure) -> {
            if (failure != null) {
                fail(failure, responses);
            } else {
                responses.onNext(result);
                responses.onCompleted();
            }
        });
    }

    private static void fail(Throwable failure, StreamObserver<?> responses) {
        responses.onError(
                switch (failure) {
                    case StatusRuntimeException status -> status;
                    case StatusException status -> status;
                    default ->
                        Status.INTERNAL
                                .withDescription(String.valueOf(failure))
                                .withCause(failure)
                                .asRuntimeException();
                });
    }
}
