package io.raftfleet.traces;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import org.jspecify.annotations.Nullable;

/**
 * W3C's {@code traceparent}: of which trace a call is a part. What comes with it for vendors, {@code tracestate}, is not passed on: nobody
 * here has a use for text of strangers.
 */
public final class Traceparent {
    /** In gRPC's metadata and in HTTP's headers. */
    public static final String HEADER = "traceparent";

    /** A later version of it may be longer than today's 55 characters. */
    private static final int MOST = 128;

    private static final TextMapGetter<String> ONE = new TextMapGetter<>() {
        @Override
        public @Nullable String get(@Nullable String carrier, String key) {
            return key.equals(HEADER) ? carrier : null;
        }
    };

    private Traceparent() {}

    /** What it names; null when there is none, or it is none. */
    public static @Nullable SpanContext parse(@Nullable String header) {
        if (header == null || header.length() > MOST) {
            return null;
        }
        var found = Span.fromContext(W3CTraceContextPropagator.getInstance().extract(Context.root(), header, ONE))
                .getSpanContext();
        return found.isValid() ? found : null;
    }

    /** As it is sent on: 55 characters. */
    public static String of(SpanContext context) {
        return "00-" + context.getTraceId() + "-" + context.getSpanId() + "-"
                + context.getTraceFlags().asHex();
    }
}
