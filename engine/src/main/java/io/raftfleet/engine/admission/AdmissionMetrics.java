package io.raftfleet.engine.admission;

/** Hears what is admitted and what not. Called by many threads; must be quick. Kinds and reasons are of small fixed sets. */
public interface AdmissionMetrics {
    /** A call has begun. */
    void admitted(String kind);

    /** A call that was admitted has ended. */
    void ended(String kind);

    /**
     * A call's stream has ended, admitted or not.
     *
     * @param method full name of one of the engine's methods, or "other"
     * @param code the status, as gRPC names it
     */
    void closed(String method, String code);

    /**
     * A call was refused, perhaps after it had begun.
     *
     * @param reason "calls", "bytes" or "message"
     */
    void refused(String kind, String reason);

    /** A connection was closed as it came, because there are enough. */
    void connectionRefused();
}
