package io.raftfleet.traces;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.metrics.InstrumentType;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.LongPointData;
import io.opentelemetry.sdk.metrics.export.CollectionRegistration;
import io.opentelemetry.sdk.metrics.export.MetricReader;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.Collection;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What became of spans that have ended: those that were sent, or that the collector did not take, are counted as they go; those that
 * found no room to wait in are counted by the SDK, and asked for. Safe for use by any thread.
 */
public final class SpanCounts {
    /** Of the SDK, by OpenTelemetry's conventions. */
    private static final String PROCESSED = "otel.sdk.processor.span.processed";

    private static final AttributeKey<String> FAULT = AttributeKey.stringKey("error.type");

    private static final String AGAIN = "the collector takes spans again";
    private static final String NOT =
            "the collector does not take spans, they are dropped until it does; see traces_endpoint";

    private final LongAdder sent = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final Reader reader = new Reader();
    private final AtomicBoolean failing = new AtomicBoolean();
    private final Consumer<String> log;

    /** @param log takes a line when the collector begins, or ceases, to refuse spans */
    SpanCounts(Consumer<String> log) {
        this.log = log;
    }

    /** Spans that the collector has taken. */
    public long sent() {
        return sent.sum();
    }

    /** Spans that it has not, or not in time. */
    public long failed() {
        return failed.sum();
    }

    /** Spans that found the queue full. */
    public long dropped() {
        return reader.registration.collectAllMetrics().stream()
                .filter(metric -> metric.getName().equals(PROCESSED))
                .flatMap(metric -> metric.getLongSumData().getPoints().stream())
                .filter(point -> point.getAttributes().get(FAULT) != null)
                .mapToLong(LongPointData::getValue)
                .sum();
    }

    private static String reason(@Nullable Throwable failure) {
        return failure == null ? "" : ": " + failure;
    }

    MetricReader reader() {
        return reader;
    }

    /** The same exporter, counted. */
    SpanExporter counting(SpanExporter exporter) {
        return new Counting(exporter);
    }

    private final class Counting implements SpanExporter {
        private final SpanExporter exporter;

        Counting(SpanExporter exporter) {
            this.exporter = exporter;
        }

        @Override
        public CompletableResultCode export(Collection<SpanData> spans) {
            int size = spans.size();
            var result = exporter.export(spans);
            return result.whenComplete(() -> {
                (result.isSuccess() ? sent : failed).add(size);
                if (failing.getAndSet(!result.isSuccess()) == result.isSuccess()) {
                    log.accept(result.isSuccess() ? AGAIN : NOT + reason(result.getFailureThrowable()));
                }
            });
        }

        @Override
        public CompletableResultCode flush() {
            return exporter.flush();
        }

        @Override
        public CompletableResultCode shutdown() {
            return exporter.shutdown();
        }
    }

    /** Gives away what the SDK has counted when it is asked, and never by itself. */
    private static final class Reader implements MetricReader {
        private volatile CollectionRegistration registration = CollectionRegistration.noop();

        @Override
        public void register(CollectionRegistration given) {
            registration = given;
        }

        @Override
        public AggregationTemporality getAggregationTemporality(InstrumentType type) {
            return AggregationTemporality.CUMULATIVE;
        }

        @Override
        public CompletableResultCode forceFlush() {
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode shutdown() {
            return CompletableResultCode.ofSuccess();
        }
    }
}
