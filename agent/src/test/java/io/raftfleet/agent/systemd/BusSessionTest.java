package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.raftfleet.unit.UnitHash;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.freedesktop.dbus.exceptions.DBusException;
import org.freedesktop.dbus.messages.Message;
import org.freedesktop.dbus.messages.MessageFactory;
import org.freedesktop.dbus.messages.MethodCall;
import org.freedesktop.dbus.types.UInt32;
import org.freedesktop.dbus.types.Variant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One connection to a systemd that answers as the test says, at once. */
class BusSessionTest {
    private static final MessageFactory FACTORY = new MessageFactory((byte) 'l');
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final String UNIT = "a.service";
    private static final int ROUNDS = 3000;

    @TempDir
    Path dir;

    private final StateTable table = new StateTable();
    private final ManagerThread thread = new ManagerThread();
    private final StateNews news = new StateNews(table, thread);
    private final AtomicInteger rounds = new AtomicInteger();

    /**
     * A list that was made while a unit was coming up, and right behind it the signal that it is up: they come together, so that whoever
     * asked for the list may look at it only when the signal has been taken up.
     */
    @Test
    void whatASignalSaysIsNotTakenBackByAListThatWasSentBeforeIt() throws Exception {
        table.install(UNIT, UnitHash.ofText("[Service]\nExecStart=/bin/a\n"));
        var address = UnixDomainSocketAddress.of(dir.resolve("bus"));
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address)) {
            var serving = Thread.ofPlatform().daemon().start(() -> serve(server));
            var config = new SystemdConfig(
                    "unix:path=" + address.getPath(),
                    true,
                    dir.resolve("units"),
                    dir.resolve("search"),
                    dir.resolve("boot-id"),
                    SystemdConfig.Timing.DEFAULT);
            var opened = BusLink.open(config.address(), LIMIT).get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            var session = new BusSession(opened, config, table, news, thread, new Host());
            for (int round = 1; round <= ROUNDS; round++) {
                session.refresh(List.of(UNIT)).get(LIMIT.toSeconds(), TimeUnit.SECONDS);
                int now = round;
                await().atMost(LIMIT).pollInterval(Duration.ofNanos(1)).until(() -> rounds.get() == now);
                assertThat(table.inState("active", List.of(UNIT)))
                        .as("up in round %d", round)
                        .containsExactly(UNIT);
            }
            session.close();
            serving.join(LIMIT);
        } finally {
            thread.close(() -> {});
        }
    }

    /** Both calls stay without an answer; of the two connections one has heard why, and its call was made first. */
    @Test
    void aCallMayWaitWhileSystemdReadsItsFiles() throws Exception {
        table.install(UNIT, UnitHash.ofText("[Service]\nExecStart=/bin/a\n"));
        var address = UnixDomainSocketAddress.of(dir.resolve("bus"));
        var held = new LinkedBlockingQueue<Held>();
        var config = config(address, Duration.ofSeconds(4));
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address)) {
            var patient = connect(server, config, held);
            var told = patient.refresh(List.of(UNIT));
            var call = take(held);
            send(call.connection(), FACTORY.createSignal(null, Systemd.PATH, Systemd.MANAGER, "Reloading", "b", true));
            var other = connect(server, config, held);
            var untold = other.refresh(List.of(UNIT));
            take(held);
            assertThat(untold).failsWithin(LIMIT);
            assertThat(told).isNotDone();
            send(call.connection(), FACTORY.createSignal(null, Systemd.PATH, Systemd.MANAGER, "Reloading", "b", false));
            answer(call.connection(), call.call());
            answer(call.connection(), take(held).call());
            assertThat(told).succeedsWithin(LIMIT);
            patient.close();
            other.close();
        } finally {
            thread.close(() -> {});
        }
    }

    /** Neither is answered, and the timer is set for the one that may take longer. */
    @Test
    void aLateCallIsSeenBesideOneThatMayTakeLonger() throws Exception {
        var address = UnixDomainSocketAddress.of(dir.resolve("bus"));
        var held = new LinkedBlockingQueue<Held>();
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address)) {
            var session = connect(server, config(address, Duration.ofMillis(200)), held);
            var reloaded = session.systemd().reload(Duration.ofHours(1));
            take(held);
            var asked = session.systemd().searchPath();
            take(held);
            assertThat(asked)
                    .failsWithin(LIMIT)
                    .withThrowableThat()
                    .withStackTraceContaining("systemd did not answer Get within");
            assertThat(reloaded).as("its connection is broken").failsWithin(LIMIT);
        } finally {
            thread.close(() -> {});
        }
    }

    private SystemdConfig config(UnixDomainSocketAddress address, Duration call) {
        var usual = SystemdConfig.Timing.DEFAULT;
        return new SystemdConfig(
                "unix:path=" + address.getPath(),
                true,
                dir.resolve("units"),
                dir.resolve("search"),
                dir.resolve("boot-id"),
                new SystemdConfig.Timing(
                        call,
                        LIMIT,
                        usual.start(),
                        usual.stop(),
                        usual.retryMin(),
                        usual.retryMax(),
                        usual.settle(),
                        usual.window(),
                        usual.maxOrders()));
    }

    /** A call that the test answers. */
    private record Held(SocketChannel connection, MethodCall call) {}

    private static Held take(BlockingQueue<Held> held) throws InterruptedException {
        var next = held.poll(LIMIT.toSeconds(), TimeUnit.SECONDS);
        assertThat(next).isNotNull();
        return Objects.requireNonNull(next);
    }

    private BusSession connect(ServerSocketChannel server, SystemdConfig config, BlockingQueue<Held> calls)
            throws Exception {
        var unused = Thread.ofPlatform()
                .daemon()
                .start(() -> serve(server, (connection, call) -> calls.add(new Held(connection, call))));
        var opened = BusLink.open(config.address(), LIMIT).get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        return new BusSession(opened, config, table, news, thread, new Host());
    }

    private interface Answerer {
        void answer(SocketChannel connection, MethodCall call) throws IOException, DBusException;
    }

    private static void serve(ServerSocketChannel server) {
        serve(server, BusSessionTest::answer);
    }

    private static void serve(ServerSocketChannel server, Answerer answerer) {
        try (var connection = server.accept()) {
            authenticate(connection);
            var reader = new MessageReader(connection);
            while (true) {
                if (reader.read() instanceof MessageReader.Other other && other.message() instanceof MethodCall call) {
                    answerer.answer(connection, call);
                }
            }
        } catch (IOException | DBusException ended) {
            // The test is over, or fails for want of an answer.
        }
    }

    private static void authenticate(SocketChannel connection) throws IOException {
        var line = new StringBuilder();
        var one = ByteBuffer.allocate(1);
        while (connection.read(one) > 0) {
            char next = (char) one.flip().get();
            one.clear();
            if (next != '\n') {
                line.append(next);
                continue;
            }
            var said = line.toString().strip();
            line.setLength(0);
            if (said.startsWith("BEGIN")) {
                return;
            }
            say(connection, said.contains("AUTH") ? "OK 0123456789abcdef0123456789abcdef\r\n" : "ERROR\r\n");
        }
    }

    private static void say(SocketChannel connection, String line) throws IOException {
        connection.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.US_ASCII)));
    }

    private static void answer(SocketChannel connection, MethodCall call) throws IOException, DBusException {
        switch (call.getName()) {
            case "ListUnitsByNames" -> {
                var row = new Object[] {
                    UNIT, "", "loaded", "activating", "condition", "", UnitPath.of(UNIT), new UInt32(1), "start", "/job"
                };
                send(
                        connection,
                        FACTORY.createMethodReturn(call, "a(ssssssouso)", (Object) new Object[][] {row}),
                        FACTORY.createSignal(
                                null,
                                UnitPath.of(UNIT),
                                Systemd.PROPERTIES,
                                "PropertiesChanged",
                                "sa{sv}as",
                                Systemd.UNIT,
                                Map.of("ActiveState", new Variant<>("active"), "SubState", new Variant<>("running")),
                                List.of()),
                        FACTORY.createSignal(
                                null,
                                Systemd.PATH,
                                Systemd.MANAGER,
                                "JobRemoved",
                                "uoss",
                                new UInt32(1),
                                "/job",
                                UNIT,
                                "done"));
            }
            case "Get" -> send(connection, FACTORY.createMethodReturn(call, "v", new Variant<>(new UInt32(7))));
            default -> send(connection, FACTORY.createMethodReturn(call, null));
        }
    }

    private static void send(SocketChannel connection, Message... messages) throws IOException {
        var all = ByteBuffer.allocate(1 << 14);
        for (var message : messages) {
            for (byte[] part : message.getWireData()) {
                if (part != null) {
                    all.put(part);
                }
            }
        }
        all.flip();
        while (all.hasRemaining()) {
            connection.write(all);
        }
    }

    private final class Host implements BusSession.Host {
        @Override
        public void jobRemoved(String job, String unit, String result) {
            rounds.incrementAndGet();
        }

        @Override
        public CompletableFuture<String> loadFault(Systemd systemd, String unit, String loadState) {
            return CompletableFuture.completedFuture("");
        }

        @Override
        public void haveFilesSeen() {}

        @Override
        public void reloaded(BusSession session) {}

        @Override
        public void lost(BusSession session, String reason) {}
    }
}
