package io.raftfleet.agent.manager;

import com.google.common.collect.ImmutableMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An order to a unit manager that could not be carried out; the message says why not, and what to do. It does not name the unit. */
public final class UnitManagerException extends Exception {
    private static final long serialVersionUID = 1;

    private final boolean retryable;

    /** Reasons of single units. */
    private final ImmutableMap<String, String> byUnit;

    /** The order was refused, or its outcome is unknown. */
    public UnitManagerException(String message) {
        super(message);
        this.retryable = false;
        this.byUnit = ImmutableMap.of();
    }

    /** The order was refused, or its outcome is unknown. */
    public UnitManagerException(String message, Throwable cause) {
        super(message, cause);
        this.retryable = false;
        this.byUnit = ImmutableMap.of();
    }

    private UnitManagerException(String message, boolean retryable) {
        super(message);
        this.retryable = retryable;
        this.byUnit = ImmutableMap.of();
    }

    private UnitManagerException(String message, Throwable cause, boolean retryable) {
        super(message, cause);
        this.retryable = retryable;
        this.byUnit = ImmutableMap.of();
    }

    private UnitManagerException(ImmutableMap<String, String> byUnit) {
        super(summary(byUnit));
        this.retryable = false;
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
