package io.raftfleet.chaos.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import tools.jackson.databind.json.JsonMapper;

/**
 * An etcd of one member, as the host has it installed. Beyond loopback it speaks TLS, as engines ask for, with a certificate of its
 * own. Safe for use by any thread; started, killed and emptied by one.
 */
public final class EtcdNode {
    /** Below which engines keep their mirror. */
    public static final String PREFIX = "/raftfleet/";

    private static final Duration READY_LIMIT = Duration.ofSeconds(30);

    private final String url;
    private final Path dir;
    private final Path certificate;
    private final Daemon daemon;
    private final JsonMapper json = JsonMapper.builder().build();

    private EtcdNode(String url, Path dir, Path certificate, Daemon daemon) {
        this.url = url;
        this.dir = dir;
        this.certificate = certificate;
        this.daemon = daemon;
    }

    /** Where a process' log goes. */
    interface Logs {
        Path of(String name);
    }

    private static final class Obstacle {
        static final String WHY = Needs.programs("etcd", "etcdctl", "openssl");
    }

    /** Why etcd can't be run on this host; empty where it can. */
    public static String obstacle() {
        return Obstacle.WHY;
    }

    /** One to be started. */
    static EtcdNode of(Hosts.Host host, Logs logs) {
        try {
            Files.createDirectories(host.dataDir());
        } catch (IOException e) {
            throw new UncheckedIOException("no directory for etcd", e);
        }
        boolean loopback = host.address().equals("127.0.0.1");
        var url = (loopback ? "http://" : "https://") + host.address() + ":" + Ports.free();
        var peers = "http://127.0.0.1:" + Ports.free();
        var certificate = host.dataDir().resolve("cert.pem");
        var key = host.dataDir().resolve("key.pem");
        var command = new ArrayList<>(host.prefix());
        command.addAll(List.of(
                "etcd", "--name", "m1", "--data-dir", data(host.dataDir()).toString()));
        command.addAll(List.of("--listen-client-urls", url, "--advertise-client-urls", url));
        command.addAll(List.of("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers));
        command.addAll(List.of("--initial-cluster", "m1=" + peers));
        if (!loopback) {
            var unused = Commands.run(
                    "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "rsa:2048",
                    "-nodes",
                    "-days",
                    "2",
                    "-subj",
                    "/CN=etcd",
                    "-addext",
                    "subjectAltName=IP:" + host.address(),
                    "-keyout",
                    key.toString(),
                    "-out",
                    certificate.toString());
            command.addAll(List.of("--cert-file", certificate.toString(), "--key-file", key.toString()));
        }
        return new EtcdNode(url, host.dataDir(), certificate, new Daemon("etcd", command, logs.of("etcd.log")));
    }

    private static Path data(Path dir) {
        return dir.resolve("data");
    }

    /** For {@code fleet.conf}. */
    String settings() {
        return "etcd_servers=" + url + "\n" + (url.startsWith("https") ? "etcd_cafile=" + certificate + "\n" : "");
    }

    public Daemon daemon() {
        return daemon;
    }

    public void start() {
        daemon.start();
    }

    /** Starts it and waits until it answers. */
    public void startReady() {
        start();
        Await.until(
                "etcd answers", READY_LIMIT, () -> etcdctl("endpoint", "health").contains("is healthy"));
    }

    /** SIGKILL, and waits until it is gone. */
    public void kill() {
        daemon.killed();
    }

    /** Deletes every key while it runs. */
    public void empty() {
        var unused = etcdctl("del", "--prefix", "");
    }

    /** Kills it and removes its data: it begins anew, as another etcd at the same address, once it is started. */
    public void loseData() {
        kill();
        try (var files = Files.walk(data(dir))) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the data of etcd can't be removed", e);
        }
    }

    /** The mirror's keys, without the prefix, with their values. */
    public NavigableMap<String, String> dump() {
        var found = new TreeMap<String, String>();
        var decoder = Base64.getDecoder();
        for (var pair : json.readTree(etcdctl("get", "--prefix", PREFIX, "--write-out", "json"))
                .path("kvs")) {
            var key = new String(decoder.decode(pair.path("key").asString("")), StandardCharsets.UTF_8);
            var value = new String(decoder.decode(pair.path("value").asString("")), StandardCharsets.UTF_8);
            found.put(key.substring(PREFIX.length()), value);
        }
        return found;
    }

    private String etcdctl(String... arguments) {
        var command = new ArrayList<>(List.of("etcdctl", "--endpoints", url));
        if (url.startsWith("https")) {
            command.addAll(List.of("--cacert", certificate.toString()));
        }
        command.addAll(List.of(arguments));
        return Commands.run(command);
    }
}
