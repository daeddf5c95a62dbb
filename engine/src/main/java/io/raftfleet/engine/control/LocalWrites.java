package io.raftfleet.engine.control;

import com.google.common.hash.Hashing;
import com.google.protobuf.Message;
import io.grpc.Status;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.proto.fleet.ControlRolloutRequest;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.fleet.PlanRequest;
import io.raftfleet.proto.fleet.PlanResponse;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.StartRolloutRequest;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.unit.limits.Limits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Clients' writes, done by this engine as leader. Futures fail with {@link Abandoned} when it does not lead, and with a
 * final {@link io.grpc.StatusRuntimeException} when the request as a whole is refused. Parses and validates on the
 * caller's thread, which is that of whoever is served by it: see {@link Caller#current}.
 */
public final class LocalWrites {
    /** Items in one call. */
    public static final int MAX_ITEMS = Limits.ITEMS;

    private static final int REQUEST_ID_BYTES = 16;
    /** Hexadecimal digits of a rollout's id. */
    private static final int ROLLOUT_ID = 8;

    private final Controller controller;
    private final AfterCommit afterCommit;

    /** What else is to happen before a write is acknowledged, also one that was done before and is asked for again. */
    @FunctionalInterface
    public interface AfterCommit {
        /** Nothing. */
        AfterCommit NOTHING = (write, deadline) -> write;

        /**
         * Called with each write as it begins.
         *
         * @param deadline for the whole call, from now on
         */
        CompletableFuture<WriteResponse> apply(CompletableFuture<WriteResponse> write, Duration deadline);
    }

    public LocalWrites(Controller controller, AfterCommit afterCommit) {
        this.controller = controller;
        this.afterCommit = afterCommit;
    }

    public CompletableFuture<WriteResponse> createUnits(CreateUnitsRequest request, Duration deadline) {
        return write(
                request.getRequestId(),
                request.toBuilder().clearRequestId().build(),
                request.getUnitsCount(),
                () -> Items.of(request, Caller.current().words()),
                deadline);
    }

    public CompletableFuture<WriteResponse> setTargetStates(SetTargetStatesRequest request, Duration deadline) {
        return write(
                request.getRequestId(),
                request.toBuilder().clearRequestId().build(),
                request.getChangesCount(),
                () -> Items.of(request, Caller.current().words()),
                deadline);
    }

    public CompletableFuture<WriteResponse> destroyUnits(DestroyUnitsRequest request, Duration deadline) {
        return write(
                request.getRequestId(),
                request.toBuilder().clearRequestId().build(),
                request.getNamesCount(),
                () -> Items.destroy(request.getNamesList(), Caller.current().words()),
                deadline);
    }

    public CompletableFuture<WriteResponse> patchMachines(PatchMachinesRequest request, Duration deadline) {
        return write(
                request.getRequestId(),
                request.toBuilder().clearRequestId().build(),
                request.getPatchesCount(),
                () -> Items.of(request, Caller.current().words()),
                deadline);
    }

    /** What these writes would do, if they are done now and nothing else is: see {@code fleet.proto}. */
    public CompletableFuture<PlanResponse> plan(PlanRequest request, Duration deadline) {
        var patches = request.getMachines().getPatchesList();
        int items = request.getCreate().getUnitsCount() + request.getTargets().getChangesCount() + patches.size();
        if (items > Limits.PLANNED) {
            return refused("the plan has " + items + " items; at most " + Limits.PLANNED
                    + " are allowed: plan fewer at a time");
        }
        var orders = patches.stream().filter(MachinePatch::hasOrder).toList();
        if (orders.size() > 1
                || orders.stream().anyMatch(patch -> patch.getOrder().getKind() != MachineOrder.Kind.KIND_DRAIN)) {
            return refused("machines: of orders, one to drain one machine alone can be planned");
        }
        var by = Caller.current().words();
        var named = new ArrayList<String>();
        request.getCreate().getUnitsList().forEach(unit -> named.add(unit.getName()));
        request.getTargets().getChangesList().forEach(change -> named.add(change.getName()));
        var asked = new PlanWork.Asked(
                Items.of(request.getCreate(), by),
                Items.of(request.getTargets(), by),
                Items.of(request.getMachines(), by),
                named,
                orders.isEmpty() ? null : orders.getFirst().getMachineId());
        return controller.plan(asked).orTimeout(deadline.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** Starts a rollout; its id is the beginning of the request's. */
    public CompletableFuture<WriteResponse> startRollout(StartRolloutRequest request, Duration deadline) {
        var id = HexFormat.of().formatHex(request.getRequestId().getId().toByteArray());
        return write(
                request.getRequestId(),
                request.toBuilder().clearRequestId().build(),
                1,
                () -> List.of(RolloutOrders.start(
                        id.substring(0, ROLLOUT_ID), request, Caller.current().words())),
                deadline);
    }

    public CompletableFuture<WriteResponse> controlRollout(ControlRolloutRequest request, Duration deadline) {
        return write(
                request.getRequestId(),
                request.toBuilder().clearRequestId().build(),
                1,
                () -> List.of(RolloutOrders.control(request, Caller.current().words())),
                deadline);
    }

    private CompletableFuture<WriteResponse> write(
            RequestId id, Message withoutId, int items, Supplier<List<Item>> parse, Duration deadline) {
        if (id.getId().size() != REQUEST_ID_BYTES) {
            return refused("the request id has " + id.getId().size() + " bytes, not " + REQUEST_ID_BYTES
                    + ": make 16 random ones for each write");
        }
        if (items == 0) {
            return CompletableFuture.completedFuture(WriteResponse.getDefaultInstance());
        }
        if (items > MAX_ITEMS) {
            return refused(
                    "the call has " + items + " items; at most " + MAX_ITEMS + " are allowed: send several calls");
        }
        long digest = Hashing.murmur3_128()
                .newHasher()
                .putUnencodedChars(withoutId.getDescriptorForType().getFullName())
                .putBytes(withoutId.toByteArray())
                .hash()
                .asLong();
        return afterCommit.apply(controller.write(id, digest, parse.get()), deadline);
    }

    private static <T> CompletableFuture<T> refused(String why) {
        return CompletableFuture.failedFuture(
                Status.INVALID_ARGUMENT.withDescription(why).asRuntimeException());
    }
}
