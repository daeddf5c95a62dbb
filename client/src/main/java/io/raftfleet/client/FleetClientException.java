package io.raftfleet.client;

import io.grpc.Status;
import io.raftfleet.proto.fleet.ItemResult;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A call that did not succeed, after all retries. The message is for people: what happened, to which engine, what to do next. */
public final class FleetClientException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What became of a write that failed. */
    public enum Fate {
        /** It certainly was not done, and won't be. */
        NOT_DONE,
        /** It may have been done, or still be: an answer was lost, or an engine does not know. */
        UNKNOWN
    }

    private final Status.Code code;
    private final Fate fate;
    private final transient List<ItemResult> answered;

    FleetClientException(Status.Code code, String message, @Nullable Throwable cause) {
        this(code, message, cause, Fate.NOT_DONE, List.of());
    }

    FleetClientException(
            Status.Code code, String message, @Nullable Throwable cause, Fate fate, List<ItemResult> answered) {
        super(message, cause);
        this.code = code;
        this.fate = fate;
        this.answered = List.copyOf(answered);
    }

    /** The same, after an attempt of which nobody knows what became. */
    FleetClientException ofUnknownFate() {
        return new FleetClientException(code, String.valueOf(getMessage()), getCause(), Fate.UNKNOWN, answered);
    }

    /** The gRPC code of the last answer. */
    public Status.Code code() {
        return code;
    }

    /** Whether the write may have been done; of a write that takes several calls, the one that failed. Says nothing of a read. */
    public Fate fate() {
        return fate;
    }

    /** Of a write that takes several calls, the results of those before the one that failed: what they ordered stands. */
    public List<ItemResult> answered() {
        return answered;
    }

    /** Whether the same call may succeed later: engines could not be reached, had no leader, or no room. */
    public boolean mayPass() {
        return switch (code) {
            case UNAVAILABLE, UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED -> true;
            default -> false;
        };
    }
}
