package io.raftfleet.engine.http;

import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.raftfleet.engine.access.PageLogins;
import io.raftfleet.engine.metrics.EngineMetrics;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** A server on a free port and on a unix socket, over a fleet in memory with two machines. */
final class Engine implements AutoCloseable {
    static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
    static final String MACHINE = "0123456789abcdef0123456789abcdef";
    static final String OTHER_MACHINE = "f123456789abcdef0123456789abcdef";
    static final String HELLO = """
            {"options":[{"section":"Service","name":"ExecStart","value":"/bin/hello"}],"desiredState":"launched"}""";

    final MemoryFleet fleet = new MemoryFleet();
    private final PageLogins logins = new PageLogins(new Random(1), () -> NOW, chain -> "nobody logs in here");
    final EngineMetrics metrics = new EngineMetrics(new PrometheusRegistry(), fleet);
    final SocketAddress tcp;
    final SocketAddress unix;
    /** What the engine's clock says, until somebody sets it. */
    volatile Instant now = NOW;
    /** By how much it was set. */
    volatile Duration step = Duration.ZERO;

    private final Path folder;
    private final HttpServers servers;

    Engine() throws IOException {
        this(new Deadlines(Duration.ofMillis(200), Duration.ofSeconds(10)));
    }

    Engine(Deadlines deadlines) throws IOException {
        fleet.addMachine(MACHINE, "127.0.0.11", Map.of("role", "worker"));
        fleet.addMachine(OTHER_MACHINE, "127.0.0.12", Map.of());
        folder = Files.createTempDirectory("http");
        Path socket = folder.resolve("s");
        servers = HttpServers.start(
                HttpSettings.of("127.0.0.1", 0, Optional.of(socket), "raftfleet/test"),
                new FleetHttp(
                        fleet,
                        fleet,
                        fleet,
                        fleet,
                        new LoginResource(logins, "c1/e1"),
                        metrics,
                        new Random(1),
                        () -> now.plus(step),
                        () -> Duration.between(NOW, now).toNanos(),
                        deadlines,
                        FleetHttp.DEFAULT_PAGE_SIZE,
                        null));
        tcp = servers.address();
        unix = UnixDomainSocketAddress.of(socket);
    }

    WireClient connect() throws IOException {
        return new WireClient(tcp);
    }

    @Override
    public void close() throws IOException {
        servers.close(Duration.ZERO);
        Files.delete(folder);
    }
}
