package io.raftfleet.client;

import io.grpc.Metadata;
import io.grpc.Status;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.model.Revision;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Changes in order, none missed, over however many engines and connections it takes: after a failure, or {@value #SILENCE_SECONDS} s
 * without a frame (engines send one each second), it resumes from its revision on the next endpoint. To be used by one thread.
 */
public final class Watch implements AutoCloseable {
    private static final int SILENCE_SECONDS = 5;
    private static final long SILENCE = TimeUnit.SECONDS.toNanos(SILENCE_SECONDS);

    private final Connections connections;
    private final ClientOptions options;
    private final long patience;
    private final Failures failures = new Failures();
    private WatchRequest request;
    private @Nullable ServerStream<WatchRequest, WatchResponse> stream;
    private @Nullable CompletableFuture<Integer> connecting;
    private int endpoint;
    private int failed;
    /** Since when no engine has served it, by {@link System#nanoTime}; of no meaning while none has failed. */
    private long failingSince;

    private long streamHeard;

    Watch(Connections connections, ClientOptions options, WatchRequest request, Duration patience) {
        this.connections = connections;
        this.options = options;
        this.request = request;
        this.patience = patience.toNanos();
        this.endpoint = connections.preferred();
    }

    /** Everything up to here has been returned. The default instance until the first frame of a watch "from now on". */
    public Revision revision() {
        return request.getAfter();
    }

    /**
     * The next frame that has events.
     *
     * @param timeout how long to wait for one; zero: only what is there
     * @return null when there was none in time
     * @throws CompactedException when events between {@link #revision} and now are gone: list, then watch again
     * @throws FleetClientException when no engine served the watch for the client's patience, or one refused it
     */
    public @Nullable WatchResponse next(Duration timeout) throws CompactedException, InterruptedException {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (true) {
            ServerStream<WatchRequest, WatchResponse> open = stream(deadline);
            if (open == null) {
                return null;
            }
            long now = System.nanoTime();
            WatchResponse frame = open.next(Math.min(deadline - now, streamHeard + SILENCE - now));
            now = System.nanoTime();
            if (frame != null) {
                streamHeard = now;
                failed = 0;
                failures.clear();
                connections.prefer(endpoint);
                request = request.toBuilder().setAfter(frame.getRevision()).build();
                if (frame.getEventsCount() > 0) {
                    return frame;
                }
                continue;
            }
            Status end = open.end();
            if (end != null || now - streamHeard >= SILENCE) {
                resume(
                        end == null ? Status.DEADLINE_EXCEEDED.withDescription("silent") : end,
                        open.trailers(),
                        deadline);
            }
            if (deadline - now <= 0) {
                return null;
            }
        }
    }

    /** The stream, opened on whichever endpoint is connected first; null when none is by then. */
    private @Nullable ServerStream<WatchRequest, WatchResponse> stream(long deadline) throws InterruptedException {
        ServerStream<WatchRequest, WatchResponse> open = stream;
        if (open != null) {
            return open;
        }
        CompletableFuture<Integer> race = connecting;
        if (race == null) {
            race = ConnectionRace.forStream(connections, endpoint);
            connecting = race;
        }
        try {
            endpoint = race.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return null;
        } catch (ExecutionException e) {
            throw new IllegalStateException("a race that nobody wins", e);
        }
        connecting = null;
        open = ServerStream.open(connections.channel(endpoint), FleetGrpc.getWatchMethod(), request);
        stream = open;
        streamHeard = System.nanoTime();
        return open;
    }

    private void resume(Status status, @Nullable Metadata trailers, long deadline)
            throws CompactedException, InterruptedException {
        close();
        Endpoint asked = connections.endpoint(endpoint);
        if (status.getCode() == Status.Code.OUT_OF_RANGE) {
            throw new CompactedException("engine " + asked + ": " + status.getDescription());
        }
        // An engine that shuts down in order ends its streams with OK or CANCELLED.
        boolean ended = status.isOk() || status.getCode() == Status.Code.CANCELLED;
        if (!ended && (!Failures.worthRetrying(status) || RetryHint.never(trailers))) {
            throw Failures.refused(status, trailers, asked);
        }
        @Nullable FleetClientException own = connections.ownFault(status);
        if (own != null) {
            throw own;
        }
        failures.add(asked, status);
        options.debug().accept("Watch at " + asked + " ended: " + status.getCode() + ", " + Failures.reason(status));
        failingSince = failed == 0 ? System.nanoTime() : failingSince;
        if (System.nanoTime() - failingSince > patience) {
            throw failures.unanswered("the watch", status, Duration.ofNanos(patience));
        }
        failed++;
        endpoint = connections.after(endpoint);
        long hinted = RetryHint.wait(trailers, options.random());
        if (failed >= connections.size() || hinted > 0) {
            long wait = Math.max(Caller.backoff(Math.max(failed / connections.size(), 1), options.random()), hinted);
            TimeUnit.NANOSECONDS.sleep(Math.clamp(deadline - System.nanoTime(), 0, wait));
            connections.connectAtOnce(endpoint);
        }
    }

    /** Ends the stream. A later {@link #next} would resume it. */
    @Override
    public void close() {
        ServerStream<WatchRequest, WatchResponse> open = stream;
        stream = null;
        if (open != null) {
            open.close();
        }
    }
}
