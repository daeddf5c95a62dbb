package io.raftfleet.engine.control;

/** A write that this engine did not finish, because it leads no longer or never did. Ask the leader, with the same id. */
public final class Abandoned extends Exception {
    private static final long serialVersionUID = 1;
    private final boolean fateUnknown;

    Abandoned(boolean fateUnknown, String reason) {
        super(reason, null, false, false);
        this.fateUnknown = fateUnknown;
    }

    /** A write that is committed, but whose leader lost its office before it could acknowledge it. */
    public static Abandoned afterCommit(String reason) {
        return new Abandoned(true, reason);
    }

    /** Whether parts of it may have been done, or may still be; otherwise nothing of it was. */
    public boolean fateUnknown() {
        return fateUnknown;
    }
}
