package io.raftfleet.client;

import io.raftfleet.proto.fleet.ItemResult;
import java.util.List;
import java.util.stream.Collectors;

/** Engines answered, and refused some items of a write. What was ordered for the others stands. */
public final class UnitsRefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private static final int MOST_TOLD = 5;

    private final transient WriteOutcome outcome;

    UnitsRefusedException(WriteOutcome outcome) {
        super(words(outcome));
        this.outcome = outcome;
    }

    private static String words(WriteOutcome outcome) {
        List<ItemResult> refused = outcome.refused();
        String some = refused.stream()
                .limit(MOST_TOLD)
                .map(result -> result.getMessage().isEmpty() ? result.getCode().name() : result.getMessage())
                .collect(Collectors.joining("; "));
        int more = refused.size() - MOST_TOLD;
        return refused.size() + " of " + outcome.results().size() + " refused: " + some
                + (more > 0 ? "; and " + more + " more" : "");
    }

    /** A result for each item, in their order. */
    public WriteOutcome outcome() {
        return outcome;
    }
}
