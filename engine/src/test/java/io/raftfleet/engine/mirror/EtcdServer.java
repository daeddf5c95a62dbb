package io.raftfleet.engine.mirror;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** A member of a real etcd, as Debian packages it, in a directory of the test's. */
final class EtcdServer implements AutoCloseable {
    private final Path dir;
    private final String name;
    private final String cluster;
    private final int client;
    private final List<String> extra;
    private @Nullable Process process;

    private EtcdServer(Path dir, String name, String cluster, int client, int peer, List<String> extra) {
        this.dir = dir;
        this.name = name;
        this.cluster = cluster;
        this.client = client;
        this.extra = new ArrayList<>(List.of(
                "--listen-peer-urls",
                "http://127.0.0.1:" + peer,
                "--initial-advertise-peer-urls",
                "http://127.0.0.1:" + peer));
        this.extra.addAll(extra);
    }

    /** Whether etcd and etcdctl are installed. */
    static boolean installed() {
        return List.of("etcd", "etcdctl").stream()
                .allMatch(program -> List.of(System.getenv("PATH").split(":")).stream()
                        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program))));
    }

    /** A single member. */
    static EtcdServer start(Path dir, String... extra) {
        int peer = freePort();
        var server = new EtcdServer(dir, "m1", "m1=http://127.0.0.1:" + peer, freePort(), peer, List.of(extra));
        server.run();
        server.awaitReady();
        return server;
    }

    /** Several members of one etcd. */
    static List<EtcdServer> startCluster(Path dir, int members) {
        var peers = new ArrayList<Integer>();
        var cluster = new StringBuilder();
        for (int i = 0; i < members; i++) {
            peers.add(freePort());
            cluster.append(i == 0 ? "" : ",").append("m" + i + "=http://127.0.0.1:" + peers.get(i));
        }
        var servers = new ArrayList<EtcdServer>();
        for (int i = 0; i < members; i++) {
            var server = new EtcdServer(
                    dir.resolve("m" + i), "m" + i, cluster.toString(), freePort(), peers.get(i), List.of());
            server.run();
            servers.add(server);
        }
        servers.forEach(EtcdServer::awaitReady);
        return servers;
    }

    URI url() {
        return URI.create((extra.contains("--cert-file") ? "https" : "http") + "://127.0.0.1:" + client);
    }

    int port() {
        return client;
    }

    /** Starts the process on its data; does not wait. */
    void run() {
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
                    cluster,
                    "--unsafe-no-fsync=true"));
            command.remove("--unsafe-no-fsync=true");
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

    void awaitReady() {
        Awaitility.await()
                .atMost(20, TimeUnit.SECONDS)
                .ignoreExceptions()
                .until(() -> etcdctl("endpoint", "health").contains("is healthy"));
    }

    void kill() {
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
    void signal(String signal) throws IOException, InterruptedException {
        var running = process;
        if (running != null) {
            new ProcessBuilder("kill", "-" + signal, Long.toString(running.pid()))
                    .start()
                    .waitFor();
        }
    }

    /** Runs a command against this member alone; returns what it printed. */
    String etcdctl(String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("etcdctl", "--endpoints", url().toString()));
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("ETCDCTL_API", "3");
        var run = builder.start();
        var output = new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(run.waitFor()).as("%s: %s", command, output).isZero();
        return output;
    }

    /** All keys with their values below a prefix. */
    NavigableMap<String, String> dump(String prefix) throws IOException, InterruptedException {
        var found = new TreeMap<String, String>();
        var decoder = java.util.Base64.getDecoder();
        for (var entry : new JsonMapper()
                .readTree(etcdctl("get", "--prefix", prefix, "-w", "json"))
                .path("kvs")) {
            found.put(
                    new String(decoder.decode(entry.path("key").stringValue()), StandardCharsets.UTF_8),
                    new String(decoder.decode(entry.path("value").stringValue()), StandardCharsets.UTF_8));
        }
        return found;
    }

    @Override
    public void close() {
        kill();
    }

    static int freePort() {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
