package io.raftfleet.traces;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class TracesTest {
    private static final Traces.Source SOURCE = new Traces.Source("fleet-engine", "e1", "1");

    private final Queue<String> said = new ConcurrentLinkedQueue<>();
    private final InMemorySpanExporter spans = InMemorySpanExporter.create();

    @Test
    void theParentSaysWhetherASpanIsKept() {
        try (var traces = Traces.to(SimpleSpanProcessor.create(spans), 0, SOURCE)) {
            traces.begin("root", SpanKind.SERVER, null).end();
            traces.begin(
                            "not sampled",
                            SpanKind.SERVER,
                            Traceparent.parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"))
                    .end();
            traces.begin(
                            "sampled",
                            SpanKind.SERVER,
                            Traceparent.parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
                    .end();

            assertThat(spans.getFinishedSpanItems()).singleElement().satisfies(span -> {
                assertThat(span.getName()).isEqualTo("sampled");
                assertThat(span.getTraceId()).isEqualTo("0af7651916cd43dd8448eb211c80319c");
                assertThat(span.getParentSpanId()).isEqualTo("b7ad6b7169203331");
            });
        }
    }

    @Test
    void aSpanOfThePastNeverEndsBeforeItBegins() {
        try (var traces = Traces.to(SimpleSpanProcessor.create(spans), 1, SOURCE)) {
            var root = traces.begin("root", SpanKind.SERVER, null);
            var now = Instant.now();
            traces.past("clock set back", root.getSpanContext(), now, now.minusSeconds(5), Attributes.empty());

            assertThat(spans.getFinishedSpanItems())
                    .singleElement()
                    .matches(span -> span.getEndEpochNanos() == span.getStartEpochNanos());
        }
    }

    @Test
    void aCollectorGetsThemByOtlp() throws IOException {
        Queue<String> bodies = new ConcurrentLinkedQueue<>();
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/v1/traces", exchange -> {
            bodies.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.ISO_8859_1));
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
        try (var traces = Traces.to(
                TraceSettings.of("http://127.0.0.1:" + server.getAddress().getPort(), "1"), SOURCE, said::add)) {
            traces.begin("a write", SpanKind.SERVER, null).end();
            traces.flush(Duration.ofSeconds(10));

            assertThat(bodies).singleElement().asString().contains("a write", "fleet-engine", "raftfleet");
            assertThat(traces.counts().sent()).isEqualTo(1);
            assertThat(traces.counts().failed()).isZero();
        } finally {
            server.stop(0);
        }
    }

    @Test
    void whoEndsASpanNeverWaitsForACollectorThatHangs() throws IOException {
        var hang = new CountDownLatch(1);
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/v1/traces", exchange -> {
            try {
                hang.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            exchange.close();
        });
        server.start();
        try (var traces = Traces.to(
                TraceSettings.of("http://127.0.0.1:" + server.getAddress().getPort(), "1"), SOURCE, said::add)) {
            for (int i = 0; i < 10_000; i++) {
                traces.begin("a write", SpanKind.SERVER, null).end();
            }

            // One batch is on its way at most, and as much as the queue holds waits.
            assertThat(traces.counts().dropped()).isGreaterThan(10_000 - 2_048 - 2 * 512 - 1);
            assertThat(traces.counts().sent()).isZero();
        } finally {
            hang.countDown();
            server.stop(0);
        }
    }

    @Test
    void aCollectorThatIsNotThereCostsSpansAlone() {
        try (var traces = Traces.to(TraceSettings.of("http://127.0.0.1:1", "1"), SOURCE, said::add)) {
            traces.begin("a write", SpanKind.SERVER, null).end();
            traces.flush(Duration.ofMillis(1));

            await().atMost(Duration.ofSeconds(30)).until(() -> traces.counts().failed() == 1);
            await().atMost(Duration.ofSeconds(30))
                    .untilAsserted(() -> assertThat(said)
                            .singleElement()
                            .asString()
                            .contains("traces_endpoint", "ConnectException"));
        }
    }
}
