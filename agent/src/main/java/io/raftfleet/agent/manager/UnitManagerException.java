package io.raftfleet.agent.manager;

/** An order to a unit manager that could not be carried out; the message names the unit, what was tried and why not. */
public final class UnitManagerException extends Exception {
    private static final long serialVersionUID = 1;

    public UnitManagerException(String message) {
        super(message);
    }

    public UnitManagerException(String message, Throwable cause) {
        super(message, cause);
    }
}
