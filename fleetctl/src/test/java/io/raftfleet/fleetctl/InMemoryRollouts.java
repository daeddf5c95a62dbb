package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.ControlRolloutRequest;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.StartRolloutRequest;
import io.raftfleet.proto.model.Rollout;
import io.raftfleet.proto.model.RolloutPhase;
import io.raftfleet.proto.model.TargetState;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;

/** Rollouts of an {@link InMemoryCluster}: each takes one step whenever it is looked at. Guarded by the cluster's monitor. */
final class InMemoryRollouts {
    private final InMemoryCluster cluster;
    private final TreeMap<String, Rollout> rollouts = new TreeMap<>();
    private final TreeMap<String, List<String>> units = new TreeMap<>();
    /** Why the next ones stop at their second group, or go back; empty when they do not. */
    String failure = "";
    /** How many units the next ones pass by. */
    int leftAlone;

    InMemoryRollouts(InMemoryCluster cluster) {
        this.cluster = cluster;
    }

    ItemResult start(StartRolloutRequest request) {
        String first = request.getUnits(0).getName();
        if (cluster.refused.contains(first)) {
            return ItemResult.newBuilder()
                    .setCode(ItemCode.ITEM_CODE_REFUSED)
                    .setMessage("unit " + first + " is in rollout 0000abcd, which is under way")
                    .build();
        }
        String id = HexFormat.of()
                .formatHex(request.getRequestId().getId().toByteArray())
                .substring(0, 8);
        request.getUnitsList()
                .forEach(unit -> cluster.create(
                        unit.toBuilder()
                                .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                                .build(),
                        true));
        units.put(
                id, request.getUnitsList().stream().map(unit -> unit.getName()).toList());
        rollouts.put(
                id,
                Rollout.newBuilder()
                        .setId(id)
                        .setPhase(RolloutPhase.ROLLOUT_PHASE_RUNNING)
                        .setUnits(request.getUnitsCount())
                        .setFirstUnit(first)
                        .setGroupTo(Math.min(request.getUnitsCount(), Math.max(1, request.getCanary())))
                        .setMaxUnavailable(request.getMaxUnavailable())
                        .setCanary(request.getCanary())
                        .setHealthWaitMs(request.getHealthWaitMs())
                        .setRollback(request.getRollback())
                        .setBy("user/alice")
                        .setStartedMs(1_795_000_000_000L)
                        .setChangedMs(1_795_000_000_000L)
                        .build());
        return ItemResult.newBuilder().setCode(ItemCode.ITEM_CODE_OK).build();
    }

    ItemResult control(ControlRolloutRequest request) {
        Rollout rollout = rollouts.get(request.getId());
        if (rollout == null) {
            return ItemResult.newBuilder()
                    .setCode(ItemCode.ITEM_CODE_NOT_FOUND)
                    .setMessage("there is no rollout " + request.getId())
                    .build();
        }
        var phase = rollout.getPhase();
        boolean nothing = switch (request.getOrder()) {
            case ORDER_PAUSE -> phase == RolloutPhase.ROLLOUT_PHASE_PAUSED;
            case ORDER_UNDO -> rollout.getBack();
            default -> phase == RolloutPhase.ROLLOUT_PHASE_RUNNING;
        };
        if (nothing || cluster.refused.contains(rollout.getId())) {
            return ItemResult.newBuilder()
                    .setCode(nothing ? ItemCode.ITEM_CODE_UNCHANGED : ItemCode.ITEM_CODE_REFUSED)
                    .setMessage("rollout " + rollout.getId() + " is as it is")
                    .build();
        }
        var next = rollout.toBuilder().clearReason().setChangedBy("user/bob");
        switch (request.getOrder()) {
            case ORDER_PAUSE -> next.setPhase(RolloutPhase.ROLLOUT_PHASE_PAUSED);
            case ORDER_UNDO ->
                next.setPhase(RolloutPhase.ROLLOUT_PHASE_RUNNING)
                        .setBack(true)
                        .setGroupFrom(Math.max(0, rollout.getGroupTo() - 1));
            default -> next.setPhase(RolloutPhase.ROLLOUT_PHASE_RUNNING);
        }
        rollouts.put(rollout.getId(), next.build());
        return ItemResult.newBuilder().setCode(ItemCode.ITEM_CODE_OK).build();
    }

    List<Rollout> list(String id) {
        if (id.isEmpty()) {
            return List.copyOf(rollouts.values());
        }
        Rollout rollout = rollouts.get(id);
        if (rollout == null) {
            return List.of();
        }
        if (rollout.getPhase() == RolloutPhase.ROLLOUT_PHASE_RUNNING) {
            rollouts.put(id, step(rollout));
        }
        return List.of(rollout.toBuilder()
                .addAllGroup(units.getOrDefault(id, List.of()).subList(rollout.getGroupFrom(), rollout.getGroupTo()))
                .build());
    }

    private Rollout step(Rollout rollout) {
        var next = rollout.toBuilder().clearChangedBy();
        int size = Math.max(1, rollout.getMaxUnavailable());
        if (rollout.getBack()) {
            return rollout.getGroupFrom() == 0
                    ? next.setPhase(RolloutPhase.ROLLOUT_PHASE_DONE).build()
                    : next.setGroupFrom(Math.max(0, rollout.getGroupFrom() - size))
                            .setGroupTo(rollout.getGroupFrom())
                            .build();
        }
        if (!failure.isEmpty() && rollout.getGroupFrom() > 0) {
            next.setReason(failure);
            return rollout.getRollback()
                    ? next.setBack(true).build()
                    : next.setPhase(RolloutPhase.ROLLOUT_PHASE_STOPPED).build();
        }
        return rollout.getGroupTo() == rollout.getUnits()
                ? next.setPhase(RolloutPhase.ROLLOUT_PHASE_DONE)
                        .setLeftAlone(leftAlone)
                        .setFirstLeftAlone(leftAlone == 0 ? "" : rollout.getFirstUnit())
                        .build()
                : next.setGroupFrom(rollout.getGroupTo())
                        .setGroupTo(Math.min(rollout.getUnits(), rollout.getGroupTo() + size))
                        .build();
    }
}
