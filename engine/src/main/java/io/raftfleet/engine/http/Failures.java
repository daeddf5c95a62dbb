package io.raftfleet.engine.http;

import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a failed call is answered. */
final class Failures {
    private static final Logger log = LoggerFactory.getLogger(Failures.class);
    private static final String SOON = "1";

    private Failures() {}

    /**
     * The answer for a failure of {@link io.raftfleet.engine.api.FleetApi}, for an {@link HttpProblem}, or for a bug.
     *
     * @param request method and path, for the log
     */
    static HttpReply reply(String request, Throwable failure) {
        return switch (root(failure)) {
            case HttpProblem problem -> problem.reply();
            case StatusRuntimeException e -> reply(request, e.getStatus());
            case StatusException e -> reply(request, e.getStatus());
            case Throwable bug -> internal(request, bug);
        };
    }

    /** The status of a failure, {@code UNKNOWN} for one that isn't a gRPC status. */
    static Status.Code code(Throwable failure) {
        return Status.fromThrowable(failure).getCode();
    }

    /** The failure as a future's stage may throw it on. */
    static RuntimeException rethrow(Throwable failure) {
        return failure instanceof RuntimeException unchecked ? unchecked : new CompletionException(failure);
    }

    private static HttpReply reply(String request, Status status) {
        String what = status.getDescription() == null ? status.getCode().name() : status.getDescription();
        return switch (status.getCode()) {
            case INVALID_ARGUMENT, OUT_OF_RANGE -> HttpReply.error(400, what);
            case UNAUTHENTICATED -> HttpReply.error(401, what);
            case PERMISSION_DENIED -> HttpReply.error(403, what);
            case NOT_FOUND -> HttpReply.error(404, what);
            case ALREADY_EXISTS -> HttpReply.error(409, what);
            case RESOURCE_EXHAUSTED -> HttpReply.error(429, what).with("Retry-After", SOON);
            // A failed precondition is about the engines (clocks that differ by minutes), never about the request.
            case UNAVAILABLE, DEADLINE_EXCEEDED, ABORTED, CANCELLED, FAILED_PRECONDITION ->
                HttpReply.error(503, what).with("Retry-After", SOON);
            case UNKNOWN ->
                HttpReply.error(503, "it is unknown whether this was done (" + what + "); sending it again is safe")
                        .with("Retry-After", SOON);
            case OK, INTERNAL, DATA_LOSS, UNIMPLEMENTED -> internal(request, status.asRuntimeException());
        };
    }

    private static HttpReply internal(String request, Throwable failure) {
        log.error("HTTP {} failed unexpectedly; the caller gets a 500", request, failure);
        return HttpReply.error(500, "the engine failed on this request; its log says why");
    }

    private static Throwable root(Throwable failure) {
        Throwable cause = failure.getCause();
        return cause != null && (failure instanceof CompletionException || failure instanceof ExecutionException)
                ? root(cause)
                : failure;
    }
}
