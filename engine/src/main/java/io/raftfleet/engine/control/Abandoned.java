package io.raftfleet.engine.control;

/** A write that this engine did not finish, because it leads no longer or never did. Ask the leader, with the same id. */
public final class Abandoned extends Exception {
    private static final long serialVersionUID = 1;
    private final boolean fateUnknown;

    Abandoned(boolean fateUnknown, String reason) {
        super(reason, null, false, false);
        this.fateUnknown = fateUnknown;
    }

    /** Whether parts of it may have been done, or may still be; otherwise nothing of it was. */
    public boolean fateUnknown() {
        return fateUnknown;
    }
}
