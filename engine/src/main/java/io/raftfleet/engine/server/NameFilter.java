package io.raftfleet.engine.server;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.raftfleet.unit.Glob;
import io.raftfleet.unit.InvalidPatternException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Which units a call is about: names and globs, all when there are none. Names cost nothing, each glob a match a unit. */
final class NameFilter {
    /** Names and globs together, as items of a write. */
    static final int MAX_PATTERNS = 10_000;

    static final int MAX_GLOBS = 256;
    /** Of one name or glob, in characters. */
    static final int MAX_LENGTH = 1024;

    private final Set<String> names = new HashSet<>();
    private final List<Glob> globs = new ArrayList<>();

    /** Fails with {@code INVALID_ARGUMENT} for a malformed glob, and for more or longer ones than allowed. */
    NameFilter(List<String> patterns) {
        if (patterns.size() > MAX_PATTERNS) {
            throw invalid(patterns.size() + " names and globs; a call takes at most " + MAX_PATTERNS
                    + ": send several, or ask for all");
        }
        for (var pattern : patterns) {
            if (pattern.length() > MAX_LENGTH) {
                throw invalid("a name or glob of " + pattern.length() + " characters; at most " + MAX_LENGTH
                        + " are allowed: it begins with \"" + pattern.substring(0, 40) + "\"");
            }
            var literal = literal(pattern);
            if (literal != null) {
                names.add(literal);
                continue;
            }
            if (globs.size() >= MAX_GLOBS) {
                throw invalid("more than " + MAX_GLOBS + " globs: send several calls, or one with wider globs");
            }
            try {
                globs.add(Glob.compile(pattern));
            } catch (InvalidPatternException e) {
                throw invalid("pattern \"" + pattern + "\": " + e.getMessage());
            }
        }
    }

    /** The one name that a glob without wildcards matches; null for others, and malformed ones. */
    private static @Nullable String literal(String pattern) {
        var name = new StringBuilder(pattern.length());
        for (int i = 0; i < pattern.length(); i++) {
            char c = pattern.charAt(i);
            if (c == '*' || c == '?' || c == '[' || (c == '\\' && ++i == pattern.length())) {
                return null;
            }
            name.append(pattern.charAt(i));
        }
        return name.toString();
    }

    boolean admits(String name) {
        return admitsAll() || names.contains(name) || globs.stream().anyMatch(glob -> glob.matches(name));
    }

    boolean admitsAll() {
        return names.isEmpty() && globs.isEmpty();
    }

    /** What {@link #admits} may cost, in looks at a name: one, and one more a glob. */
    int cost() {
        return 1 + globs.size();
    }

    private static StatusRuntimeException invalid(String what) {
        return Status.INVALID_ARGUMENT.withDescription(what).asRuntimeException();
    }
}
