package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitOption;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** fleet's HTTP API v1 in front of an {@link InMemoryCluster}, two rows a page, on a port and on a unix socket. */
final class V1Server implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final int PAGE = 2;

    private final InMemoryCluster cluster;
    private final HttpServer http;
    private final AtomicInteger requests = new AtomicInteger();
    private final List<ServerSocketChannel> sockets = new CopyOnWriteArrayList<>();

    V1Server(InMemoryCluster cluster) throws IOException {
        this(cluster, HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0));
    }

    /** With TLS, for clients that have a certificate. */
    static V1Server withTls(InMemoryCluster cluster, SSLContext tls) throws IOException {
        var server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(tls) {
            @Override
            public void configure(HttpsParameters parameters) {
                var wanted = getSSLContext().getDefaultSSLParameters();
                wanted.setNeedClientAuth(true);
                parameters.setSSLParameters(wanted);
            }
        });
        return new V1Server(cluster, server);
    }

    private V1Server(InMemoryCluster cluster, HttpServer http) {
        this.cluster = cluster;
        this.http = http;
        http.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        http.createContext("/fleet/v1/", this::serve);
        http.start();
    }

    String url() {
        return (http instanceof HttpsServer ? "https" : "http") + "://127.0.0.1:"
                + http.getAddress().getPort();
    }

    /** Answers there, too. */
    void listen(Path socket) throws IOException {
        var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        sockets.add(server);
        Thread.ofVirtual().start(() -> {
            try {
                while (true) {
                    var client = server.accept();
                    var behind = SocketChannel.open(http.getAddress());
                    Thread.ofVirtual().start(() -> pump(client, behind));
                    Thread.ofVirtual().start(() -> pump(behind, client));
                }
            } catch (ClosedChannelException over) {
                // As told.
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static void pump(SocketChannel from, SocketChannel to) {
        try {
            Channels.newInputStream(from).transferTo(Channels.newOutputStream(to));
            to.shutdownOutput();
        } catch (IOException over) {
            // Either has ended.
        }
    }

    private void serve(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath().substring("/fleet/v1/".length());
        String method = exchange.getRequestMethod();
        JsonNode body = method.equals("PUT") ? JSON.readTree(exchange.getRequestBody()) : JSON.createObjectNode();
        synchronized (cluster) {
            if (path.startsWith("units/")) {
                unit(exchange, method, path.substring("units/".length()), body);
                return;
            }
            String asked = String.valueOf(exchange.getRequestURI().getQuery());
            switch (path) {
                case "units" -> list(exchange, path, asked, cluster.units, this::document);
                case "state" -> {
                    var states = new TreeMap<>(cluster.states);
                    if (asked.contains("unitName=")) {
                        states.values().removeIf(state -> !asked.contains("unitName=" + state.getName()));
                    }
                    list(exchange, "states", asked, states, V1Server::document);
                }
                case "machines" ->
                    list(
                            exchange,
                            path,
                            asked,
                            cluster.machines,
                            machine -> Map.of(
                                    "id",
                                    machine.getId(),
                                    "primaryIP",
                                    machine.getPrimaryIp(),
                                    "metadata",
                                    machine.getMetadataMap()));
                default -> send(exchange, 404, null);
            }
        }
    }

    private void unit(HttpExchange exchange, String method, String name, JsonNode body) throws IOException {
        Unit known = cluster.units.get(name);
        switch (method) {
            case "GET" -> send(exchange, known == null ? 404 : 200, known == null ? null : document(known));
            case "DELETE" -> send(exchange, status(write(() -> cluster.destroy(name)), 204), null);
            default -> {
                TargetState target = TargetState.valueOf("TARGET_STATE_"
                        + body.path("desiredState").asString("inactive").toUpperCase(java.util.Locale.ROOT));
                if (!body.has("options")) {
                    var change = TargetStateChange.newBuilder()
                            .setName(name)
                            .setTargetState(target)
                            .build();
                    send(exchange, status(write(() -> cluster.change(change)), 204), null);
                    return;
                }
                List<UnitOption> options = new ArrayList<>();
                body.get("options")
                        .forEach(option -> options.add(new UnitOption(
                                option.get("section").asString(),
                                option.get("name").asString(),
                                option.get("value").asString())));
                var created = NewUnit.newBuilder()
                        .setName(name)
                        .setText(UnitFile.of(options).text())
                        .setTargetState(target)
                        .build();
                send(exchange, status(write(() -> cluster.create(created, true)), 201), null);
            }
        }
    }

    private ItemResult write(Supplier<ItemResult> change) {
        var id = new byte[16];
        id[0] = 1;
        id[15] = (byte) requests.incrementAndGet();
        return cluster.write(
                        RequestId.newBuilder()
                                .setId(ByteString.copyFrom(id))
                                .setIssuedAtMs(1)
                                .build(),
                        () -> List.of(change.get()))
                .getResults(0);
    }

    private static int status(ItemResult result, int done) {
        return switch (result.getCode()) {
            case ITEM_CODE_OK, ITEM_CODE_UNCHANGED, ITEM_CODE_REPLACED -> done;
            case ITEM_CODE_NOT_FOUND -> 404;
            default -> 400;
        };
    }

    private <T> void list(
            HttpExchange exchange, String field, String query, Map<String, T> rows, Function<T, Object> document)
            throws IOException {
        int token = query.indexOf("nextPageToken=");
        int from = token < 0 ? 0 : Integer.parseInt(query.substring(token + "nextPageToken=".length()));
        List<Object> all = rows.values().stream().map(document).toList();
        int to = Math.min(all.size(), from + PAGE);
        send(
                exchange,
                200,
                to < all.size()
                        ? Map.of(field, all.subList(from, to), "nextPageToken", "" + to)
                        : Map.of(field, all.subList(from, to)));
    }

    private Object document(Unit unit) {
        var document = new TreeMap<String, Object>();
        Unit whole = cluster.withDetails(unit, true, false);
        document.put("name", unit.getName());
        document.put("desiredState", Words.state(unit.getTargetState()));
        document.put("currentState", Words.state(unit.getCurrentState()));
        document.put("machineID", unit.getMachineId());
        document.put(
                "options",
                UnitFile.stored(whole.getContents().getText()).options().stream()
                        .map(option ->
                                Map.of("section", option.section(), "name", option.name(), "value", option.value()))
                        .toList());
        document.values().removeIf(""::equals);
        return document;
    }

    private static Object document(UnitState state) {
        return Map.of(
                "name",
                state.getName(),
                "machineID",
                state.getMachineId(),
                "hash",
                Words.hash(state.getHash(), true),
                "systemdLoadState",
                state.getLoadState(),
                "systemdActiveState",
                state.getActiveState(),
                "systemdSubState",
                state.getSubState());
    }

    private static void send(HttpExchange exchange, int status, @org.jspecify.annotations.Nullable Object document)
            throws IOException {
        byte[] body = status == 200 ? JSON.writeValueAsBytes(document) : new byte[0];
        if (status >= 400) {
            body = JSON.writeValueAsBytes(
                    Map.of("error", Map.of("code", status, "message", "refused by " + ItemCode.ITEM_CODE_REFUSED)));
        }
        // Chunked where the length is not said.
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : 0);
        if (body.length > 0) {
            exchange.getResponseBody().write(body);
        }
        exchange.close();
    }

    @Override
    public void close() {
        http.stop(0);
        for (var socket : sockets) {
            try {
                socket.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
