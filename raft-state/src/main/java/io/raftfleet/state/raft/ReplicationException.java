package io.raftfleet.state.raft;

/** Why a proposal, a read or a confirmation failed. */
public abstract sealed class ReplicationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private ReplicationException(String message) {
        super(message);
    }

    /** This engine does not lead, and what was proposed is certainly not in the log: it may be proposed elsewhere. */
    public static final class NotLeader extends ReplicationException {
        private static final long serialVersionUID = 1L;

        public NotLeader(String message) {
            super(message);
        }
    }

    /** The entry may or may not have been, or may yet be, committed. */
    public static final class FateUnknown extends ReplicationException {
        private static final long serialVersionUID = 1L;

        public FateUnknown(String message) {
            super(message);
        }
    }

    /** Nothing was done: no quorum within the deadline, or too much is waiting already. */
    public static final class Unavailable extends ReplicationException {
        private static final long serialVersionUID = 1L;

        public Unavailable(String message) {
            super(message);
        }
    }
}
