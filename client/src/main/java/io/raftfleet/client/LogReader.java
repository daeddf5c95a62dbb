package io.raftfleet.client;

import com.google.protobuf.ByteString;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.raftfleet.proto.fleet.LogChunk;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A unit's log as it arrives. Goes to another endpoint as long as nothing has arrived; a log that broke off in its middle is
 * reported, because nobody can say which line was the last. To be used by one thread; {@link #close} by any.
 */
public final class LogReader implements AutoCloseable {
    private final Opener opener;
    private final Connections connections;
    private final ClientOptions options;
    private final Failures failures = new Failures();
    private final long deadline;
    private int endpoint;
    private int failed;
    private boolean started;
    private volatile ServerStream<?, LogChunk> stream;

    /** Opens the same request on one endpoint. */
    interface Opener {
        ServerStream<?, LogChunk> open(int endpoint);
    }

    private LogReader(Opener opener, Connections connections, ClientOptions options) {
        this.opener = opener;
        this.connections = connections;
        this.options = options;
        this.deadline = System.nanoTime() + options.requestTimeout().toNanos();
        this.endpoint =
                ConnectionRace.forStream(connections, connections.preferred()).join();
        this.stream = opener.open(endpoint);
    }

    static <Q> LogReader open(
            Connections connections, ClientOptions options, MethodDescriptor<Q, LogChunk> method, Q request) {
        return new LogReader(
                endpoint -> ServerStream.openForGood(connections.channel(endpoint), method, request),
                connections,
                options);
    }

    /**
     * The next bytes, waiting for them as long as it takes: a log that is followed may be silent for days.
     *
     * @return null at the end of the log
     * @throws FleetClientException when no engine answered, one refused (NOT_FOUND, FAILED_PRECONDITION), or, with UNAVAILABLE, the
     *     log broke off
     */
    public @Nullable ByteString next() throws InterruptedException {
        while (true) {
            LogChunk chunk = stream.next(TimeUnit.HOURS.toNanos(1));
            if (chunk != null) {
                started = true;
                return chunk.getData();
            }
            Status end = stream.end();
            if (end == null) {
                continue;
            }
            if (end.isOk()) {
                return null;
            }
            retry(end, stream.trailers());
        }
    }

    private void retry(Status end, @Nullable Metadata trailers) throws InterruptedException {
        Endpoint asked = connections.endpoint(endpoint);
        if (!Failures.worthRetrying(end) || RetryHint.never(trailers)) {
            throw Failures.refused(end, trailers, asked);
        }
        if (started) {
            throw new FleetClientException(
                    Status.Code.UNAVAILABLE,
                    "the log broke off at engine " + asked + ": " + Failures.reason(end),
                    end.getCause());
        }
        @Nullable FleetClientException own = connections.ownFault(end);
        if (own != null) {
            throw own;
        }
        failures.add(asked, end);
        options.debug().accept("log at " + asked + ": " + end.getCode() + ", " + Failures.reason(end));
        failed++;
        long backoff =
                failed % connections.size() == 0 ? Caller.backoff(failed / connections.size(), options.random()) : 0;
        long wait = Math.max(backoff, RetryHint.wait(trailers, options.random()));
        if (deadline - System.nanoTime() <= wait) {
            throw failures.unanswered("for the log", end, options.requestTimeout());
        }
        TimeUnit.NANOSECONDS.sleep(wait);
        endpoint = connections.after(endpoint);
        connections.connectAtOnce(endpoint);
        endpoint = ConnectionRace.forStream(connections, endpoint).join();
        stream = opener.open(endpoint);
    }

    @Override
    public void close() {
        stream.close();
    }
}
