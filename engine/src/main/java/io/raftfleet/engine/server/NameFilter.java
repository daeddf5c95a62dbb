package io.raftfleet.engine.server;

import io.grpc.Status;
import io.raftfleet.unit.Glob;
import io.raftfleet.unit.InvalidPatternException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Which units a call is about: names and globs, all when there are none. */
final class NameFilter {
    private final Set<String> names = new HashSet<>();
    private final List<Glob> globs = new ArrayList<>();

    /** Fails with {@code INVALID_ARGUMENT} for a malformed glob. */
    NameFilter(List<String> patterns) {
        for (var pattern : patterns) {
            if (!Glob.isPattern(pattern)) {
                names.add(pattern);
                continue;
            }
            try {
                globs.add(Glob.compile(pattern));
            } catch (InvalidPatternException e) {
                throw Status.INVALID_ARGUMENT
                        .withDescription("pattern \"" + pattern + "\": " + e.getMessage())
                        .asRuntimeException();
            }
        }
    }

    boolean admits(String name) {
        return admitsAll() || names.contains(name) || globs.stream().anyMatch(glob -> glob.matches(name));
    }

    boolean admitsAll() {
        return names.isEmpty() && globs.isEmpty();
    }
}
