package io.raftfleet.identity.tls;

import io.raftfleet.identity.Credentials;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Open TLS connections and the certificates they were opened with. A connection ends with its peer's certificate, and when the
 * authority of that is not believed any more. Thread-safe: the set is concurrent.
 */
public final class PeerConnections {
    private static final Logger log = LoggerFactory.getLogger(PeerConnections.class);

    private volatile boolean strangers;
    private final Set<Connection> open = ConcurrentHashMap.newKeySet();

    /** From now on those without a certificate may stay. */
    void letStrangers() {
        strangers = true;
    }

    /** One of them. Each is itself alone: no value equality. */
    private static final class Connection {
        final String peer;
        final List<X509Certificate> chain;
        final Runnable close;

        Connection(String peer, List<X509Certificate> chain, Runnable close) {
            this.peer = peer;
            this.chain = chain;
            this.close = close;
        }
    }

    /**
     * Watches one from now on. A session that was resumed was not verified anew, so that it is looked at at once.
     *
     * @param address of the peer, for people
     * @param close ends the connection, from any thread
     * @return to be run when it has ended
     */
    public Runnable add(String address, SSLSession session, TlsIdentity identity, Runnable close) {
        List<X509Certificate> chain = chain(session);
        var connection =
                new Connection(chain.isEmpty() ? address : TlsIdentity.peer(chain) + " at " + address, chain, close);
        open.add(connection);
        check(connection, identity, identity.clock().instant(), true);
        return () -> open.remove(connection);
    }

    /** How many there are. */
    public int count() {
        return open.size();
    }

    /** Ends those whose certificates, or all when one's own, do not hold at {@code now}; {@code authorities}: by whom they are issued counts, too. */
    void check(TlsIdentity identity, Instant now, boolean authorities) {
        Credentials credentials = identity.current();
        String own = Credentials.validity(credentials.chain().getFirst(), now);
        if (own != null) {
            // Whoever made a connection to here would not look again.
            open.forEach(connection -> close(connection, "this side's certificate " + own));
        }
        open.forEach(connection -> check(connection, identity, now, authorities));
    }

    private void check(Connection connection, TlsIdentity identity, Instant now, boolean authorities) {
        String why;
        if (connection.chain.isEmpty()) {
            why = strangers ? null : "it shows no certificate";
        } else {
            why = identity.objection(connection.chain, now, authorities);
        }
        if (why != null) {
            close(connection, why);
        }
    }

    private void close(Connection connection, String why) {
        if (open.remove(connection)) {
            log.warn("the connection with {} is closed: {}", connection.peer, why);
            connection.close.run();
        }
    }

    private static List<X509Certificate> chain(SSLSession session) {
        try {
            Certificate[] peer = session.getPeerCertificates();
            return Arrays.stream(peer)
                    .filter(X509Certificate.class::isInstance)
                    .map(X509Certificate.class::cast)
                    .toList();
        } catch (SSLPeerUnverifiedException e) {
            return List.of();
        }
    }
}
