package io.raftfleet.engine.admission;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.raftfleet.identity.Identity;
import io.raftfleet.identity.SpiffeId;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.HexFormat;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * Who is at the other end of a connection.
 *
 * @param name the address, of IPv6 the /64 that one host has to itself; "local" for what has no address; of an engine who it is, wherever it calls
 *     from
 * @param connection one of its connections
 * @param engine whether its certificate is an engine's, which passes on the calls of many clients
 */
public record Peer(String name, Object connection, boolean engine) {
    private static final int PREFIX_BYTES = 8;
    private static final String ENGINE = "engine/";
    /** Under which a TLS session keeps the engine's name; empty for who is none. */
    private static final String KNOWN = "raftfleet.admission.engine";

    static Peer of(Attributes attributes) {
        SocketAddress address = attributes.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
        Object connection = address == null ? "local" : address;
        SSLSession session = attributes.get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
        String engine = session == null ? "" : engine(session);
        return engine.isEmpty()
                ? new Peer(name(address), connection, false)
                : new Peer(ENGINE + engine, connection, true);
    }

    private static String engine(SSLSession session) {
        if (session.getValue(KNOWN) instanceof String known) {
            return known;
        }
        String engine = "";
        try {
            SpiffeId id = Identity.of((X509Certificate) session.getPeerCertificates()[0])
                    .id();
            engine = id.kind() == SpiffeId.Kind.ENGINE ? id.name() : "";
        } catch (SSLPeerUnverifiedException | CertificateException e) {
            // Who shows no certificate is counted by its address; who may call what is decided elsewhere.
        }
        session.putValue(KNOWN, engine);
        return engine;
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
