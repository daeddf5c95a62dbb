package io.raftfleet.agent.manager;

/** An order to a unit manager that could not be carried out; the message names the unit, what was tried and why not. */
public final class UnitManagerException extends Exception {
    private static final long serialVersionUID = 1;

    private final boolean retryable;

    /** The order was refused, or its outcome is unknown. */
    public UnitManagerException(String message) {
        super(message);
        this.retryable = false;
    }

    /** The order was refused, or its outcome is unknown. */
    public UnitManagerException(String message, Throwable cause) {
        super(message, cause);
        this.retryable = false;
    }

    private UnitManagerException(String message, boolean retryable) {
        super(message);
        this.retryable = retryable;
    }

    private UnitManagerException(String message, Throwable cause, boolean retryable) {
        super(message, cause);
        this.retryable = retryable;
    }

    /** The order certainly did not reach the manager, and may be given again: a start that is repeated runs once. */
    public static UnitManagerException notIssued(String message) {
        return new UnitManagerException(message, true);
    }

    /** The order certainly did not reach the manager, and may be given again: a start that is repeated runs once. */
    public static UnitManagerException notIssued(String message, Throwable cause) {
        return new UnitManagerException(message, cause, true);
    }

    /** Whether a start may be tried again without the risk of starting twice. */
    public boolean retryable() {
        return retryable;
    }
}
