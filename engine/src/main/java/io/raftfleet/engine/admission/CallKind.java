package io.raftfleet.engine.admission;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/** Calls that are counted together, apart from all others: a flood of one kind leaves the others their room. */
public enum CallKind {
    /** Clients' unary calls, reads and writes. */
    CALL(16_384, 5_120, 4_096),
    /** Operators' unary calls. */
    OPERATOR(128, 64, 32),
    /** Those who ask for a certificate, strangers among them. */
    JOIN(64, 32, 8),
    /** Those who ask for another certificate with the one that they have: strangers can't keep them from it. */
    RENEW(256, 128, 8),
    /** Who leads, asked by agents. */
    LEADER(8_192, 4_096, 1_024),
    /** Agents that wait to hear who leads: one a process. */
    LEADER_NEWS(16_384, 2_048, 128),
    /** Agents' control streams: one a machine, and all machines of a process over one connection. */
    SESSION(16_384, 8_192, 8_192),
    /** Agents that fetch unit files. */
    CONTENTS(16_384, 8_192, 8_192),
    WATCH(4_096, 1_024, 512),
    /** Journals and statuses that somebody reads. */
    LOG(1_024, 512, 256),
    /** The same, from the agents that have them. */
    LOG_UPLOAD(1_024, 768, 768),
    BACKUP(4, 2, 2);

    /** Those on which agents' leases hang, and no client's: their messages have a budget of their own. */
    private static final Set<CallKind> OF_AGENTS = EnumSet.of(SESSION, LEADER, LEADER_NEWS);

    private final int total;
    private final int perPeer;
    private final int perConnection;

    CallKind(int total, int perPeer, int perConnection) {
        this.total = total;
        this.perPeer = perPeer;
        this.perConnection = perConnection;
    }

    /** How many at once, unless an engine is told otherwise. */
    public CallLimit usual() {
        return new CallLimit(total, perPeer, perConnection);
    }

    /** Whether its messages are counted apart from those of all other calls. */
    boolean ofAgents() {
        return OF_AGENTS.contains(this);
    }

    /** As metrics and people have it. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
