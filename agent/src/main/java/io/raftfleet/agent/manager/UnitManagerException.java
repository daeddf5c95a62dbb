package io.raftfleet.agent.manager;

import com.google.common.collect.ImmutableMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An order to a unit manager that could not be carried out; the message says why not, and what to do. It does not name the unit. */
public final class UnitManagerException extends Exception {
    private static final long serialVersionUID = 1;

    /** What is known of an order that failed. */
    private enum Fate {
        REFUSED,
        NOT_ISSUED,
        UNKNOWN
    }

    private final Fate fate;

    /** Reasons of single units. */
    private final ImmutableMap<String, String> byUnit;

    /** The order was refused. */
    public UnitManagerException(String message) {
        super(message);
        this.fate = Fate.REFUSED;
        this.byUnit = ImmutableMap.of();
    }

    /** The order was refused. */
    public UnitManagerException(String message, Throwable cause) {
        super(message, cause);
        this.fate = Fate.REFUSED;
        this.byUnit = ImmutableMap.of();
    }

    private UnitManagerException(String message, Fate fate) {
        super(message);
        this.fate = fate;
        this.byUnit = ImmutableMap.of();
    }

    private UnitManagerException(String message, Throwable cause, Fate fate) {
        super(message, cause);
        this.fate = fate;
        this.byUnit = ImmutableMap.of();
    }

    private UnitManagerException(ImmutableMap<String, String> byUnit) {
        super(summary(byUnit));
        this.fate = Fate.REFUSED;
        this.byUnit = byUnit;
    }

    private static String summary(ImmutableMap<String, String> byUnit) {
        var first = byUnit.entrySet().iterator().next();
        String one = first.getKey() + ": " + first.getValue();
        return byUnit.size() == 1 ? one : byUnit.size() + " units failed, the first of them " + one;
    }

    /** An order for several units that was carried out for all but these, each for a reason of its own; at least one. */
    public static UnitManagerException ofUnits(Map<String, String> reasons) {
        return new UnitManagerException(ImmutableMap.copyOf(reasons));
    }

    /** Why the order failed for this unit; null when it did not: it failed for others. */
    public @Nullable String reasonFor(String unit) {
        return byUnit.isEmpty() ? getMessage() : byUnit.get(unit);
    }

    /** The order certainly did not reach the manager, and may be given again: a start that is repeated runs once. */
    public static UnitManagerException notIssued(String message) {
        return new UnitManagerException(message, Fate.NOT_ISSUED);
    }

    /** The order certainly did not reach the manager, and may be given again: a start that is repeated runs once. */
    public static UnitManagerException notIssued(String message, Throwable cause) {
        return new UnitManagerException(message, cause, Fate.NOT_ISSUED);
    }

    /** The manager was asked and has not answered: whether it does what was ordered shows in the unit's states. */
    public static UnitManagerException unanswered(String message) {
        return new UnitManagerException(message, Fate.UNKNOWN);
    }

    /** Whether a start may be tried again without the risk of starting twice. */
    public boolean retryable() {
        return fate == Fate.NOT_ISSUED;
    }

    /** Whether the order may have been carried out, or may yet be. */
    public boolean fateUnknown() {
        return fate == Fate.UNKNOWN;
    }
}
