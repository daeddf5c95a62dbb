package io.raftfleet.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListMachinesResponse;
import io.raftfleet.proto.fleet.VersionRequest;
import io.raftfleet.proto.fleet.VersionResponse;
import io.raftfleet.proto.fleet.WatchEvent;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.model.Machine;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A client whose connection to an engine goes on, and on which nothing comes any more. */
class PulseTest {
    private static final long MOMENT = Duration.ofMillis(300).toNanos();

    private final List<String> failures = new CopyOnWriteArrayList<>();
    private final List<AutoCloseable> opened = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (var it : opened) {
            it.close();
        }
    }

    /** Lists one machine, of its name; the answer waits for {@code answer}, and its watch says that a unit of its name is gone. */
    private final class Engine extends FleetGrpc.FleetImplBase {
        final Server server;
        final CompletableFuture<Void> answer = new CompletableFuture<>();
        private final String name;
        private int asked;
        private final int answerWhenAsked;

        Engine(String name, int answerWhenAsked) throws IOException {
            this.name = name;
            this.answerWhenAsked = answerWhenAsked;
            if (answerWhenAsked == 0) {
                answer.complete(null);
            }
            server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .addService(this)
                    .build()
                    .start();
            opened.add(server::shutdownNow);
        }

        @Override
        public void version(VersionRequest request, StreamObserver<VersionResponse> observer) {
            synchronized (this) {
                if (++asked == answerWhenAsked) {
                    answer.complete(null);
                }
            }
            observer.onNext(VersionResponse.newBuilder().setVersion("1").build());
            observer.onCompleted();
        }

        @Override
        public void listMachines(ListMachinesRequest request, StreamObserver<ListMachinesResponse> observer) {
            var unused = answer.thenRun(() -> {
                observer.onNext(ListMachinesResponse.newBuilder()
                        .addMachines(Machine.newBuilder().setId(name))
                        .build());
                observer.onCompleted();
            });
        }

        @Override
        public void watch(WatchRequest request, StreamObserver<WatchResponse> observer) {
            observer.onNext(WatchResponse.newBuilder()
                    .addEvents(WatchEvent.newBuilder().setUnitDestroyed(name))
                    .build());
        }
    }

    /** A way to an engine that can be cut, so that nobody hears of it. */
    private final class Link {
        final ServerSocket socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        private volatile boolean cut;
        /** Lets a few bytes through at a time, each some moments after those before. */
        private volatile boolean slow;

        Link(Engine engine) throws IOException {
            opened.add(socket);
            var unused = Thread.ofVirtual().start(() -> {
                try {
                    while (true) {
                        var from = socket.accept();
                        opened.add(from);
                        if (cut) {
                            continue;
                        }
                        var to = new Socket(InetAddress.getLoopbackAddress(), engine.server.getPort());
                        opened.add(to);
                        Thread.ofVirtual().start(() -> pass(from, to));
                        Thread.ofVirtual().start(() -> pass(to, from));
                    }
                } catch (IOException e) {
                    // The test is over.
                }
            });
        }

        void cut() {
            cut = true;
        }

        private void pass(Socket from, Socket to) {
            byte[] bytes = new byte[8192];
            try {
                for (int read = from.getInputStream().read(bytes); read >= 0; ) {
                    if (!cut) {
                        to.getOutputStream().write(bytes, 0, read);
                    }
                    if (slow) {
                        LockSupport.parkNanos(MOMENT);
                    }
                    read = from.getInputStream().read(bytes);
                }
            } catch (IOException e) {
                // As above.
            }
        }
    }

    private FleetClient client(int... ports) {
        var endpoints = Arrays.stream(ports)
                .mapToObj(port -> new Endpoint("127.0.0.1", port))
                .toList();
        var client = new FleetClient(ClientOptions.of(endpoints)
                .withRequestTimeout(Duration.ofMinutes(2))
                .withDebug(failures::add));
        opened.add(client);
        return client;
    }

    private static String machine(FleetClient client) {
        return client.listMachines(ListMachinesRequest.getDefaultInstance())
                .rows()
                .getFirst()
                .getId();
    }

    @Test
    void anEngineThatFallsSilentIsLeftForOneThatAnswers() throws Exception {
        var link = new Link(new Engine("one", 0));
        var client = client(link.socket.getLocalPort(), new Engine("two", 0).server.getPort());
        assertThat(machine(client)).isEqualTo("one");

        link.cut();

        assertThat(machine(client)).isEqualTo("two");
        assertThat(failures).singleElement().asString().contains(String.valueOf(Pulse.SILENT.getDescription()));
        assertThat(machine(client)).isEqualTo("two");
        assertThat(failures).hasSize(1);
    }

    @Test
    void aCallThatOnlyTakesLongIsWaitedFor() throws Exception {
        var client = client(new Engine("one", 3).server.getPort(), new Engine("two", 0).server.getPort());

        assertThat(machine(client)).as("answered once it was asked three times").isEqualTo("one");

        assertThat(failures).isEmpty();
    }

    @Test
    void anAnswerThatComesSlowlyIsWaitedFor() throws Exception {
        var link = new Link(new Engine("one".repeat(20_000), 0));
        link.slow = true;
        var client = client(link.socket.getLocalPort(), new Engine("two", 0).server.getPort());

        assertThat(machine(client)).as("a trickle of some seconds").startsWith("one");

        assertThat(failures).isEmpty();
    }

    @Test
    void aWatchGoesOnAtAnotherEngineWhenItsOwnFallsSilent() throws Exception {
        var link = new Link(new Engine("one", 0));
        var client = client(link.socket.getLocalPort(), new Engine("two", 0).server.getPort());
        try (var watch = client.watch(WatchRequest.getDefaultInstance())) {
            assertThat(destroyed(watch)).isEqualTo("one");

            link.cut();

            assertThat(destroyed(watch)).isEqualTo("two");
        }
    }

    private static String destroyed(Watch watch) throws Exception {
        var frame = watch.next(Duration.ofMinutes(1));
        assertThat(frame).isNotNull();
        return frame.getEvents(0).getUnitDestroyed();
    }
}
