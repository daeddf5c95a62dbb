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
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Calls that are many requests, to a server that takes its time with each. */
@Timeout(60)
class HttpGatewayTest {
    private static final Duration TIMEOUT = Duration.ofMillis(1200);
    /** Of that. */
    private static final int PAGES = 6;

    private static final Pattern TOKEN = Pattern.compile("nextPageToken=([0-9]+)");

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final CountDownLatch over = new CountDownLatch(1);
    private final Set<String> created = ConcurrentHashMap.newKeySet();
    private final long begun = System.nanoTime();
    private final AtomicInteger asked = new AtomicInteger();
    /** How many requests are refused for now. */
    private final AtomicInteger refusals = new AtomicInteger();
    /** Whether nothing is answered. */
    private volatile boolean mute;
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
        client = client("http://127.0.0.1:" + server.getAddress().getPort());
    }

    private static FleetClient client(String endpoints) {
        return new FleetClient(ClientOptions.of(Endpoint.parseList(endpoints))
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
        asked.incrementAndGet();
        if (refusals.getAndDecrement() > 0) {
            answer(exchange, 503, "");
            return;
        }
        if (mute) {
            silence();
        }
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

    /** A quarter of the timeout for each that came before: one takes no longer, and all of them do. */
    private void pace(int before) {
        await().atMost(Duration.ofSeconds(30)).until(() -> System.nanoTime() - begun > TIMEOUT.toNanos() / 4 * before);
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
        var units = units(8 * PAGES);

        assertThat(client.createUnits(units, false).results()).hasSize(units.size());

        assertThat(created).hasSize(units.size());
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThan(TIMEOUT);
    }

    private static List<NewUnit> units(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> NewUnit.newBuilder()
                        .setName("u" + i + ".service")
                        .setText("[Service]\nExecStart=/bin/true\n")
                        .setTargetState(TargetState.TARGET_STATE_INACTIVE)
                        .build())
                .toList();
    }

    @Test
    void aRefusalForNowEndsNothing() {
        refusals.set(1);
        assertThat(client.listUnits(ListUnitsRequest.getDefaultInstance()).rows())
                .hasSize(PAGES);
    }

    @Test
    void afterAWriteThatIsNotAnsweredNoOthersAreSent() {
        mute = true;
        assertThatThrownBy(() -> client.createUnits(units(500), false))
                .isInstanceOf(FleetClientException.class)
                .hasMessageStartingWith("no engine answered CreateUnits: http://127.0.0.1:")
                .hasMessageContaining("no answer within " + TIMEOUT.toMillis() + " ms");
        assertThat(asked).hasValueLessThan(100);
    }

    @Test
    void anotherIsAskedWhereTheFirstIsSilent() throws IOException {
        try (var silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                var both = client("http://127.0.0.1:" + silent.getLocalPort() + ",http://127.0.0.1:"
                        + server.getAddress().getPort())) {
            assertThat(both.listUnits(ListUnitsRequest.getDefaultInstance()).rows())
                    .hasSize(PAGES);
        }
    }

    @Test
    void aRequestThatIsNotAnsweredEndsTheCall() {
        failing = true;
        assertThatThrownBy(() -> client.listUnits(ListUnitsRequest.getDefaultInstance()))
                .isInstanceOf(FleetClientException.class)
                .hasMessageContaining("no answer within " + TIMEOUT.toMillis() + " ms");
    }
}
