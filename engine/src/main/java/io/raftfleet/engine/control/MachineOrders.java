package io.raftfleet.engine.control;

import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.log.MachineMarked;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.Mark;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What operators want of machines as places for units, as items of a write. */
final class MachineOrders {
    private static final int MOST_PARALLEL = 1_000;
    private static final Duration LONGEST = Duration.ofDays(30);

    private MachineOrders() {}

    /**
     * @param patch with an order, whose machine id has the form of one
     * @param by who asks for it, as {@code Unit.changed_by} has it
     */
    static Item item(MachinePatch patch, String by) {
        var order = patch.getOrder();
        var fault = fault(patch);
        if (fault != null) {
            return Items.invalid("machine", patch.getMachineId(), fault);
        }
        return (draft, out) -> {
            var machine = draft.machine(patch.getMachineId());
            if (machine == null) {
                return Item.result(ItemCode.ITEM_CODE_NOT_FOUND, "machine " + patch.getMachineId() + " is unknown");
            }
            var unmarkable = draft.unmarkable(machine);
            if (unmarkable != null) {
                return Item.result(ItemCode.ITEM_CODE_REFUSED, unmarkable);
            }
            return order.getKind() == MachineOrder.Kind.KIND_FORGET
                    ? forget(machine, by, draft, out)
                    : mark(machine, order, by, draft, out);
        };
    }

    private static @Nullable String fault(MachinePatch patch) {
        var order = patch.getOrder();
        if (!patch.getKey().isEmpty() || patch.hasValue()) {
            return "order: it comes with a key or a value; send them as two patches";
        }
        return switch (order.getKind()) {
            case KIND_UNSPECIFIED, UNRECOGNIZED ->
                "order.kind: " + order.getKindValue() + " is none of cordon, drain, uncordon, forget";
            case KIND_DRAIN ->
                Integer.compareUnsigned(order.getMaxParallel(), MOST_PARALLEL) > 0
                        ? "order.max_parallel: it is " + Integer.toUnsignedString(order.getMaxParallel()) + "; at most "
                                + MOST_PARALLEL + " are allowed"
                        : Long.compareUnsigned(order.getDeadlineMs(), LONGEST.toMillis()) > 0
                                ? "order.deadline_ms: it is more than " + LONGEST.toDays() + " days"
                                : null;
            case KIND_CORDON, KIND_UNCORDON, KIND_FORGET -> null;
        };
    }

    private static ItemResult forget(MachineRecord machine, String by, Draft draft, List<Record> out) {
        if (machine.present()) {
            return Item.result(
                    ItemCode.ITEM_CODE_REFUSED,
                    "machine " + machine.id() + " is present: it can be forgotten once it is lost");
        }
        if (draft.mayRunUnits(machine)) {
            return Item.result(
                    ItemCode.ITEM_CODE_REFUSED,
                    "machine " + machine.id()
                            + " may run units yet that must never run twice, or has units that are not placed elsewhere yet: try again"
                            + " in a minute");
        }
        out.add(draft.forget(machine, by));
        return Item.OK;
    }

    private static ItemResult mark(
            MachineRecord machine, MachineOrder order, String by, Draft draft, List<Record> out) {
        var before = machine.mark();
        var mark = MachineMarked.newBuilder().setMachineId(machine.id()).setChangedBy(by);
        switch (order.getKind()) {
            case KIND_CORDON -> {
                if (before.kind() == MachineMarkKind.MACHINE_MARK_KIND_CORDONED) {
                    return Item.unchanged("machine " + machine.id() + " is cordoned");
                }
                mark.setKind(MachineMarkKind.MACHINE_MARK_KIND_CORDONED);
            }
            case KIND_UNCORDON -> {
                if (!before.cordoned()) {
                    return Item.unchanged("machine " + machine.id() + " is not cordoned");
                }
                mark.setKind(MachineMarkKind.MACHINE_MARK_KIND_UNSPECIFIED);
            }
            default -> {
                int parallel = Math.max(1, order.getMaxParallel());
                if (before.kind() == MachineMarkKind.MACHINE_MARK_KIND_DRAINED) {
                    return Item.unchanged("machine " + machine.id() + " is drained");
                }
                if (before.kind() == MachineMarkKind.MACHINE_MARK_KIND_ENDING) {
                    return Item.unchanged("machine " + machine.id()
                            + " is being drained: its global units are ending, all others have left");
                }
                if (same(before, order, parallel)) {
                    return Item.unchanged("machine " + machine.id() + " is being drained");
                }
                mark.setKind(MachineMarkKind.MACHINE_MARK_KIND_DRAINING)
                        .setMaxParallel(parallel)
                        .setDeadlineAfterMs(order.getDeadlineMs());
            }
        }
        out.add(draft.mark(mark.build()));
        return Item.OK;
    }

    /** Whether a drain is under way that an order would change nothing of. A deadline counts from each order anew. */
    private static boolean same(Mark before, MachineOrder order, int parallel) {
        return before.draining()
                && before.maxParallel() == parallel
                && before.deadlineMs() == 0
                && order.getDeadlineMs() == 0;
    }
}
