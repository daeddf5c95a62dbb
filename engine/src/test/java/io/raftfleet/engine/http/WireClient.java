package io.raftfleet.engine.http;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** One HTTP/1.1 connection over TCP or a unix socket, with every byte in the test's hands. */
final class WireClient implements AutoCloseable {
    /** An answer; names of headers in lower case. */
    record Answer(int status, Map<String, String> headers, String body) {
        String header(String name) {
            return headers.getOrDefault(name, "");
        }
    }

    private final SocketChannel channel;

    WireClient(SocketAddress address) throws IOException {
        channel = SocketChannel.open(address);
        if (!(address instanceof UnixDomainSocketAddress)) {
            channel.socket().setSoTimeout(30_000);
        }
    }

    Answer call(String method, String path, String body, String... headers) throws IOException {
        StringBuilder request = new StringBuilder(method + " " + path + " HTTP/1.1\r\nHost: engine.test:80\r\n");
        for (String header : headers) {
            request.append(header).append("\r\n");
        }
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > 0 || method.equals("PUT") || method.equals("PATCH")) {
            request.append("Content-Length: ").append(bytes.length).append("\r\n");
        }
        send(request + "\r\n" + body);
        return read(!method.equals("HEAD"));
    }

    Answer put(String path, String body) throws IOException {
        return call("PUT", path, body, "Content-Type: application/json");
    }

    Answer get(String path) throws IOException {
        return call("GET", path, "");
    }

    void send(String text) throws IOException {
        send(text.getBytes(StandardCharsets.UTF_8));
    }

    void send(byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    Answer read(boolean withBody) throws IOException {
        String[] status = line().split(" ", 3);
        Map<String, String> headers = new TreeMap<>();
        for (String line = line(); !line.isEmpty(); line = line()) {
            String[] header = line.split(":", 2);
            headers.put(header[0].toLowerCase(Locale.ROOT), header[1].trim());
        }
        int length = Integer.parseInt(headers.getOrDefault("content-length", "0"));
        byte[] body = withBody ? bytes(length) : new byte[0];
        return new Answer(Integer.parseInt(status[1]), headers, new String(body, StandardCharsets.UTF_8));
    }

    /** True once the server has closed the connection; bytes that still come are dropped. */
    boolean isClosedByServer() throws IOException {
        try {
            while (Channels.newInputStream(channel).read() >= 0) {
                // What was sent before the end.
            }
            return true;
        } catch (IOException reset) {
            return true;
        }
    }

    private String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (byte b = bytes(1)[0]; b != '\n'; b = bytes(1)[0]) {
            line.write(b);
        }
        return line.toString(StandardCharsets.UTF_8).strip();
    }

    private byte[] bytes(int count) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(count);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer) < 0) {
                throw new EOFException("the server closed the connection");
            }
        }
        return buffer.array();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
