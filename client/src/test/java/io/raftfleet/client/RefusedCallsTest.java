package io.raftfleet.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.VersionRequest;
import io.raftfleet.proto.fleet.VersionResponse;
import io.raftfleet.proto.fleet.WatchEvent;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.model.Revision;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** A client of an engine that refuses, with a hint when to come again. */
class RefusedCallsTest {
    private static final int EVENTS = 40;
    private static final int EVENTS_A_STREAM = 7;

    private final AtomicInteger calls = new AtomicInteger();
    private final AtomicInteger toRefuse = new AtomicInteger();
    private volatile String hint = "";
    private Server server = NettyServerBuilder.forPort(0).build();

    @BeforeEach
    void start() throws IOException {
        server = serving(new RefusingEngine());
    }

    private static Server serving(FleetGrpc.FleetImplBase engine) throws IOException {
        return NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(engine)
                .build()
                .start();
    }

    @AfterEach
    void stop() {
        server.shutdownNow();
    }

    @Test
    @DisplayName(
            "a watch that was cut off goes on after the last revision that arrived: no event is missed or comes twice")
    void cutOffWatchResumes() throws Exception {
        hint = "10";
        var seen = new ArrayList<String>();
        try (var client = client();
                var watch =
                        client.watch(WatchRequest.newBuilder().setUnits(true).build())) {
            while (seen.size() < EVENTS) {
                var frame = watch.next(Duration.ofSeconds(30));
                assertThat(frame).isNotNull();
                if (frame != null) {
                    frame.getEventsList().forEach(event -> seen.add(event.getUnitDestroyed()));
                }
            }
        }
        assertThat(seen)
                .isEqualTo(
                        IntStream.rangeClosed(1, EVENTS).mapToObj(i -> "u" + i).toList());
        assertThat(calls).hasValueGreaterThanOrEqualTo(EVENTS / EVENTS_A_STREAM);
    }

    @Test
    @DisplayName(
            "a watch that no engine serves any more is told of with what they did since its last frame, not before")
    void whatWasSaidBeforeAFrameIsForgotten() throws Exception {
        server.shutdownNow();
        server = serving(new FleetGrpc.FleetImplBase() {
            @Override
            public void watch(WatchRequest request, StreamObserver<WatchResponse> out) {
                int call = calls.incrementAndGet();
                if (call <= 2) {
                    out.onNext(frame(call));
                }
                out.onError((call == 1 ? Status.UNAVAILABLE.withDescription("no room") : Status.DEADLINE_EXCEEDED)
                        .asRuntimeException());
            }
        });
        var options = ClientOptions.of(List.of(new Endpoint("127.0.0.1", server.getPort())));
        try (var connections = new Connections(options);
                var watch =
                        new Watch(connections, options, WatchRequest.getDefaultInstance(), Duration.ofMillis(300))) {
            assertThat(watch.next(Duration.ofSeconds(30))).isEqualTo(frame(1));
            assertThat(watch.next(Duration.ofSeconds(30))).isEqualTo(frame(2));
            assertThatThrownBy(() -> watch.next(Duration.ofSeconds(30)))
                    .isInstanceOf(FleetClientException.class)
                    .hasMessageContaining("(no answer)");
        }
    }

    private static WatchResponse frame(long index) {
        return WatchResponse.newBuilder()
                .addEvents(WatchEvent.newBuilder().setUnitDestroyed("u" + index))
                .setRevision(Revision.newBuilder().setIncarnation(1).setIndex(index))
                .build();
    }

    @Test
    @DisplayName("a call that was refused for now is sent again; one that will never do is not")
    void hintsAreHeeded() {
        try (var client = client()) {
            hint = "20";
            toRefuse.set(2);
            assertThat(client.version().getVersion()).isEqualTo("refusing");
            assertThat(calls).hasValue(3);

            hint = "-1";
            toRefuse.set(1);
            assertThatThrownBy(client::version)
                    .isInstanceOf(FleetClientException.class)
                    .hasMessageContaining("no room");
            assertThat(calls).hasValue(4);
        }
    }

    @Test
    @DisplayName("an engine's hint is the least wait, spread by half as much again, and no longer than half a minute")
    void waits() {
        long seed = System.nanoTime();
        var random = new Random(seed);
        for (int i = 0; i < 1000; i++) {
            assertThat(RetryHint.wait(trailers("200"), random))
                    .as("seed %d", seed)
                    .isBetween(TimeUnit.MILLISECONDS.toNanos(200), TimeUnit.MILLISECONDS.toNanos(300));
        }
        assertThat(RetryHint.wait(trailers("99999999999"), random)).isLessThanOrEqualTo(TimeUnit.SECONDS.toNanos(45));
        assertThat(RetryHint.wait(trailers("soon"), random)).isZero();
        assertThat(RetryHint.wait(null, random)).isZero();
        assertThat(RetryHint.never(trailers("-1"))).isTrue();
        assertThat(RetryHint.never(trailers("0"))).isFalse();
    }

    private FleetClient client() {
        return new FleetClient(ClientOptions.of(List.of(new Endpoint("127.0.0.1", server.getPort())))
                .withRequestTimeout(Duration.ofSeconds(60)));
    }

    private static Metadata trailers(String hint) {
        var trailers = new Metadata();
        trailers.put(RetryHint.KEY, hint);
        return trailers;
    }

    private StatusRuntimeException refusal() {
        return Status.RESOURCE_EXHAUSTED.withDescription("no room").asRuntimeException(trailers(hint));
    }

    private final class RefusingEngine extends FleetGrpc.FleetImplBase {
        @Override
        public void version(VersionRequest request, StreamObserver<VersionResponse> out) {
            calls.incrementAndGet();
            if (toRefuse.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
                out.onError(refusal());
                return;
            }
            out.onNext(VersionResponse.newBuilder().setVersion("refusing").build());
            out.onCompleted();
        }

        @Override
        public void watch(WatchRequest request, StreamObserver<WatchResponse> out) {
            calls.incrementAndGet();
            long after = request.getAfter().getIndex();
            for (long i = after + 1; i <= Math.min(EVENTS, after + EVENTS_A_STREAM); i++) {
                out.onNext(frame(i));
            }
            out.onError(refusal());
        }
    }
}
