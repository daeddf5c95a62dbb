package io.raftfleet.unit;

/** A unit's name, file or requirements break a rule. The message names the unit, the field and the reason. */
public final class InvalidUnitException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String unit;
    private final String field;
    private final String reason;

    /**
     * What is wrong with a unit.
     *
     * @param unit name of the unit; empty when only its contents are known
     * @param field what breaks the rule: "name", "contents", "line 7", "[X-Fleet] Conflicts"
     * @param reason which rule, and what would be right
     */
    public InvalidUnitException(String unit, String field, String reason) {
        super((unit.isEmpty() ? "unit file" : "unit " + Text.quote(unit)) + ": " + field + ": " + reason);
        this.unit = unit;
        this.field = field;
        this.reason = reason;
    }

    /** Name of the unit; empty when only its contents are known. */
    public String unit() {
        return unit;
    }

    /** What breaks the rule: "name", "contents", "line 7", "[X-Fleet] Conflicts". */
    public String field() {
        return field;
    }

    /** Which rule is broken, and what would be right. */
    public String reason() {
        return reason;
    }

    /** The same complaint about the unit of this name. */
    public InvalidUnitException inUnit(String name) {
        InvalidUnitException named = new InvalidUnitException(name, field, reason);
        named.initCause(this);
        return named;
    }
}
