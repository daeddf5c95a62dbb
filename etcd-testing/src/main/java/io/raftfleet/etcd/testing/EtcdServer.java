package io.raftfleet.etcd.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * A member of a real etcd, as Debian packages it, in a directory of the caller's, which also holds its log. Owned by one
 * thread. Its process ends with this one.
 */
public final class EtcdServer implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();
    private static final int READY_SECONDS = 20;
    private static final int LOWEST_PORT = 32_001;
    private static final int HIGHEST_PORT = 32_768;
    private static final Set<Integer> GIVEN_PORTS = ConcurrentHashMap.newKeySet();

    private final Path dir;
    private final String name;
    private final String cluster;
    private final int client;
    private final List<String> extra;
    private final @Nullable EtcdCertificates certificates;
    private final Thread lastResort = new Thread(this::kill);
    private @Nullable String login;
    private volatile @Nullable Process process;

    private EtcdServer(
            Path dir,
            String name,
            String cluster,
            int peer,
            @Nullable EtcdCertificates certificates,
            List<String> extra) {
        this.dir = dir;
        this.name = name;
        this.cluster = cluster;
        this.client = freePort();
        this.certificates = certificates;
        this.extra = new ArrayList<>(List.of(
                "--listen-peer-urls",
                "http://127.0.0.1:" + peer,
                "--initial-advertise-peer-urls",
                "http://127.0.0.1:" + peer));
        this.extra.addAll(extra);
        Runtime.getRuntime().addShutdownHook(lastResort);
    }

    /** Whether etcd and etcdctl are installed. */
    public static boolean installed() {
        return List.of("etcd", "etcdctl").stream()
                .allMatch(program -> List.of(System.getenv("PATH").split(":", -1)).stream()
                        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program))));
    }

    /** A single member. */
    public static EtcdServer start(Path dir, String... extra) {
        return start(dir, null, List.of(extra));
    }

    /** A single member that takes TLS alone, and from clients with a certificate alone. */
    public static EtcdServer start(Path dir, EtcdCertificates certificates) {
        return start(dir, certificates, certificates.serverOptions());
    }

    private static EtcdServer start(Path dir, @Nullable EtcdCertificates certificates, List<String> extra) {
        int peer = freePort();
        var server = new EtcdServer(dir, "m1", "m1=http://127.0.0.1:" + peer, peer, certificates, extra);
        server.run();
        server.awaitReady();
        return server;
    }

    /** Several members of one etcd. */
    public static List<EtcdServer> startCluster(Path dir, int members) {
        var peers = new ArrayList<Integer>();
        var cluster = new StringBuilder();
        for (int i = 0; i < members; i++) {
            peers.add(freePort());
            cluster.append(i == 0 ? "" : ",").append("m" + i + "=http://127.0.0.1:" + peers.get(i));
        }
        var servers = new ArrayList<EtcdServer>();
        for (int i = 0; i < members; i++) {
            var server =
                    new EtcdServer(dir.resolve("m" + i), "m" + i, cluster.toString(), peers.get(i), null, List.of());
            server.run();
            servers.add(server);
        }
        servers.forEach(EtcdServer::awaitReady);
        return servers;
    }

    public URI url() {
        return URI.create((certificates == null ? "http" : "https") + "://127.0.0.1:" + client);
    }

    public int port() {
        return client;
    }

    /** {@code name:password} that {@link #etcdctl} shows from now on, for an etcd with authentication. */
    public void loginAs(String nameAndPassword) {
        login = nameAndPassword;
    }

    /** Starts the process on its data; does not wait. */
    public void run() {
        try {
            Files.createDirectories(dir);
            var command = new ArrayList<>(List.of(
                    "etcd",
                    "--name",
                    name,
                    "--data-dir",
                    dir.resolve("data").toString(),
                    "--listen-client-urls",
                    url().toString(),
                    "--advertise-client-urls",
                    url().toString(),
                    "--initial-cluster",
                    cluster));
            command.addAll(extra);
            var builder = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(
                            ProcessBuilder.Redirect.appendTo(dir.resolve("log").toFile()));
            builder.environment().put("ETCD_UNSUPPORTED_ARCH", System.getProperty("os.arch"));
            process = builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits until it answers. */
    public void awaitReady() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(READY_SECONDS);
        while (true) {
            try {
                etcdctl("endpoint", "health");
                return;
            } catch (IllegalStateException e) {
                if (System.nanoTime() - deadline > 0) {
                    throw new IllegalStateException(
                            "etcd did not answer within " + READY_SECONDS + " s: see its log " + dir.resolve("log"), e);
                }
                LockSupport.parkNanos(this, TimeUnit.MILLISECONDS.toNanos(100));
            }
        }
    }

    /** SIGKILL, and waits until it is gone. */
    public void kill() {
        var running = process;
        if (running != null) {
            running.destroyForcibly();
            try {
                running.waitFor();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        process = null;
    }

    /** Stops it in mid-sentence: connections stay open, nothing is answered. */
    public void pause() {
        signal("STOP");
    }

    public void resume() {
        signal("CONT");
    }

    private void signal(String signal) {
        var running = process;
        if (running != null) {
            execute(List.of("kill", "-" + signal, Long.toString(running.pid())));
        }
    }

    /**
     * Runs a command against this member alone.
     *
     * @return what it printed
     * @throws IllegalStateException when it failed, with what it printed
     */
    public String etcdctl(String... arguments) {
        var command = etcdctl();
        command.addAll(List.of(arguments));
        return execute(command);
    }

    /** A command for this member, to which arguments can be added. */
    List<String> etcdctl() {
        var command = new ArrayList<>(List.of("etcdctl", "--endpoints", url().toString()));
        if (certificates != null) {
            command.addAll(certificates.clientOptions());
        }
        if (login != null) {
            command.addAll(List.of("--user", login));
        }
        return command;
    }

    /** All keys with their values below a prefix. */
    public NavigableMap<String, String> dump(String prefix) {
        var found = new TreeMap<String, String>();
        var decoder = Base64.getDecoder();
        for (var entry :
                JSON.readTree(etcdctl("get", "--prefix", prefix, "-w", "json")).path("kvs")) {
            found.put(
                    new String(decoder.decode(entry.path("key").stringValue()), StandardCharsets.UTF_8),
                    new String(decoder.decode(entry.path("value").stringValue()), StandardCharsets.UTF_8));
        }
        return found;
    }

    /** Number of the latest change of any key. */
    public long revision() {
        return JSON.readTree(etcdctl("endpoint", "status", "-w", "json"))
                .path(0)
                .path("Status")
                .path("header")
                .path("revision")
                .longValue();
    }

    /** A metric without labels, of a member without TLS: what it has done since it was started, or has open now. */
    public long metric(String metric) {
        try (InputStream in = url().resolve("/metrics").toURL().openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> line.startsWith(metric + " "))
                    .map(line -> (long) Double.parseDouble(line.substring(metric.length() + 1)))
                    .findFirst()
                    .orElseThrow(() -> new IllegalStateException("etcd has no metric " + metric));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        kill();
        try {
            Runtime.getRuntime().removeShutdownHook(lastResort);
        } catch (IllegalStateException e) {
            // The virtual machine is on its way down already, the hook with it.
        }
    }

    private static String execute(List<String> command) {
        try {
            var builder = new ProcessBuilder(command).redirectErrorStream(true);
            builder.environment().put("ETCDCTL_API", "3");
            var run = builder.start();
            var output = new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (run.waitFor() != 0) {
                throw new IllegalStateException(String.join(" ", command) + ": " + output);
            }
            return output;
        } catch (IOException e) {
            throw new UncheckedIOException(String.join(" ", command), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted during " + command, e);
        }
    }

    /** Below the range from which the kernel takes the ports of outgoing connections: it is there after a restart, too. */
    private static int freePort() {
        for (int attempt = 0; attempt < 1_000; attempt++) {
            int port = ThreadLocalRandom.current().nextInt(LOWEST_PORT, HIGHEST_PORT);
            if (GIVEN_PORTS.add(port) && isFree(port)) {
                return port;
            }
        }
        throw new IllegalStateException("no free port between " + LOWEST_PORT + " and " + HIGHEST_PORT);
    }

    private static boolean isFree(int port) {
        try (var socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.isBound();
        } catch (IOException e) {
            return false;
        }
    }
}
