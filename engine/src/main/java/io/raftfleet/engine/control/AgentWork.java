package io.raftfleet.engine.control;

import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** What the agents' side of the leader has to have decided. */
final class AgentWork {
    private AgentWork() {}

    /** A machine's agent has said hello. The reply is the session's epoch. */
    static final class SessionOpen implements Work {
        private final SessionOpened.Builder session;
        private final int bytes;
        private final CompletableFuture<Long> epoch = new CompletableFuture<>();
        private int record;

        SessionOpen(SessionOpened session) {
            this.session = session.toBuilder();
            this.bytes = session.getSerializedSize();
        }

        /** Mostly the machine's metadata. */
        @Override
        public int bytes() {
            return bytes;
        }

        CompletableFuture<Long> epoch() {
            return epoch;
        }

        @Override
        public WorkQueue.Lane lane() {
            return WorkQueue.Lane.AGENTS;
        }

        @Override
        public boolean open() {
            return !epoch.isDone();
        }

        @Override
        public String describe() {
            return "a session of machine " + session.getMachineId();
        }

        @Override
        public boolean decide(Batch batch, Draft draft, long nowMs) {
            var machine = draft.machine(session.getMachineId());
            session.setSessionEpoch(machine == null ? 1 : machine.sessionEpoch() + 1);
            record = batch.add(draft.open(session.build()));
            return true;
        }

        @Override
        public void applied(ApplyResult result) {
            var dropped = result.dropped().get(record);
            if (dropped == null) {
                epoch.complete(session.getSessionEpoch());
            } else {
                abandon(false, dropped);
            }
        }

        @Override
        public void abandon(boolean fateUnknown, String reason) {
            epoch.completeExceptionally(new Abandoned(fateUnknown, reason));
        }

        @Override
        public void refuse(RuntimeException why) {
            epoch.completeExceptionally(why);
        }
    }

    /** A machine's report. The reply comes when it is committed, also if it turned out to be an old one. */
    static final class Report implements Work {
        private final StatesReported report;
        private final Urgency urgency;
        private final CompletableFuture<Void> committed = new CompletableFuture<>();

        Report(StatesReported report, Urgency urgency) {
            this.report = report;
            this.urgency = urgency;
        }

        CompletableFuture<Void> committed() {
            return committed;
        }

        @Override
        public int bytes() {
            return report.getSerializedSize();
        }

        @Override
        public Urgency urgency() {
            return urgency;
        }

        @Override
        public WorkQueue.Lane lane() {
            return WorkQueue.Lane.AGENTS;
        }

        @Override
        public boolean open() {
            return !committed.isDone();
        }

        @Override
        public String describe() {
            return "report " + report.getSequence() + " of machine " + report.getMachineId();
        }

        @Override
        public boolean decide(Batch batch, Draft draft, long nowMs) {
            batch.addTentative(draft.tentative(
                    Record.newBuilder().setStatesReported(report).build()));
            return true;
        }

        @Override
        public void applied(ApplyResult result) {
            committed.complete(null);
        }

        @Override
        public void abandon(boolean fateUnknown, String reason) {
            committed.completeExceptionally(new Abandoned(fateUnknown, reason));
        }

        @Override
        public void refuse(RuntimeException why) {
            committed.completeExceptionally(why);
        }
    }

    /** A machine was not heard for its TTL. */
    static final class Silence extends Notice {
        private final String reason;
        private final boolean fenceOver;

        Silence(String machineId, long sessionEpoch, String reason, boolean fenceOver) {
            super(machineId, sessionEpoch);
            this.reason = reason;
            this.fenceOver = fenceOver;
        }

        @Override
        public String describe() {
            return "the loss of machine " + machineId;
        }

        @Override
        @Nullable
        Record record(Draft draft, MachineRecord machine, long nowMs) {
            return machine.present() ? draft.lose(machine, reason, fenceOver, nowMs) : null;
        }
    }

    /** A machine that is lost can't run units any more that must never run twice. */
    static final class FenceEnd extends Notice {
        FenceEnd(String machineId, long sessionEpoch) {
            super(machineId, sessionEpoch);
        }

        @Override
        public String describe() {
            return "the end of the fence of machine " + machineId;
        }

        @Override
        @Nullable
        Record record(Draft draft, MachineRecord machine, long nowMs) {
            return machine.fenced() ? draft.fenceOver(machine) : null;
        }
    }

    /** Time has passed for machines that are drained: the loop looks after them whenever it has something to do. */
    static final class DrainsGoOn implements Work {
        private boolean over;

        @Override
        public WorkQueue.Lane lane() {
            return WorkQueue.Lane.AGENTS;
        }

        @Override
        public boolean open() {
            return !over;
        }

        @Override
        public String describe() {
            return "a look at machines that are drained";
        }

        @Override
        public boolean decide(Batch batch, Draft draft, long nowMs) {
            over = true;
            return true;
        }

        @Override
        public void applied(ApplyResult result) {
            over = true;
        }

        @Override
        public void abandon(boolean fateUnknown, String reason) {
            over = true;
        }

        @Override
        public void refuse(RuntimeException why) {
            over = true;
        }
    }

    /**
     * What the passing of time says of a machine. Who noticed it looks again, so nobody is told what became of it. Takes next to nothing
     * while it waits, and is not to find the lane full of reports.
     */
    abstract static class Notice implements Work {
        final String machineId;
        private final long sessionEpoch;
        private boolean over;

        Notice(String machineId, long sessionEpoch) {
            this.machineId = machineId;
            this.sessionEpoch = sessionEpoch;
        }

        /** What follows from it, as long as the machine's session is the same; null for nothing. */
        @Nullable
        abstract Record record(Draft draft, MachineRecord machine, long nowMs);

        @Override
        public WorkQueue.Lane lane() {
            return WorkQueue.Lane.AGENTS;
        }

        @Override
        public boolean open() {
            return !over;
        }

        @Override
        public boolean decide(Batch batch, Draft draft, long nowMs) {
            var machine = draft.machine(machineId);
            var record =
                    machine == null || machine.sessionEpoch() != sessionEpoch ? null : record(draft, machine, nowMs);
            if (record != null) {
                batch.add(record);
            }
            return true;
        }

        @Override
        public void applied(ApplyResult result) {
            over = true; // The registry says it all.
        }

        @Override
        public void abandon(boolean fateUnknown, String reason) {
            over = true; // The next leader listens for itself.
        }

        @Override
        public void refuse(RuntimeException why) {
            over = true; // Whoever offered it knows, and offers it again.
        }
    }
}
