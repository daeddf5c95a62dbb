package io.raftfleet.client;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where one engine listens.
 *
 * @param host a name or an address, an IPv6 address without brackets; the path of a unix socket
 * @param port from 1 to 65535; 0 of a unix socket
 * @param kind for what
 * @param localPort of 127.0.0.1, which leads there through a tunnel; 0 without one
 */
public record Endpoint(String host, int port, Kind kind, int localPort) {
    /** What an engine speaks there. */
    public enum Kind {
        GRPC,
        /** fleet's HTTP API v1. */
        HTTP,
        HTTPS,
        /** That API on a unix socket. */
        UNIX
    }

    /** What a cluster started by {@code bin/fleet up} listens on: port base 14100, plus 100, plus the engine's number. */
    public static final String DEFAULT = "127.0.0.1:14201,127.0.0.1:14202,127.0.0.1:14203";

    private static final int MAX_PORT = 65_535;

    /** An endpoint for gRPC. */
    public Endpoint(String host, int port) {
        this(host, port, Kind.GRPC);
    }

    /** An endpoint that is reached directly. */
    public Endpoint(String host, int port, Kind kind) {
        this(host, port, kind, 0);
    }

    /** The same, reached through a local port. */
    public Endpoint through(int port) {
        return new Endpoint(host, this.port, kind, port);
    }

    /**
     * Reads a comma-separated list of {@code host:port} and {@code [v6]:port} for gRPC, {@code http://host:port}, {@code
     * https://host:port} and {@code unix:///path} for the HTTP API.
     *
     * @return the endpoints in the given order, each once
     * @throws IllegalArgumentException when the list is empty or one of it is none of these; the message names it
     */
    public static List<Endpoint> parseList(String list) {
        var endpoints = new LinkedHashSet<Endpoint>();
        for (String part : list.split(",", -1)) {
            if (!part.isBlank()) {
                endpoints.add(parse(part.strip()));
            }
        }
        if (endpoints.isEmpty()) {
            throw new IllegalArgumentException("no endpoint given: expected host:port, several separated by commas");
        }
        return Collections.unmodifiableList(new ArrayList<>(endpoints));
    }

    /**
     * Reads one endpoint.
     *
     * @throws IllegalArgumentException when it can't be one; the message names it
     */
    public static Endpoint parse(String text) {
        String rest = text;
        Kind kind = Kind.GRPC;
        int scheme = text.indexOf("://");
        if (scheme >= 0) {
            String name = text.substring(0, scheme).toLowerCase(Locale.ROOT);
            rest = text.substring(scheme + 3);
            kind = switch (name) {
                case "http" -> Kind.HTTP;
                case "https" -> Kind.HTTPS;
                case "unix", "file" -> Kind.UNIX;
                default -> throw bad(text, "the scheme \"" + name + "\" is not supported, give host:port");
            };
        }
        if (kind == Kind.UNIX) {
            if (!rest.startsWith("/")) {
                throw bad(text, "the path of a socket begins with a slash: unix:///run/fleet/engine.sock");
            }
            return new Endpoint(rest, 0, kind);
        }
        while (rest.endsWith("/")) {
            rest = rest.substring(0, rest.length() - 1);
        }
        int colon = rest.lastIndexOf(':');
        if (colon <= 0 || rest.endsWith("]")) {
            throw bad(text, "it has no port, expected host:port");
        }
        String host = rest.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        } else if (host.indexOf(':') >= 0) {
            throw bad(text, "an IPv6 address needs brackets: [address]:port");
        }
        if (host.isEmpty() || host.indexOf('/') >= 0) {
            throw bad(text, "expected host:port");
        }
        return new Endpoint(host, port(text, rest.substring(colon + 1)), kind);
    }

    private static int port(String text, String digits) {
        try {
            int port = Integer.parseInt(digits);
            if (port >= 1 && port <= MAX_PORT) {
                return port;
            }
        } catch (NumberFormatException e) {
            throw bad(text, "the port \"" + digits + "\" is not a number", e);
        }
        throw bad(text, "the port must be from 1 to " + MAX_PORT);
    }

    private static IllegalArgumentException bad(String text, String why) {
        return new IllegalArgumentException("invalid endpoint \"" + text + "\": " + why);
    }

    private static IllegalArgumentException bad(String text, String why, Throwable cause) {
        return new IllegalArgumentException("invalid endpoint \"" + text + "\": " + why, cause);
    }

    /** Whether {@link #host} is an address, so that no name has to be looked up. */
    boolean isLiteral() {
        return localPort != 0
                || host.indexOf(':') >= 0
                || host.chars().allMatch(c -> c == '.' || (c >= '0' && c <= '9'));
    }

    /** Where to connect to, not of a unix socket without {@link #localPort}; a name is left to be looked up. */
    public InetSocketAddress address() {
        if (localPort != 0) {
            return new InetSocketAddress(InetAddress.getLoopbackAddress(), localPort);
        }
        return isLiteral() ? new InetSocketAddress(host, port) : InetSocketAddress.createUnresolved(host, port);
    }

    /** Two ways to the same engine are equal. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Endpoint that && host.equals(that.host) && port == that.port && kind == that.kind;
    }

    @Override
    public int hashCode() {
        return Objects.hash(host, port, kind);
    }

    /** Host and port as in a URL; of a unix socket what stands for them, as fleet's client says it. */
    public String authority() {
        if (kind == Kind.UNIX) {
            return "domain-sock";
        }
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }

    @Override
    public String toString() {
        return switch (kind) {
            case GRPC -> authority();
            case HTTP -> "http://" + authority();
            case HTTPS -> "https://" + authority();
            case UNIX -> "unix://" + host;
        };
    }
}
