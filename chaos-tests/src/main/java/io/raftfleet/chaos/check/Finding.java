package io.raftfleet.chaos.check;

import java.util.ArrayList;
import java.util.List;

/**
 * What a check found.
 *
 * @param promise that was checked
 * @param examined how many things were compared; a check that examined nothing proves nothing
 * @param unexamined what could not be compared, and why; empty when all could
 */
public record Finding(String promise, long examined, String unexamined, List<Violation> violations) {
    public Finding {
        violations = List.copyOf(violations);
    }

    /** Whether something was examined, and nothing found. */
    public boolean passed() {
        return examined > 0 && violations.isEmpty();
    }

    /** Collects a finding. Confined to one thread. */
    static final class Collector {
        private static final int MOST = 100;

        private final String promise;
        private final List<Violation> violations = new ArrayList<>();
        private long examined;
        private String unexamined = "";

        Collector(String promise) {
            this.promise = promise;
        }

        void examined(long more) {
            examined += more;
        }

        void unexamined(String what) {
            unexamined = unexamined.isEmpty() ? what : unexamined + "; " + what;
        }

        /** Keeps the first {@value #MOST}. */
        void violation(Violation violation) {
            if (violations.size() < MOST) {
                violations.add(violation);
            }
        }

        Finding finding() {
            return new Finding(promise, examined, unexamined, violations);
        }
    }
}
