package io.raftfleet.engine.control;

import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import java.util.concurrent.CompletableFuture;

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
        private final CompletableFuture<Void> committed = new CompletableFuture<>();

        Report(StatesReported report) {
            this.report = report;
        }

        CompletableFuture<Void> committed() {
            return committed;
        }

        @Override
        public int bytes() {
            return report.getSerializedSize();
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
            batch.addTentative(Record.newBuilder().setStatesReported(report).build());
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

    /** A machine was not heard for its TTL. Takes next to nothing while it waits, and is not to find the lane full of reports. */
    static final class Silence implements Work {
        private final String machineId;
        private final long sessionEpoch;
        private final String reason;
        private boolean over;

        Silence(String machineId, long sessionEpoch, String reason) {
            this.machineId = machineId;
            this.sessionEpoch = sessionEpoch;
            this.reason = reason;
        }

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
            return "the loss of machine " + machineId;
        }

        @Override
        public boolean decide(Batch batch, Draft draft, long nowMs) {
            var machine = draft.machine(machineId);
            if (machine != null && machine.present() && machine.sessionEpoch() == sessionEpoch) {
                batch.add(draft.lose(machine, reason));
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
