package io.raftfleet.engine.api;

import io.raftfleet.proto.fleet.ControlRolloutRequest;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
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
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * Reads and writes of the cluster, the same on every engine: a follower forwards writes to the leader, reads are answered
 * here.
 *
 * <p>Every call answers within {@code deadline} of the call: with a result or by failing the future with an
 * {@link io.grpc.StatusRuntimeException} whose code and description are fit for the user ({@code INVALID_ARGUMENT},
 * {@code NOT_FOUND}, {@code UNAVAILABLE}, {@code DEADLINE_EXCEEDED}, {@code UNKNOWN}, {@code FAILED_PRECONDITION},
 * {@code RESOURCE_EXHAUSTED}; see {@code fleet.proto}). What is wrong with one item of a batch is in that item's result.
 * Methods return at once and never block; callbacks on the future must not block either.
 */
public interface FleetApi {
    CompletableFuture<WriteResponse> createUnits(CreateUnitsRequest request, Duration deadline);

    CompletableFuture<WriteResponse> setTargetStates(SetTargetStatesRequest request, Duration deadline);

    CompletableFuture<WriteResponse> destroyUnits(DestroyUnitsRequest request, Duration deadline);

    CompletableFuture<WriteResponse> patchMachines(PatchMachinesRequest request, Duration deadline);

    /** What writes would do; nothing is done. */
    CompletableFuture<PlanResponse> plan(PlanRequest request, Duration deadline);

    CompletableFuture<WriteResponse> startRollout(StartRolloutRequest request, Duration deadline);

    CompletableFuture<WriteResponse> controlRollout(ControlRolloutRequest request, Duration deadline);

    CompletableFuture<GetUnitResponse> getUnit(GetUnitRequest request, Duration deadline);

    CompletableFuture<ListUnitsResponse> listUnits(ListUnitsRequest request, Duration deadline);

    CompletableFuture<ListUnitStatesResponse> listUnitStates(ListUnitStatesRequest request, Duration deadline);

    CompletableFuture<ListMachinesResponse> listMachines(ListMachinesRequest request, Duration deadline);

    CompletableFuture<ListEventsResponse> listEvents(ListEventsRequest request, Duration deadline);

    CompletableFuture<ListRolloutsResponse> listRollouts(ListRolloutsRequest request, Duration deadline);
}
