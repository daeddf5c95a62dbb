package io.raftfleet.traces;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.metrics.MeterProvider;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.sdk.common.InternalTelemetryVersion;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.SpanLimits;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The spans of one process, on their way to a collector. There is none where traces are off: whoever may trace holds null then, and
 * loads no class of OpenTelemetry's. Nobody who ends a span waits: 2,048 spans wait to be sent, further ones are dropped and
 * {@linkplain #counts counted}. Safe for use by any thread.
 */
public final class Traces implements AutoCloseable {
    private static final int QUEUE = 2_048;
    private static final int BATCH = 512;
    private static final Duration DELAY = Duration.ofSeconds(1);
    private static final Duration EXPORT_LIMIT = Duration.ofSeconds(5);
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(2);
    private static final Duration CLOSE_LIMIT = Duration.ofMillis(500);
    /** Text of one attribute, in characters: names of units are the longest. */
    private static final int ATTRIBUTE = 1_024;

    /** Says each failure at length; held, since levels are forgotten with their loggers. */
    private static final Logger SDK_LOG = Logger.getLogger("io.opentelemetry");

    /**
     * Who makes the spans, as a collector shows it.
     *
     * @param service such as {@code fleet-engine}
     * @param instance which of them: the engine's id, the machine's; empty for none
     */
    public record Source(String service, String instance, String version) {}

    private final SdkTracerProvider provider;
    private final SpanCounts counts;
    private final Tracer tracer;

    private Traces(SdkTracerProvider provider, SpanCounts counts) {
        this.provider = provider;
        this.counts = counts;
        this.tracer = provider.get("io.raftfleet");
    }

    /**
     * Traces to a collector. It need not be there: what it does not take is dropped, and counted.
     *
     * @param log takes a line when the collector begins, or ceases, to refuse spans
     */
    public static Traces to(TraceSettings settings, Source source, Consumer<String> log) {
        SDK_LOG.setLevel(Level.OFF);
        var counts = new SpanCounts(log);
        var meters =
                SdkMeterProvider.builder().registerMetricReader(counts.reader()).build();
        var exporter = OtlpHttpSpanExporter.builder()
                .setEndpoint(settings.endpoint().toString())
                .setTimeout(EXPORT_LIMIT)
                .setConnectTimeout(CONNECT_LIMIT)
                .setRetryPolicy(null)
                .setMeterProvider(MeterProvider.noop())
                .build();
        var batches = BatchSpanProcessor.builder(counts.counting(exporter))
                .setMaxQueueSize(QUEUE)
                .setMaxExportBatchSize(BATCH)
                .setScheduleDelay(DELAY)
                .setExporterTimeout(EXPORT_LIMIT)
                .setInternalTelemetryVersion(InternalTelemetryVersion.LATEST)
                .setMeterProvider(meters)
                .build();
        return new Traces(provider(batches, settings.ratio(), source), counts);
    }

    /** Traces to this processor, for tests. */
    public static Traces to(SpanProcessor processor, double ratio, Source source) {
        return new Traces(provider(processor, ratio, source), new SpanCounts(line -> {}));
    }

    private static SdkTracerProvider provider(SpanProcessor processor, double ratio, Source source) {
        var resource = Attributes.builder()
                .put("service.namespace", "raftfleet")
                .put("service.name", source.service())
                .put("service.version", source.version());
        if (!source.instance().isEmpty()) {
            resource.put("service.instance.id", source.instance());
        }
        return SdkTracerProvider.builder()
                .addSpanProcessor(processor)
                .setSampler(Sampler.parentBased(Sampler.traceIdRatioBased(ratio)))
                .setSpanLimits(SpanLimits.builder()
                        .setMaxAttributeValueLength(ATTRIBUTE)
                        .build())
                .setResource(Resource.getDefault().merge(Resource.create(resource.build())))
                .build();
    }

    /**
     * Begins a span. Whether it is kept is its parent's to say; without a parent it is kept at the ratio that was set.
     *
     * @param name one of a few, whatever the cluster has: names of units are attributes
     * @param parent null for the first of a trace
     */
    public Span begin(String name, SpanKind kind, @Nullable SpanContext parent) {
        return orNone(() -> tracer.spanBuilder(name)
                .setParent(parent == null ? Context.root() : Context.root().with(Span.wrap(parent)))
                .setSpanKind(kind)
                .startSpan());
    }

    /** Begins a span within this process that began a moment ago. */
    public Span begin(String name, SpanContext parent, Instant from) {
        return orNone(() -> tracer.spanBuilder(name)
                .setParent(Context.root().with(Span.wrap(parent)))
                .setStartTimestamp(from)
                .startSpan());
    }

    /** Adds a span within this process that is over. */
    public void past(String name, SpanContext parent, Instant from, Instant to, Attributes attributes) {
        orNone(() -> tracer.spanBuilder(name)
                        .setParent(Context.root().with(Span.wrap(parent)))
                        .setStartTimestamp(from)
                        .setAllAttributes(attributes)
                        .startSpan())
                .end(to.isBefore(from) ? from : to);
    }

    /** What traces is never the reason why something else fails. */
    private static Span orNone(Supplier<Span> begun) {
        try {
            return begun.get();
        } catch (RuntimeException e) {
            return Span.getInvalid();
        }
    }

    /** What has become of ended spans so far. */
    public SpanCounts counts() {
        return counts;
    }

    /** Sends what has ended; waits for nothing. */
    public void send() {
        var unused = provider.forceFlush();
    }

    /** Sends what has ended, and waits so long for that at most. */
    public void flush(Duration limit) {
        provider.forceFlush().join(limit.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Sends what has ended, and waits half a second for that at most. */
    @Override
    public void close() {
        long end = System.nanoTime() + CLOSE_LIMIT.toNanos();
        // What is being sent already does not take what has ended since along, and a shutdown would wait for that
        // alone.
        provider.forceFlush().join(CLOSE_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        provider.shutdown().join(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
    }
}
