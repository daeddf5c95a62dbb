package io.raftfleet.engine.access;

import io.raftfleet.identity.Role;
import java.util.ArrayList;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Who may call something.
 *
 * @param users the least role of users who may; empty when none may
 * @param agents whether agents may
 * @param engines whether engines may, for themselves; what they forward is their caller's
 * @param strangers whether those without a certificate may
 */
public record Access(Optional<Role> users, boolean agents, boolean engines, boolean strangers) {
    /** Users who read. */
    public static final Access VIEWER = new Access(Optional.of(Role.VIEWER), false, false, false);
    /** Users who run units. */
    public static final Access OPERATOR = new Access(Optional.of(Role.OPERATOR), false, false, false);
    /** Users who run the cluster. */
    public static final Access ADMIN = new Access(Optional.of(Role.ADMIN), false, false, false);
    /** Agents alone. */
    public static final Access AGENT = new Access(Optional.empty(), true, false, false);
    /** Machines: agents, and engines for themselves. */
    public static final Access AGENT_OR_ENGINE = new Access(Optional.empty(), true, true, false);
    /** Users who read, and engines that look at each other. */
    public static final Access VIEWER_OR_ENGINE = new Access(Optional.of(Role.VIEWER), false, true, false);
    /** Users who run the cluster, and engines, which hold all that there is to read. */
    public static final Access ADMIN_OR_ENGINE = new Access(Optional.of(Role.ADMIN), false, true, false);
    /** Whoever the cluster knows. */
    public static final Access ANYBODY = new Access(Optional.of(Role.VIEWER), true, true, false);
    /** Whoever wants to become known. */
    public static final Access STRANGER = new Access(Optional.of(Role.VIEWER), true, true, true);

    /**
     * Why a caller may not; null when it may.
     *
     * @param what is called, for people
     */
    public @Nullable String objection(Caller caller, String what) {
        boolean may = strangers
                || switch (caller.kind()) {
                    case PLAINTEXT -> true;
                    case LOCAL, USER ->
                        users.isPresent()
                                && caller.role()
                                        .filter(role -> role.covers(users.get()))
                                        .isPresent();
                    case AGENT -> agents;
                    case ENGINE -> engines;
                    case STRANGER -> false;
                };
        return may ? null : caller + " may not call " + what + ": it takes " + this;
    }

    /** For people: "a user with role operator or admin". */
    @Override
    public String toString() {
        var who = new ArrayList<String>();
        users.ifPresent(least -> who.add(
                switch (least) {
                    case VIEWER -> "a user with a role (viewer, operator or admin)";
                    case OPERATOR -> "a user with role operator or admin";
                    case ADMIN -> "a user with role admin";
                }));
        if (agents) {
            who.add("an agent");
        }
        if (engines) {
            who.add("an engine");
        }
        return strangers ? "anybody" : String.join(", or ", who);
    }
}
