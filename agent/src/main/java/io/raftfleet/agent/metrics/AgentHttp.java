package io.raftfleet.agent.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code /metrics}, {@code /livez}, {@code /readyz} and its other name {@code /healthz} of an agent, in plaintext, for processes of the same
 * machine: the Java machine's own small server, with few connections that have to be quick. Its two threads own nothing that changes.
 */
public final class AgentHttp implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(AgentHttp.class);
    private static final int THREADS = 2;
    private static final int BACKLOG = 16;
    private static final long PATIENCE_SECONDS = 2;
    /** A name that a page of somebody else's has let point here (DNS rebinding) is none of these. */
    private static final Pattern OWN_HOST =
            Pattern.compile("(localhost|127(\\.[0-9]{1,3}){3}|\\[[0-9a-fA-F:.]+])(:[0-9]{1,5})?");

    private final HttpServer server;
    private final ExecutorService threads;
    private final Supplier<CompletableFuture<List<MachineStatus>>> machines;
    private final Supplier<List<String>> stuck;
    private final AgentMetrics metrics;

    private record Reply(int status, String type, String body) {
        static Reply text(int status, String line) {
            return new Reply(status, "text/plain; charset=utf-8", line + "\n");
        }
    }

    private AgentHttp(
            HttpServer server,
            Supplier<CompletableFuture<List<MachineStatus>>> machines,
            Supplier<List<String>> stuck,
            AgentMetrics metrics) {
        this.server = server;
        this.machines = machines;
        this.stuck = stuck;
        this.metrics = metrics;
        this.threads = Executors.newFixedThreadPool(
                THREADS, Thread.ofPlatform().daemon().name("metrics-", 0).factory());
    }

    /**
     * Listens from now on.
     *
     * @param machines how they do, asked for each scrape
     * @param stuck what of this process stands still, for people; empty when all goes on
     * @throws IOException when the address can't be listened on, saying what to do
     */
    public static AgentHttp start(
            InetSocketAddress address,
            Supplier<CompletableFuture<List<MachineStatus>>> machines,
            Supplier<List<String>> stuck,
            AgentMetrics metrics)
            throws IOException {
        // The server's own limits, which it reads once; requests and answers in seconds.
        System.setProperty("jdk.httpserver.maxConnections", "32");
        System.setProperty("sun.net.httpserver.maxReqTime", "5");
        System.setProperty("sun.net.httpserver.maxRspTime", "10");
        HttpServer server;
        try {
            server = HttpServer.create(address, BACKLOG);
        } catch (IOException e) {
            throw new IOException(
                    "can't listen for metrics on " + address.getHostString() + ":" + address.getPort() + " ("
                            + e.getMessage() + "): stop the process that listens there, or change the setting metrics",
                    e);
        }
        var http = new AgentHttp(server, machines, stuck, metrics);
        server.setExecutor(http.threads);
        server.createContext("/", http::handle);
        server.start();
        log.info("metrics are at http://{}:{}/metrics", address.getHostString(), http.port());
        return http;
    }

    /** The port that it listens on. */
    int port() {
        return server.getAddress().getPort();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            var reply = reply(exchange);
            exchange.getResponseHeaders().set("Content-Type", reply.type());
            exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
            var body = reply.body().getBytes(StandardCharsets.UTF_8);
            boolean head = exchange.getRequestMethod().equals("HEAD");
            exchange.sendResponseHeaders(reply.status(), head ? -1 : body.length);
            if (!head) {
                exchange.getResponseBody().write(body);
            }
        } catch (RuntimeException defect) {
            log.error("{} could not be answered", exchange.getRequestURI(), defect);
        }
    }

    private Reply reply(HttpExchange exchange) {
        var host = exchange.getRequestHeaders().getFirst("Host");
        if (host != null && !OWN_HOST.matcher(host).matches()) {
            return Reply.text(421, "ask for this agent by a loopback address, or as localhost");
        }
        var method = exchange.getRequestMethod();
        if (!method.equals("GET") && !method.equals("HEAD")) {
            exchange.getResponseHeaders().set("Allow", "GET, HEAD");
            return Reply.text(405, "there is GET and HEAD");
        }
        return switch (exchange.getRequestURI().getPath()) {
            case "/metrics" -> scraped();
            case "/livez" -> live();
            case "/readyz", "/healthz" -> ready();
            default -> Reply.text(404, "here are /metrics, /livez and /readyz");
        };
    }

    private Reply live() {
        var still = stuck.get();
        return still.isEmpty() ? Reply.text(200, "ok") : Reply.text(503, String.join("; ", still));
    }

    private Reply ready() {
        return asked(all -> {
            long out = all.stream().filter(machine -> !machine.inSession()).count();
            return out == 0
                    ? Reply.text(200, "ok")
                    : Reply.text(
                            503,
                            (all.size() == 1 ? "not in session with an engine" : out + " machines are not in session")
                                    + "; units run on, and the log says what the engines answer");
        });
    }

    private Reply scraped() {
        return asked(all -> new Reply(200, AgentMetrics.CONTENT_TYPE, metrics.scrape(all)));
    }

    private Reply asked(Function<List<MachineStatus>, Reply> answer) {
        try {
            return answer.apply(machines.get().get(PATIENCE_SECONDS, TimeUnit.SECONDS));
        } catch (TimeoutException | ExecutionException e) {
            log.debug("a machine can't be asked how it does", e);
            return Reply.text(503, "the machine's own thread did not answer within " + PATIENCE_SECONDS + " s");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Reply.text(503, "the agent ends");
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
