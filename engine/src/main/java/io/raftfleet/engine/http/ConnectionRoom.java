package io.raftfleet.engine.http;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.netty.channel.Channel;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The places for connections: so many, and when all are taken a newcomer gets that of a connection that asks for nothing. It is taken
 * from the address that has the most, there from the one that has been idle longest, or, if all send requests, from the one that has
 * been at it longest. So whoever opens connections without an end closes their own, and others get in. One that was told why its request is not read
 * goes before idle ones, one that takes its answer slowly counts as one that sends a request slowly. What is being answered is left alone, unless its
 * address has more than half of all places and the newcomer is another's. Guarded by its own monitor.
 */
final class ConnectionRoom {
    private static final Logger log = LoggerFactory.getLogger(ConnectionRoom.class);
    /** Between two lines about a room that is full. */
    private static final Duration SAID = Duration.ofMinutes(1);

    /** For a client to take its answer, before it counts as slow. */
    private static final Duration TAKEN = Duration.ofSeconds(1);

    private record Seat(Channel connection, String from, ConnectionClock clock) {}

    private final String what;
    private final int places;
    private final LongSupplier nanoClock;

    @GuardedBy("this")
    private final Map<Channel, Seat> seats = new LinkedHashMap<>();

    @GuardedBy("this")
    private final Map<String, Integer> taken = new HashMap<>();

    @GuardedBy("this")
    private long said;

    @GuardedBy("this")
    private boolean everSaid;

    /**
     * Makes an empty one.
     *
     * @param what is connected to, for the log
     * @param places how many connections there may be
     */
    ConnectionRoom(String what, int places, LongSupplier nanoClock) {
        this.what = what;
        this.places = places;
        this.nanoClock = nanoClock;
    }

    /**
     * Gives a connection a place until it is closed, if need be that of another, which is closed.
     *
     * @param from what it is counted under, as by {@link io.raftfleet.engine.admission.Peer#name}
     * @return false when all places are taken by connections that are being answered, none of which has to go
     */
    boolean enter(Channel connection, String from, ConnectionClock clock) {
        Channel yielding = null;
        synchronized (this) {
            if (seats.size() >= places) {
                var fullest = fullest(from);
                var seat = fullest == null ? null : leastBusy(fullest, from);
                say(fullest);
                if (seat == null) {
                    return false;
                }
                yielding = seat.connection();
                remove(seat);
            }
            seats.put(connection, new Seat(connection, from, clock));
            taken.merge(from, 1, Integer::sum);
        }
        connection.closeFuture().addListener(closed -> leave(connection));
        if (yielding != null) {
            var unused = yielding.close();
        }
        return true;
    }

    private synchronized void leave(Channel connection) {
        var seat = seats.get(connection);
        if (seat != null) {
            remove(seat);
        }
    }

    @GuardedBy("this")
    private void remove(Seat seat) {
        seats.remove(seat.connection());
        taken.computeIfPresent(seat.from(), (from, count) -> count == 1 ? null : count - 1);
    }

    /** The address with the most connections, of those that have one that can go. */
    @GuardedBy("this")
    private @Nullable String fullest(String newcomer) {
        String fullest = null;
        int most = 0;
        for (var seat : seats.values()) {
            int count = taken.getOrDefault(seat.from(), 0);
            if (count > most && mayGo(seat, newcomer)) {
                most = count;
                fullest = seat.from();
            }
        }
        return fullest;
    }

    @GuardedBy("this")
    private @Nullable Seat leastBusy(String from, String newcomer) {
        Seat least = null;
        for (var seat : seats.values()) {
            if (seat.from().equals(from) && mayGo(seat, newcomer) && (least == null || isLessBusy(seat, least))) {
                least = seat;
            }
        }
        return least;
    }

    @GuardedBy("this")
    private boolean mayGo(Seat seat, String newcomer) {
        return rank(seat) > 0 || (!seat.from().equals(newcomer) && taken.getOrDefault(seat.from(), 0) > places / 2);
    }

    private boolean isLessBusy(Seat seat, Seat other) {
        int difference = rank(seat) - rank(other);
        return difference > 0
                || (difference == 0 && seat.clock().since() - other.clock().since() < 0);
    }

    /** How little is lost when it goes; 0 for what is being answered. */
    private int rank(Seat seat) {
        return switch (seat.clock().phase()) {
            case LINGERING -> 3;
            case IDLE -> 2;
            case RECEIVING -> 1;
            case SENDING -> nanoClock.getAsLong() - seat.clock().since() > TAKEN.toNanos() ? 1 : 0;
            case ANSWERING -> 0;
        };
    }

    @GuardedBy("this")
    private void say(@Nullable String fullest) {
        long now = nanoClock.getAsLong();
        if (!everSaid || now - said > SAID.toNanos()) {
            everSaid = true;
            said = now;
            log.warn(
                    "all {} connections to {} are taken, {}: newcomers get the places of those that ask for nothing",
                    places,
                    what,
                    fullest == null
                            ? "and all of them wait for answers"
                            : taken.getOrDefault(fullest, 0) + " of them by " + fullest);
        }
    }
}
