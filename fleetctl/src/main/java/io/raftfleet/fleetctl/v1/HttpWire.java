package io.raftfleet.fleetctl.v1;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * HTTP/1.1 to one server, over TCP, TLS or a unix socket, which the JDK's client can't do. A connection a call, as calls are few. Safe
 * for threads.
 */
final class HttpWire {
    private static final int MAX_LINE = 64 << 10;
    private static final int MAX_HEADERS = 100;
    private static final int MAX_BODY = 64 << 20;
    /** How each answer begins. */
    private static final String BEGIN = "HTTP/1.";

    private final String host;
    private final Opener opener;

    /** An answer. */
    record Answer(int status, String body) {}

    /** Opens connections. */
    private interface Opener {
        Connection open(Duration timeout) throws IOException;
    }

    /** Streams, and what closes them from another thread. */
    private record Connection(InputStream in, OutputStream out, Closeable end) {
        void close() {
            try {
                end.close();
            } catch (IOException e) {
                // It is of no use any more either way.
            }
        }
    }

    private HttpWire(String host, Opener opener) {
        this.host = host;
        this.opener = opener;
    }

    /**
     * To a server's port.
     *
     * @param host as it is to be told to the server
     * @param tls null for plaintext
     */
    static HttpWire tcp(String host, InetSocketAddress address, @Nullable SSLSocketFactory tls) {
        return new HttpWire(host, timeout -> {
            var socket = new Socket();
            try {
                socket.connect(
                        address.isUnresolved()
                                ? new InetSocketAddress(address.getHostString(), address.getPort())
                                : address,
                        (int) timeout.toMillis());
                socket.setTcpNoDelay(true);
                socket.setSoTimeout((int) timeout.toMillis());
                Socket used = tls == null
                        ? socket
                        : tls.createSocket(socket, address.getHostString(), address.getPort(), true);
                // Closing what is under TLS never waits for a handshake that does not end.
                return new Connection(used.getInputStream(), used.getOutputStream(), socket);
            } catch (IOException e) {
                socket.close();
                throw e;
            }
        });
    }

    /** To a unix socket. */
    static HttpWire unix(Path path) {
        return new HttpWire("domain-sock", timeout -> {
            var channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            // Connecting waits while the server, which hangs, has as many that wait as it may.
            var late = new CompletableFuture<Void>().completeOnTimeout(null, timeout.toMillis(), TimeUnit.MILLISECONDS);
            var connection =
                    new Connection(Channels.newInputStream(channel), Channels.newOutputStream(channel), channel);
            var unused = late.thenRun(connection::close);
            try {
                channel.connect(UnixDomainSocketAddress.of(path));
            } catch (IOException e) {
                connection.close();
                throw late.isDone() ? new IOException("no connection within " + timeout.toMillis() + " ms", e) : e;
            } finally {
                late.cancel(false);
            }
            return connection;
        });
    }

    /**
     * Sends a request and reads its answer.
     *
     * @param target path and query
     * @param body JSON; null for none
     * @throws java.net.SocketException when it can't be connected to: nothing was sent
     * @throws ProtocolException when the answer is none of HTTP/1.1
     * @throws IOException when there is no answer in time, or the connection breaks off: the server may have done what was asked
     */
    Answer call(String method, String target, @Nullable String body, Duration timeout) throws IOException {
        Connection connection = opener.open(timeout);
        var late = new CompletableFuture<Void>().completeOnTimeout(null, timeout.toMillis(), TimeUnit.MILLISECONDS);
        var unused = late.thenRun(connection::close);
        try {
            connection.out().write(request(method, target, body));
            connection.out().flush();
            return read(new BufferedInputStream(connection.in()));
        } catch (IOException e) {
            if (late.isDone() || e instanceof SocketTimeoutException) {
                throw unanswered("no answer within " + timeout.toMillis() + " ms", e);
            }
            throw e instanceof SocketException ? unanswered("the connection broke off (" + e.getMessage() + ")", e) : e;
        } finally {
            late.cancel(false);
            connection.close();
        }
    }

    /** No exception of a socket, nor caused by one: these say that there was no connection. */
    private static IOException unanswered(String message, IOException e) {
        var unanswered = new IOException(message);
        unanswered.addSuppressed(e);
        return unanswered;
    }

    private byte[] request(String method, String target, @Nullable String body) {
        byte[] bytes = body == null ? new byte[0] : body.getBytes(StandardCharsets.UTF_8);
        String head = method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: raftfleet-fleetctl\r\n"
                + "Connection: close\r\n"
                + (body == null ? "" : "Content-Type: application/json\r\nContent-Length: " + bytes.length + "\r\n")
                + "\r\n";
        var all = new ByteArrayOutputStream();
        all.writeBytes(head.getBytes(StandardCharsets.UTF_8));
        all.writeBytes(bytes);
        return all.toByteArray();
    }

    private static Answer read(InputStream in) throws IOException {
        String begin = new String(in.readNBytes(BEGIN.length()), StandardCharsets.ISO_8859_1);
        if (begin.isEmpty()) {
            throw new EOFException("it closed the connection without an answer");
        }
        if (!BEGIN.startsWith(begin)) {
            throw new ProtocolException("it does not speak HTTP/1.1");
        }
        String[] status = line(in).split(" ", 3);
        if (status.length < 2 || !status[1].matches("[1-5][0-9][0-9]")) {
            throw new ProtocolException("it does not speak HTTP/1.1");
        }
        var headers = new HashMap<String, String>();
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            int colon = line.indexOf(':');
            if (colon <= 0 || headers.size() >= MAX_HEADERS) {
                throw new IOException("malformed headers in an answer");
            }
            headers.put(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).strip());
        }
        return new Answer(Integer.parseInt(status[1]), new String(body(in, headers), StandardCharsets.UTF_8));
    }

    private static byte[] body(InputStream in, Map<String, String> headers) throws IOException {
        if (headers.getOrDefault("transfer-encoding", "").equalsIgnoreCase("chunked")) {
            var body = new ByteArrayOutputStream();
            for (int size = chunk(in); size > 0; size = chunk(in)) {
                body.writeBytes(exactly(in, size, body.size()));
                line(in);
            }
            return body.toByteArray();
        }
        String length = headers.get("content-length");
        if (length == null) {
            byte[] rest = in.readNBytes(MAX_BODY + 1);
            return exactly(new java.io.ByteArrayInputStream(rest), rest.length, 0);
        }
        return exactly(in, number(length, 10), 0);
    }

    private static int chunk(InputStream in) throws IOException {
        String size = line(in);
        int end = size.indexOf(';');
        return number((end < 0 ? size : size.substring(0, end)).strip(), 16);
    }

    private static int number(String text, int radix) throws IOException {
        try {
            return Integer.parseUnsignedInt(text, radix);
        } catch (NumberFormatException e) {
            throw new IOException("malformed length in an answer", e);
        }
    }

    private static byte[] exactly(InputStream in, int size, int before) throws IOException {
        if (size < 0 || size > MAX_BODY - before) {
            throw new IOException("an answer of over " + (MAX_BODY >> 20) + " MiB");
        }
        byte[] bytes = in.readNBytes(size);
        if (bytes.length < size) {
            throw new EOFException("an answer was cut off");
        }
        return bytes;
    }

    private static String line(InputStream in) throws IOException {
        var line = new ByteArrayOutputStream();
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new EOFException("an answer was cut off");
            }
            line.write(b);
            if (line.size() > MAX_LINE) {
                throw new IOException("an answer with a line of over " + (MAX_LINE >> 10) + " KiB");
            }
        }
        String text = line.toString(StandardCharsets.UTF_8);
        return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
    }
}
