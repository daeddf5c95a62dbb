package io.raftfleet.fleetctl.v1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.raftfleet.client.ClientOptions;
import io.raftfleet.client.Endpoint;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.model.TargetState;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Calls that are many requests, to a server that takes its time with each. */
@Timeout(60)
class HttpGatewayTest {
    private static final Duration TIMEOUT = Duration.ofMillis(800);
    /** Of that. */
    private static final int PAGES = 4;

    private static final Pattern TOKEN = Pattern.compile("nextPageToken=([0-9]+)");

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final CountDownLatch over = new CountDownLatch(1);
    private final Set<String> created = ConcurrentHashMap.newKeySet();
    private final long begun = System.nanoTime();
    /** Whether the list goes on with a page that never comes. */
    private volatile boolean failing;

    private HttpServer server;
    private FleetClient client;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/fleet/v1/units", this::units);
        server.start();
        client = new FleetClient(ClientOptions.of(Endpoint.parseList(
                        "http://127.0.0.1:" + server.getAddress().getPort()))
                .withRequestTimeout(TIMEOUT)
                .withPatience(false)
                .withGateways(HttpGateway::open));
    }

    @AfterEach
    void stop() {
        over.countDown();
        client.close();
        server.stop(0);
        threads.shutdownNow();
    }

    private void units(HttpExchange exchange) throws IOException {
        if (exchange.getRequestMethod().equals("PUT")) {
            var path = exchange.getRequestURI().getPath();
            var name = path.substring(path.lastIndexOf('/') + 1);
            pace(created.size() / 8);
            created.add(name);
            answer(exchange, 201, "");
            return;
        }
        if (!exchange.getRequestURI().getPath().endsWith("/units")) {
            answer(exchange, 404, "");
            return;
        }
        var token = TOKEN.matcher(String.valueOf(exchange.getRequestURI().getQuery()));
        int page = token.find() ? Integer.parseInt(token.group(1)) : 0;
        if (page == PAGES) {
            silence();
        }
        pace(page);
        answer(exchange, 200, """
                {"units": [{"name": "u%d.service", "desiredState": "inactive"}]%s}""".formatted(
                        page, page + 1 < PAGES || failing ? ", \"nextPageToken\": \"" + (page + 1) + "\"" : ""));
    }

    /** Half of the timeout for each that came before: one takes no longer, and all of them do. */
    private void pace(int before) {
        await().atMost(Duration.ofSeconds(30)).until(() -> System.nanoTime() - begun > TIMEOUT.toNanos() / 2 * before);
    }

    private void silence() {
        try {
            over.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void answer(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    @Test
    void aListOfManyPagesTakesAsLongAsItTakes() {
        assertThat(client.listUnits(ListUnitsRequest.getDefaultInstance()).rows())
                .hasSize(PAGES);
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThan(TIMEOUT);
    }

    @Test
    void soDoUnitsOfWhichEachIsARequest() {
        var units = IntStream.range(0, 8 * PAGES)
                .mapToObj(i -> NewUnit.newBuilder()
                        .setName("u" + i + ".service")
                        .setText("[Service]\nExecStart=/bin/true\n")
                        .setTargetState(TargetState.TARGET_STATE_INACTIVE)
                        .build())
                .toList();

        assertThat(client.createUnits(units, false).results()).hasSize(units.size());

        assertThat(created).hasSize(units.size());
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThan(TIMEOUT);
    }

    @Test
    void aRequestThatIsNotAnsweredEndsTheCall() {
        failing = true;
        assertThatThrownBy(() -> client.listUnits(ListUnitsRequest.getDefaultInstance()))
                .isInstanceOf(FleetClientException.class)
                .hasMessageContaining("no answer within " + TIMEOUT.toMillis() + " ms");
    }
}
