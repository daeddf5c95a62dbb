package io.raftfleet.fleetctl;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which units a list is about. */
final class UnitPatterns {
    @Nullable
    List<String> patterns;

    /** For requests; empty: all. */
    List<String> filter() {
        return patterns == null ? List.of() : UnitNames.asFilterOfPatterns(patterns);
    }

    /** Adds them. */
    void describe(Syntax syntax) {
        syntax.add(Syntax.arguments(given -> patterns = given)
                .arity("0..*")
                .paramLabel("PATTERN")
                .description("Only units with these names, or that match these patterns; all unless given."));
    }
}
