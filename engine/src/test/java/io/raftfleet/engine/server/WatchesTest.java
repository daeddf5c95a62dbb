package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.WatchEvent;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Watches over a real connection, of a registry that the test writes. */
class WatchesTest {
    private static final long INCARNATION = 7;
    private static final int ENTRIES = 400;
    /** Makes an entry's event some 2 KiB long. */
    private static final String PADDING = "v".repeat(2000);

    private final Registry registry = new Registry(10_000);
    private volatile CompletableFuture<Long> caughtUp = CompletableFuture.completedFuture(0L);
    private final Watches watches = new Watches(registry, deadline -> caughtUp, Thread::startVirtualThread);
    private long index;
    private int format = 1;
    private Server server = NettyServerBuilder.forPort(0).build();
    private ManagedChannel channel =
            NettyChannelBuilder.forAddress("127.0.0.1", 1).build();

    @BeforeEach
    void start() throws IOException {
        registry.addListener(watches);
        apply(Record.newBuilder()
                .setClusterCreated(ClusterCreated.newBuilder().setIncarnation(INCARNATION))
                .build());
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .executor(Thread::startVirtualThread)
                .addService(new FleetGrpc.FleetImplBase() {
                    @Override
                    public void watch(WatchRequest request, StreamObserver<WatchResponse> out) {
                        watches.open(request, (ServerCallStreamObserver<WatchResponse>) out, Duration.ofSeconds(30));
                    }
                })
                .build()
                .start();
        channel.shutdownNow();
        channel = NettyChannelBuilder.forAddress("127.0.0.1", server.getPort())
                .usePlaintext()
                .flowControlWindow(64 * 1024)
                .build();
    }

    @AfterEach
    void stop() {
        channel.shutdownNow();
        server.shutdownNow();
    }

    @Test
    @DisplayName("a client that takes nothing is cut off with a revision, and has no gap when it resumes from there")
    void slowReaderIsCutOffAndResumesWithoutAGap() {
        var slow = new Reader(after(index));
        for (int i = 0; i < ENTRIES; i++) {
            open("m" + i);
        }
        var quick = new Reader(after(1));
        quick.take(Integer.MAX_VALUE);
        await().until(() -> quick.machines().size() == ENTRIES);
        for (int second = 0; second < Watches.PATIENCE; second++) {
            watches.tick();
        }
        slow.take(Integer.MAX_VALUE);
        await().until(slow::ended);
        var end = Objects.requireNonNull(slow.status);
        assertThat(end.getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(end.getDescription()).contains("resume after");
        assertThat(slow.trailers.containsKey(
                        Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER)))
                .isTrue();
        var resume = Objects.requireNonNull(slow.trailers.get(Watches.RESUME));
        assertThat(resume).isEqualTo(slow.responses.getLast().getRevision());
        assertThat(slow.machines()).hasSizeLessThan(ENTRIES);
        assertThat(slow.responses)
                .allSatisfy(response -> assertThat(response.getSerializedSize()).isLessThan(300 * 1024));

        var resumed = new Reader(resume);
        resumed.take(Integer.MAX_VALUE);
        await().until(() -> slow.machines().size() + resumed.machines().size() >= ENTRIES);
        assertThat(IntStream.range(0, ENTRIES).mapToObj(i -> "m" + i).toList())
                .isEqualTo(Stream.concat(slow.machines().stream(), resumed.machines().stream())
                        .toList());
        assertThat(quick.ended()).as("the quick one").isFalse();
    }

    @Test
    @DisplayName("one that takes something now and then stays")
    void whoTakesIsKept() {
        var reader = new Reader(after(index));
        for (int i = 0; i < ENTRIES; i++) {
            open("m" + i);
        }
        for (int round = 0; round < 5; round++) {
            for (int second = 1; second < Watches.PATIENCE; second++) {
                watches.tick();
            }
            reader.take(1_000);
            // What lay ready for it says nothing yet: the engine knows that something was taken when it has sent what
            // came later.
            var later = "later" + round;
            open(later);
            await().until(() -> reader.machines().contains(later));
            watches.tick();
            assertThat(reader.ended()).isFalse();
        }
    }

    @Test
    @DisplayName(
            "a revision that there is none of is refused, whatever its bits; one that this engine has yet to apply is waited for")
    void revisionsAhead() {
        open("m0");
        for (long odd :
                new long[] {index + 1, 1L << 43, (1L << 44) - 1, 1L << 45, Long.MAX_VALUE, Long.MIN_VALUE, -1}) {
            var reader = new Reader(after(odd));
            reader.take(10);
            await().until(reader::ended);
            assertThat(Objects.requireNonNull(reader.status).getCode())
                    .as("index %d", odd)
                    .isEqualTo(Status.Code.OUT_OF_RANGE);
            assertThat(reader.machines()).isEmpty();
        }
        caughtUp = new CompletableFuture<>();
        var early = new Reader(after(index + 1));
        early.take(10);
        open("m1");
        open("m2");
        caughtUp.complete(index);
        await().until(() -> early.machines().equals(List.of("m2")));
        assertThat(early.ended()).isFalse();
    }

    @Test
    @DisplayName("a watch is told of events when it asks for them, and then of nothing else")
    void eventsAreTold() {
        var events = new Reader(
                WatchRequest.newBuilder().setAfter(after(index)).setEvents(true).build());
        var others = new Reader(after(index));
        events.take(Integer.MAX_VALUE);
        others.take(Integer.MAX_VALUE);
        format = EntryFormats.WITH_EVENTS;
        open("m1");
        await().until(() -> others.machines().equals(List.of("m1"))
                && events.responses.stream().anyMatch(response -> response.getEventsCount() > 0));
        assertThat(events.responses.stream().flatMap(response -> response.getEventsList().stream()))
                .singleElement()
                .satisfies(told -> {
                    assertThat(told.getEvent().getMessage()).isEqualTo("joined");
                    assertThat(told.getEvent().getRevision()).isEqualTo(told.getRevision());
                });
        assertThat(others.responses.stream().flatMap(response -> response.getEventsList().stream()))
                .noneMatch(WatchEvent::hasEvent);
    }

    private void open(String machine) {
        apply(Record.newBuilder()
                .setSessionOpened(SessionOpened.newBuilder()
                        .setMachineId(machine)
                        .putMetadata("k", PADDING)
                        .setSessionEpoch(1))
                .build());
    }

    private void apply(Record record) {
        registry.apply(
                1,
                ++index,
                Entry.newBuilder()
                        .setFormat(format)
                        .setLeaderTimeMs(1000)
                        .addRecords(record)
                        .build());
    }

    private Revision after(long afterIndex) {
        return Revision.newBuilder()
                .setIncarnation(registry.read(RegistryView::incarnation))
                .setIndex(afterIndex)
                .setOrdinal((1 << 20) - 1)
                .build();
    }

    /** Takes only what it is told to. */
    private final class Reader extends ClientCall.Listener<WatchResponse> {
        final List<WatchResponse> responses = new CopyOnWriteArrayList<>();
        volatile Metadata trailers = new Metadata();
        volatile @Nullable Status status;
        private final ClientCall<WatchRequest, WatchResponse> call;

        Reader(Revision after) {
            this(WatchRequest.newBuilder().setAfter(after).setMachines(true).build());
        }

        Reader(WatchRequest request) {
            call = channel.newCall(FleetGrpc.getWatchMethod(), CallOptions.DEFAULT);
            call.start(this, new Metadata());
            call.sendMessage(request);
            call.halfClose();
        }

        void take(int messages) {
            call.request(messages);
        }

        @Override
        public void onMessage(WatchResponse response) {
            responses.add(response);
        }

        @Override
        public void onClose(Status end, Metadata said) {
            trailers = said;
            status = end;
        }

        boolean ended() {
            return status != null;
        }

        List<String> machines() {
            return responses.stream()
                    .flatMap(response -> response.getEventsList().stream())
                    .filter(WatchEvent::hasMachine)
                    .map(event -> event.getMachine().getId())
                    .toList();
        }
    }
}
