package io.raftfleet.engine.control;

import io.grpc.Status;
import io.raftfleet.proto.log.OrphanDropped;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import io.raftfleet.unit.SafeText;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A unit that a machine runs and the registry does not know becomes one that it knows, or is sent away. */
final class OrphanWork implements Work {
    /** What an adopted orphan becomes. */
    record Adoption(Submission unit, TargetState target) {}

    private final String machineId;
    private final String name;
    private final @Nullable Adoption adoption;
    private final CompletableFuture<Void> done = new CompletableFuture<>();
    private int record = -1;

    /** @param adoption null to have it stopped and removed */
    OrphanWork(String machineId, String name, @Nullable Adoption adoption) {
        this.machineId = machineId;
        this.name = name;
        this.adoption = adoption;
    }

    CompletableFuture<Void> done() {
        return done;
    }

    @Override
    public WorkQueue.Lane lane() {
        return WorkQueue.Lane.CLIENTS;
    }

    @Override
    public int bytes() {
        return adoption == null
                ? 0
                : Math.toIntExact(SafeText.bytes(adoption.unit().file().text()));
    }

    @Override
    public boolean open() {
        return !done.isDone();
    }

    @Override
    public String describe() {
        return (adoption == null ? "dropping" : "adopting") + " unit " + name + " of machine " + machineId;
    }

    @Override
    public boolean decide(Batch batch, Draft draft, long nowMs) {
        var machine = draft.machine(machineId);
        if (draft.unit(name) != null || machine == null || !machine.present()) {
            refuse(Status.FAILED_PRECONDITION
                    .withDescription("unit " + name + " on machine " + machineId + " is no orphan any more")
                    .asRuntimeException());
            return true;
        }
        var records = new ArrayList<Record>();
        if (adoption == null) {
            records.add(Record.newBuilder()
                    .setOrphanDropped(
                            OrphanDropped.newBuilder().setMachineId(machineId).setName(name))
                    .build());
        } else {
            var unread = draft.unread(adoption.unit());
            if (unread != null) {
                refuse(Status.FAILED_PRECONDITION.withDescription(unread).asRuntimeException());
                return true;
            }
            var elsewhere = draft.runsAsOrphan(name, adoption.unit().wants(), machineId);
            if (elsewhere != null) {
                refuse(Status.FAILED_PRECONDITION.withDescription(elsewhere).asRuntimeException());
                return true;
            }
            var full = draft.takeRoom(null, adoption.unit());
            if (full != null) {
                refuse(Budget.failure(full));
                return true;
            }
            draft.adopt(machineId, adoption.unit(), adoption.target(), nowMs, records);
        }
        records.forEach(
                each -> record = adoption == null ? batch.addTentative(draft.tentative(each)) : batch.add(each));
        return true;
    }

    @Override
    public void applied(ApplyResult result) {
        if (record < 0) {
            return;
        }
        var dropped = result.dropped().get(record);
        if (dropped == null) {
            done.complete(null);
        } else {
            refuse(Status.FAILED_PRECONDITION.withDescription(dropped).asRuntimeException());
        }
    }

    @Override
    public void abandon(boolean fateUnknown, String reason) {
        done.completeExceptionally(new Abandoned(fateUnknown, reason));
    }

    @Override
    public void refuse(RuntimeException why) {
        done.completeExceptionally(why);
    }
}
