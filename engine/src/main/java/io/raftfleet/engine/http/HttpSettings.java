package io.raftfleet.engine.http;

import io.raftfleet.identity.tls.TlsIdentity;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Where HTTP listens, and its limits.
 *
 * @param host name or address to listen on
 * @param port TCP port; 0 takes a free one
 * @param unixSocket path of a unix socket to listen on too, at most {@value UnixSocketFile#MAX_PATH_BYTES} bytes long
 * @param ioThreads threads that move bytes and run handlers
 * @param maxConnections open connections of each listener; more are answered 503 and closed
 * @param maxBodyBytes of one request; more is answered 413
 * @param maxBufferedBytes of each listener: what has arrived of bodies of all requests in flight together, and as much of answers that clients have
 *     not taken; half of each for one address by the network. A request beyond it is answered 503
 * @param idleTimeout for which a connection may stay open between requests
 * @param receiveTimeout from a request's first byte to its last
 * @param answerTimeout from a request's last byte to the handler's answer
 * @param sendTimeout for a client to take an answer
 * @param tls who the engine is on TCP, where clients show who they are, too; empty for plaintext
 * @param serverName value of the {@code Server} header
 */
public record HttpSettings(
        String host,
        int port,
        Optional<Path> unixSocket,
        int ioThreads,
        int maxConnections,
        int maxBodyBytes,
        long maxBufferedBytes,
        Duration idleTimeout,
        Duration receiveTimeout,
        Duration answerTimeout,
        Duration sendTimeout,
        Optional<TlsIdentity> tls,
        String serverName) {

    /** The usual limits. */
    public static HttpSettings of(String host, int port, Optional<Path> unixSocket, String serverName) {
        return new HttpSettings(
                host,
                port,
                unixSocket,
                2,
                1_024,
                1024 * 1024,
                64L * 1024 * 1024,
                Duration.ofSeconds(75),
                Duration.ofSeconds(20),
                Duration.ofSeconds(15),
                Duration.ofSeconds(30),
                Optional.empty(),
                serverName);
    }

    /** The same with TLS on TCP; empty for plaintext. */
    public HttpSettings with(Optional<TlsIdentity> identity) {
        return new HttpSettings(
                host,
                port,
                unixSocket,
                ioThreads,
                maxConnections,
                maxBodyBytes,
                maxBufferedBytes,
                idleTimeout,
                receiveTimeout,
                answerTimeout,
                sendTimeout,
                identity,
                serverName);
    }
}
