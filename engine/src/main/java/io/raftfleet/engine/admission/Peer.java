package io.raftfleet.engine.admission;

import io.grpc.Attributes;
import io.grpc.Grpc;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Who is at the other end of a connection.
 *
 * @param name the address, of IPv6 the /64 that one host has to itself; "local" for what has no address
 * @param connection one of its connections
 */
public record Peer(String name, Object connection) {
    private static final int PREFIX_BYTES = 8;

    static Peer of(Attributes attributes) {
        SocketAddress address = attributes.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
        return new Peer(name(address), address == null ? "local" : address);
    }

    /** What connections from an address are counted under, by whichever protocol. */
    public static String name(@Nullable SocketAddress address) {
        if (!(address instanceof InetSocketAddress inet) || inet.getAddress() == null) {
            return "local";
        }
        if (inet.getAddress() instanceof Inet6Address v6 && !v6.isLoopbackAddress()) {
            return HexFormat.of().formatHex(Arrays.copyOf(v6.getAddress(), PREFIX_BYTES)) + "::/64";
        }
        return inet.getAddress().isLoopbackAddress()
                ? "loopback"
                : inet.getAddress().getHostAddress();
    }
}
