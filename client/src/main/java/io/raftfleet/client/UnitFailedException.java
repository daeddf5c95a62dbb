package io.raftfleet.client;

/** A unit that is waited for can't get there. The message is for people, and begins with the unit's name. */
public final class UnitFailedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String unit;

    UnitFailedException(String unit, String reason) {
        super("unit " + unit + ": " + reason);
        this.unit = unit;
    }

    /** Its name. */
    public String unit() {
        return unit;
    }
}
