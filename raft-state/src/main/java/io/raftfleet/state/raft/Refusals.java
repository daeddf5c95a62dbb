package io.raftfleet.state.raft;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.apache.ratis.thirdparty.io.grpc.Attributes;
import org.apache.ratis.thirdparty.io.grpc.Grpc;
import org.jspecify.annotations.Nullable;

/**
 * Tells people what was refused on the Raft port. The first refusal of a method to an address is told at once, the next after a minute,
 * with how many there were in between; so is what was refused to all addresses beyond the first {@value #MOST} such pairs together.
 *
 * <p>Thread-safe: guarded by its monitor.
 */
final class Refusals {
    static final int MOST = 256;
    private static final long QUIET = TimeUnit.MINUTES.toNanos(1);

    private final String engineId;
    private final LongSupplier nanoTime;
    private final Consumer<String> log;

    @GuardedBy("this")
    private final Map<String, Told> told = new HashMap<>();

    /** When a line was written last, and how many would have been since. */
    private static final class Told {
        private final long at;
        private long since;

        Told(long at) {
            this.at = at;
        }
    }

    /** @param log takes a line for people */
    Refusals(String engineId, LongSupplier nanoTime, Consumer<String> log) {
        this.engineId = engineId;
        this.nanoTime = nanoTime;
        this.log = log;
    }

    /** Who is at the other end of a call, or null when it has no IP address. */
    static @Nullable InetAddress sender(Attributes call) {
        return call.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR) instanceof InetSocketAddress address
                ? address.getAddress()
                : null;
    }

    /**
     * @param method full name of a gRPC method
     * @param why without a full stop, and without control characters
     */
    synchronized void refused(@Nullable InetAddress from, String method, String why) {
        long now = nanoTime.getAsLong();
        String sender = from == null ? "an unknown address" : from.getHostAddress();
        String key = sender + " " + method;
        if (!told.containsKey(key) && told.size() >= MOST) {
            told.values().removeIf(t -> now - t.at >= QUIET);
            if (told.size() >= MOST) {
                sender = "more than " + MOST + " addresses, " + sender + " among them";
                key = "";
            }
        }
        Told before = told.get(key);
        if (before != null && now - before.at < QUIET) {
            before.since++;
            return;
        }
        told.put(key, new Told(now));
        log.accept("Engine " + engineId + " refused " + method + " from " + sender + ": " + why
                + (before == null || before.since == 0
                        ? ""
                        : " (and " + before.since + " more since the last such line)"));
    }
}
