package io.raftfleet.client;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Connects to one endpoint after the other, as RFC 8305 does with the addresses of one host, until one is connected: a host that is
 * gone answers nothing at all, and must cost no more than a moment. The next one is tried when the one before has refused, or has not
 * answered for {@value #STAGGER_MILLIS} ms; those that were begun go on, and the first one that is connected wins.
 *
 * <p>Callbacks come on any thread; the monitor guards which have been begun.
 */
final class ConnectionRace {
    static final int STAGGER_MILLIS = 75;

    /** A stream is opened on the first endpoint all the same after this long: then that says why it can't be had. */
    private static final Duration STREAM_PATIENCE = Duration.ofSeconds(5);

    private final Connections connections;
    private final int first;
    private final CompletableFuture<Integer> winner = new CompletableFuture<>();

    @GuardedBy("this")
    private int begun;

    @GuardedBy("this")
    private int failed;

    private ConnectionRace(Connections connections, int first) {
        this.connections = connections;
        this.first = first;
    }

    /** The same for a stream that is about to be opened; {@code first} at once when that is connected, or there is no other. */
    static CompletableFuture<Integer> forStream(Connections connections, int first) {
        return connections.size() == 1 || connections.connected(first)
                ? CompletableFuture.completedFuture(first)
                : run(connections, first, STREAM_PATIENCE);
    }

    /**
     * Tries all endpoints from {@code first} on.
     *
     * @param patience after which nothing more is hoped for
     * @return the endpoint that is connected; {@code first} when all refuse or none is in time, so that a call there says why
     */
    static CompletableFuture<Integer> run(Connections connections, int first, Duration patience) {
        var race = new ConnectionRace(connections, first);
        race.beginNext();
        return race.winner.completeOnTimeout(first, patience.toNanos(), TimeUnit.NANOSECONDS);
    }

    private void beginNext() {
        int index;
        synchronized (this) {
            if (begun == connections.size() || winner.isDone()) {
                return;
            }
            index = (first + begun) % connections.size();
            begun++;
        }
        try {
            look(index, connections.channel(index), true);
        } catch (IllegalStateException e) {
            winner.complete(first); // The client is closed, which the call will say.
            return;
        }
        connections.later(Duration.ofMillis(STAGGER_MILLIS), this::beginNext);
    }

    private void look(int index, ManagedChannel channel, boolean connect) {
        var state = channel.getState(connect);
        switch (state) {
            case READY -> winner.complete(index);
            case TRANSIENT_FAILURE, SHUTDOWN -> refused();
            case IDLE, CONNECTING ->
                channel.notifyWhenStateChanged(state, () -> look(index, channel, state == ConnectivityState.IDLE));
        }
    }

    private void refused() {
        boolean all;
        synchronized (this) {
            failed++;
            all = failed == connections.size();
        }
        if (all) {
            winner.complete(first);
        } else {
            beginNext();
        }
    }
}
