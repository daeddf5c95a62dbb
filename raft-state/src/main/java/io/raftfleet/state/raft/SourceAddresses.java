package io.raftfleet.state.raft;

import com.google.common.net.InetAddresses;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Whether a connection can come from a host. Names are looked up in the background, again when an address does not fit, and at most once
 * in ten seconds each; as long as a name has never been resolved, every address fits, for a name server that is down must not keep
 * engines apart.
 *
 * <p>Thread-safe. Hosts are those of engines' Raft addresses, so few.
 */
final class SourceAddresses {
    private static final long BETWEEN_LOOK_UPS = TimeUnit.SECONDS.toNanos(10);

    /** Looks a name up; blocks. */
    interface Resolver {
        InetAddress[] resolve(String host) throws UnknownHostException;
    }

    private final Resolver resolver;
    private final Executor background;
    private final LongSupplier nanoTime;
    private final Map<String, Set<InetAddress>> known = new ConcurrentHashMap<>();
    private final Map<String, Long> lookedUp = new ConcurrentHashMap<>();

    SourceAddresses(Resolver resolver, Executor background, LongSupplier nanoTime) {
        this.resolver = resolver;
        this.background = background;
        this.nanoTime = nanoTime;
    }

    /** @param host a name or an IP address */
    boolean fit(String host, @Nullable InetAddress from) {
        if (from == null) {
            return false;
        }
        if (InetAddresses.isInetAddress(host)) {
            return fits(known.computeIfAbsent(host, h -> Set.of(InetAddresses.forString(h))), from);
        }
        Set<InetAddress> addresses = known.get(host);
        if (addresses != null && fits(addresses, from)) {
            return true;
        }
        lookUp(host);
        return addresses == null;
    }

    /**
     * A connection between two addresses of one machine may come from any that one of its interfaces has. That is not all of 127.0.0.0/8, of
     * which the kernel takes 127.0.0.1: another is the choice of a process that is no engine.
     */
    private static boolean fits(Set<InetAddress> addresses, InetAddress from) {
        return addresses.contains(from)
                || (hasAnInterface(from)
                        && addresses.stream().anyMatch(to -> to.isLoopbackAddress() || hasAnInterface(to)));
    }

    private static boolean hasAnInterface(InetAddress address) {
        try {
            return NetworkInterface.getByInetAddress(address) != null;
        } catch (SocketException e) {
            return false;
        }
    }

    private void lookUp(String host) {
        long now = nanoTime.getAsLong();
        Long last = lookedUp.get(host);
        if (last != null && now - last < BETWEEN_LOOK_UPS) {
            return;
        }
        boolean first = last == null ? lookedUp.putIfAbsent(host, now) == null : lookedUp.replace(host, last, now);
        if (first) {
            background.execute(() -> {
                try {
                    known.put(host, Set.copyOf(Arrays.asList(resolver.resolve(host))));
                } catch (UnknownHostException e) {
                    // What was known of it, if anything, stays.
                }
            });
        }
    }
}
