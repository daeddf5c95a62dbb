package io.raftfleet.engine.http;

import io.raftfleet.engine.api.FleetApi;
import io.raftfleet.proto.fleet.ControlRolloutRequest;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ListRolloutsRequest;
import io.raftfleet.proto.model.Rollout;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** {@code /page/rollouts}: those that are under way or kept, 64 ended ones at most, the newest last; and orders about one. */
final class PageRollouts {
    private final FleetApi api;
    private final RequestIds requestIds;
    private final Deadlines deadlines;

    PageRollouts(FleetApi api, RequestIds requestIds, Deadlines deadlines) {
        this.api = api;
        this.requestIds = requestIds;
        this.deadlines = deadlines;
    }

    /**
     * A rollout.
     *
     * @param state as {@code fleetctl rollout status} has it
     * @param orders that it takes now
     * @param leftAlone units that it has passed by, which were gone or had got another file meanwhile
     * @param from how many units stand before the group that is under way
     * @param to how many up to its end: of so many has the change begun, or, back, are still to be taken back
     */
    record RolloutRow(
            int atOnce,
            boolean back,
            String by,
            int canary,
            String changedBy,
            long changedMs,
            String firstUnit,
            int from,
            String id,
            int leftAlone,
            List<String> orders,
            String reason,
            long startedMs,
            String state,
            int to,
            int units) {}

    record RolloutRows(List<RolloutRow> rollouts) {}

    record Order(@Nullable String order) {}

    CompletableFuture<HttpReply> list(HttpCall call) {
        var request =
                ListRolloutsRequest.newBuilder().setRead(Reads.options(call)).build();
        return api.listRollouts(request, deadlines.read())
                .thenApply(answer -> HttpReply.json(
                                200,
                                new RolloutRows(answer.getRolloutsList().stream()
                                        .map(PageRollouts::row)
                                        .toList()))
                        .at(answer.getRevision()));
    }

    private static RolloutRow row(Rollout rollout) {
        return new RolloutRow(
                rollout.getMaxUnavailable(),
                rollout.getBack(),
                rollout.getBy(),
                rollout.getCanary(),
                rollout.getChangedBy(),
                rollout.getChangedMs(),
                rollout.getFirstUnit(),
                rollout.getGroupFrom(),
                rollout.getId(),
                rollout.getLeftAlone(),
                orders(rollout),
                rollout.getReason(),
                rollout.getStartedMs(),
                state(rollout),
                rollout.getGroupTo(),
                rollout.getUnits());
    }

    private static String state(Rollout rollout) {
        return switch (rollout.getPhase()) {
            case ROLLOUT_PHASE_RUNNING -> rollout.getBack() ? "going back" : "running";
            case ROLLOUT_PHASE_PAUSED -> "paused";
            case ROLLOUT_PHASE_STOPPED -> "stopped";
            case ROLLOUT_PHASE_DONE -> rollout.getBack() ? "rolled back" : "done";
            case ROLLOUT_PHASE_UNSPECIFIED, UNRECOGNIZED -> "unknown";
        };
    }

    private static List<String> orders(Rollout rollout) {
        return switch (rollout.getPhase()) {
            case ROLLOUT_PHASE_RUNNING -> rollout.getBack() ? List.of("pause") : List.of("pause", "undo");
            case ROLLOUT_PHASE_PAUSED, ROLLOUT_PHASE_STOPPED ->
                rollout.getBack() ? List.of("resume") : List.of("resume", "undo");
            case ROLLOUT_PHASE_DONE -> rollout.getBack() ? List.of() : List.of("undo");
            case ROLLOUT_PHASE_UNSPECIFIED, UNRECOGNIZED -> List.of();
        };
    }

    /** Pauses, resumes or undoes one. */
    CompletableFuture<HttpReply> order(HttpCall call, String id) {
        call.requireJson();
        var word = Json.read(call.body(), Order.class).order();
        var order = switch (word == null ? "" : word) {
            case "pause" -> ControlRolloutRequest.Order.ORDER_PAUSE;
            case "resume" -> ControlRolloutRequest.Order.ORDER_RESUME;
            case "undo" -> ControlRolloutRequest.Order.ORDER_UNDO;
            default ->
                throw new HttpProblem(400, "order \"" + word + "\" is unknown; it is one of pause, resume, undo");
        };
        var request = ControlRolloutRequest.newBuilder()
                .setRequestId(requestIds.next())
                .setId(id)
                .setOrder(order)
                .build();
        return api.controlRollout(request, deadlines.write()).thenApply(written -> {
            var result = written.getResults(0);
            if (result.getCode() == ItemCode.ITEM_CODE_OK || result.getCode() == ItemCode.ITEM_CODE_UNCHANGED) {
                return HttpReply.empty(204).at(written.getRevision());
            }
            throw new HttpProblem(result.getCode() == ItemCode.ITEM_CODE_NOT_FOUND ? 404 : 400, result.getMessage())
                    .at(written.getRevision());
        });
    }
}
