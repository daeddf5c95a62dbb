package io.raftfleet.client;

import io.grpc.Status;
import org.jspecify.annotations.Nullable;

/** A call that did not succeed, after all retries. The message is for people: what happened, to which engine, what to do next. */
public final class FleetClientException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Status.Code code;

    FleetClientException(Status.Code code, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    /**
     * The gRPC code of the last answer. For writes UNKNOWN and DEADLINE_EXCEEDED mean that it may or may not have been done,
     * UNAVAILABLE after a connection was lost too.
     */
    public Status.Code code() {
        return code;
    }
}
