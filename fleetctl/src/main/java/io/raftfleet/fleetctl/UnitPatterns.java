package io.raftfleet.fleetctl;

import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Parameters;

/** Which units a list is about. */
final class UnitPatterns {
    @Parameters(
            paramLabel = "PATTERN",
            arity = "0..*",
            description = "Only units with these names, or that match these patterns; all unless given.")
    @Nullable
    List<String> patterns;

    /** For requests; empty: all. */
    List<String> filter() {
        return patterns == null ? List.of() : UnitNames.asFilterOfPatterns(patterns);
    }
}
