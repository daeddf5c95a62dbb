package io.raftfleet.identity;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What a user may do; each may all that the one before may. */
public enum Role {
    /** Lists, watches, statuses. */
    VIEWER,
    /** Starts, stops and destroys units, and reads their journals. */
    OPERATOR,
    /** Everything: members, leadership, backups, machines. */
    ADMIN;

    /** As certificates and people have it. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether this role is enough where {@code needed} is asked for. */
    public boolean covers(Role needed) {
        return compareTo(needed) >= 0;
    }

    /** The role of this {@linkplain #label label}. */
    public static Optional<Role> of(String label) {
        return Arrays.stream(values())
                .filter(role -> role.label().equals(label))
                .findFirst();
    }
}
