package io.raftfleet.client;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.raftfleet.identity.tls.TlsFailure;
import java.net.ProtocolException;
import java.net.SocketException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What each endpoint last answered to one call, or to one watch since its last frame, and what to tell people of it. Confined to one call
 * at a time.
 */
final class Failures {
    /** How gRPC's words begin for a server of TLS that agrees on no protocol. */
    private static final String NO_HTTP_2 = "Failed ALPN negotiation";

    private final Map<Endpoint, Status> last = new LinkedHashMap<>();

    /** Whether another endpoint, or the same one a little later, may give a better answer. */
    static boolean worthRetrying(Status status) {
        return switch (status.getCode()) {
            // UNKNOWN: the write may have happened; the same request id finds out.
            case UNAVAILABLE, UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED -> true;
            default -> isForeign(status);
        };
    }

    /** Whether an attempt that ended so has certainly changed nothing: it was not connected, or was turned away before it was decided. */
    static boolean changedNothing(Status status) {
        return switch (status.getCode()) {
            case INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED, UNAUTHENTICATED, UNIMPLEMENTED, RESOURCE_EXHAUSTED ->
                true;
            default -> isUnreachable(status);
        };
    }

    /** A try that was given too little time says less than one before it. */
    void add(Endpoint endpoint, Status status) {
        if (status.getCode() != Status.Code.DEADLINE_EXCEEDED || !last.containsKey(endpoint)) {
            last.put(endpoint, status);
        }
    }

    /** One of them has answered: what it or another said before explains nothing that comes later. */
    void clear() {
        last.clear();
    }

    /** Whether this many endpoints were tried, and none could be connected to. */
    boolean allUnreachable(int endpoints) {
        return last.size() == endpoints && last.values().stream().allMatch(Failures::isUnreachable);
    }

    private static boolean loopback(Endpoint endpoint) {
        String host = endpoint.host();
        return host.startsWith("127.") || host.equals("::1") || host.equalsIgnoreCase("localhost");
    }

    /** Whether whatever listens there is no gRPC server: an engine's port for HTTP, a proxy. */
    private static boolean isForeign(Status status) {
        String text = status.getDescription();
        return text != null
                && (text.startsWith("HTTP status code")
                        || text.startsWith("http2 exception")
                        || text.startsWith(NO_HTTP_2));
    }

    /** The same where HTTP was to be spoken. */
    private static boolean isNoHttp(Status status) {
        return status.getCause() instanceof ProtocolException;
    }

    private static boolean isUnreachable(Status status) {
        if (isForeign(status) || isNoHttp(status)) {
            return true;
        }
        if (status.getCode() != Status.Code.UNAVAILABLE) {
            return false;
        }
        if (TlsFailure.is(status.getCause())) {
            return true;
        }
        for (Throwable t = status.getCause(); t != null; t = t.getCause()) {
            if (brokeOff(t)) {
                return false;
            }
            if (t instanceof SocketException || t instanceof java.net.UnknownHostException) {
                return true;
            }
        }
        return false;
    }

    /** Whether it was connected to, and closed the connection before it had answered. Java tells that by its words alone. */
    private static boolean brokeOff(Throwable cause) {
        return cause instanceof SocketException
                && String.valueOf(cause.getMessage()).startsWith("Connection reset");
    }

    private static boolean hasBrokenOff(Status status) {
        for (Throwable t = status.getCause(); t != null; t = t.getCause()) {
            if (brokeOff(t)) {
                return true;
            }
        }
        return false;
    }

    /**
     * The final answer of a call that asked one endpoint of several, once: of the others it says nothing.
     *
     * @param asked which
     */
    FleetClientException unanswered(String what, Status status, Duration timeout, Endpoint asked) {
        return isUnreachable(status)
                ? new FleetClientException(
                        status.getCode(), "engine " + asked + " can't be reached: " + reason(status), status.getCause())
                : unanswered(what, status, timeout);
    }

    /** The final answer after retries. */
    FleetClientException unanswered(String what, Status status, Duration timeout) {
        return unanswered(what + " within " + seconds(timeout), status);
    }

    /** The same of a call that is many requests, of which one was not answered. */
    FleetClientException unanswered(String what, Status status) {
        String who = last.entrySet().stream()
                .map(e -> e.getKey() + " (" + reason(e.getValue()) + ")")
                .collect(Collectors.joining(", "));
        boolean here = last.keySet().stream().allMatch(Failures::loopback);
        String look = here ? "Look with: bin/fleet status" : "Look with: fleetctl cluster status";
        String problem;
        if (allUnreachable(last.size())) {
            problem = "no engine can be reached: " + who + ". "
                    + (here
                            ? "Is the cluster up, and is --endpoint right? " + look
                            : "Is --endpoint right, does fleet-engine run there, and does no firewall stand between?");
        } else {
            problem = "no engine answered " + what + ": " + who + ". " + look + "; or raise --request-timeout";
        }
        Throwable cause = last.values().stream()
                .map(Status::getCause)
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(status.getCause());
        return new FleetClientException(status.getCode(), problem, cause);
    }

    /** An answer that no retry changes. */
    static FleetClientException refused(Status status, @Nullable Metadata trailers, Endpoint endpoint) {
        String text = status.getDescription();
        String message =
                text == null ? "engine " + endpoint + " answered " + status.getCode() + " without a reason" : text;
        return new FleetClientException(status.getCode(), message, new StatusRuntimeException(status, trailers));
    }

    static String reason(Status status) {
        Throwable cause = status.getCause();
        if (isForeign(status)) {
            return "what listens there is no engine's gRPC port; if it is the one for HTTP, give http:// before it, or the one for"
                    + " gRPC, which is 100 above with bin/fleet";
        }
        if (cause != null && TlsFailure.is(cause)) {
            return TlsFailure.words(cause, "--ca-file");
        }
        if (isUnreachable(status) && !isNoHttp(status)) {
            while (cause != null && cause.getCause() != null) {
                cause = cause.getCause();
            }
            @Nullable String text = cause == null ? null : cause.getMessage();
            return text == null ? "not reachable" : text.toLowerCase(java.util.Locale.ROOT);
        }
        if (hasBrokenOff(status)) {
            return "the connection broke off: connection reset";
        }
        if (status.getCode() == Status.Code.DEADLINE_EXCEEDED) {
            return "no answer";
        }
        String text = status.getDescription();
        if (text != null && text.startsWith("Network closed for unknown reason")) {
            return TlsFailure.SILENT;
        }
        return text == null ? status.getCode().toString() : text;
    }

    private static String seconds(Duration timeout) {
        double seconds = timeout.toMillis() / 1000.0;
        return (seconds == Math.rint(seconds) ? Long.toString((long) seconds) : Double.toString(seconds)) + " s";
    }
}
