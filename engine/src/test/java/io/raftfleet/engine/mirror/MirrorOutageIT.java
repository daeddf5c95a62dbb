package io.raftfleet.engine.mirror;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.etcd.EtcdSettings;
import io.raftfleet.etcd.Mirror;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** What happens to etcd, and how the mirror comes through it by itself. */
@EnabledIf("io.raftfleet.engine.mirror.EtcdServer#installed")
class MirrorOutageIT {
    private static final String PREFIX = "/raftfleet/";
    private static final Mirror.Timing QUICK = new Mirror.Timing(
            Duration.ofSeconds(3),
            Duration.ofMillis(20),
            Duration.ofMinutes(10),
            Duration.ofMillis(50),
            Duration.ofMillis(500));

    @TempDir
    private Path dir;

    private final TestRegistry registry = new TestRegistry(7);
    private @Nullable Mirror mirror;

    @AfterEach
    void stop() {
        if (mirror != null) {
            mirror.close();
        }
    }

    @Test
    void slow() throws Exception {
        try (var etcd = EtcdServer.start(dir);
                var proxy = new SlowProxy(etcd.port())) {
            lead(settings(proxy.url()));
            awaitMirrored(etcd);
            proxy.delay(700);
            registry.start(TestRegistry.text(0), "a.service");
            awaitMirrored(etcd);
        }
    }

    @Test
    void partitioned() throws Exception {
        try (var etcd = EtcdServer.start(dir);
                var proxy = new SlowProxy(etcd.port())) {
            var writer = lead(settings(proxy.url()));
            awaitMirrored(etcd);
            proxy.cut(true);
            registry.start(TestRegistry.text(0), "a.service");
            awaitError(writer);
            assertThat(writer.status().behindSinceMs()).isNotZero();
            proxy.cut(false);
            awaitMirrored(etcd);
            Awaitility.await()
                    .untilAsserted(() -> assertThat(writer.status().error()).isNull());
        }
    }

    @Test
    void downAndRestarted() throws Exception {
        try (var etcd = EtcdServer.start(dir)) {
            var writer = lead(settings(etcd.url()));
            registry.start(TestRegistry.text(0), "a.service");
            awaitMirrored(etcd);
            etcd.kill();
            for (int i = 0; i < 300; i++) {
                registry.start(TestRegistry.text(1), "b" + i + ".service");
            }
            registry.destroy("a.service");
            awaitError(writer);
            etcd.run();
            etcd.awaitReady();
            awaitMirrored(etcd);
        }
    }

    @Test
    void pausedInMidWrite() throws Exception {
        try (var etcd = EtcdServer.start(dir)) {
            var writer = lead(settings(etcd.url()));
            awaitMirrored(etcd);
            for (int round = 0; round < 3; round++) {
                etcd.signal("STOP");
                for (int i = 0; i < 200; i++) {
                    registry.churn(new Random(round * 1000L + i), 100);
                }
                awaitError(writer);
                etcd.signal("CONT");
                awaitMirrored(etcd);
                Awaitility.await().until(() -> writer.status().error() == null);
            }
        }
    }

    @Test
    void compacted() throws Exception {
        try (var etcd = EtcdServer.start(dir)) {
            lead(settings(etcd.url()));
            registry.start(TestRegistry.text(0), "a.service", "b.service");
            awaitMirrored(etcd);
            for (int i = 0; i < 5; i++) {
                etcd.etcdctl("put", "/other/key", "v" + i);
            }
            etcd.etcdctl("compaction", revision(etcd));
            registry.start(TestRegistry.text(1), "c.service");
            awaitMirrored(etcd);
            etcd.etcdctl("del", PREFIX + "units/a.service");
            awaitMirrored(etcd);
        }
    }

    @Test
    void outOfSpace() throws Exception {
        try (var etcd = EtcdServer.start(dir, "--quota-backend-bytes", "2000000")) {
            var writer = lead(settings(etcd.url()));
            registry.start(TestRegistry.text(0), "a.service");
            awaitMirrored(etcd);
            for (int i = 0; i < 60 && !etcd.etcdctl("alarm", "list").contains("NOSPACE"); i++) {
                registry.start(
                        "[Service]\nExecStart=/bin/true\n"
                                + ("Environment=N" + i + "=" + "x".repeat(1900) + "\n").repeat(60),
                        "big" + i + ".service");
                Awaitility.await()
                        .until(() ->
                                writer.status().caughtUp() || writer.status().error() != null);
            }
            Awaitility.await()
                    .atMost(20, TimeUnit.SECONDS)
                    .until(() -> String.valueOf(writer.status().error()).contains("space"));
            for (int i = 0; i < 60; i++) {
                if (registry.has("big" + i + ".service")) {
                    registry.destroy("big" + i + ".service");
                }
            }
            etcd.etcdctl("del", "--prefix", PREFIX + "contents/");
            etcd.etcdctl("compaction", revision(etcd));
            etcd.etcdctl("defrag");
            etcd.etcdctl("alarm", "disarm");
            awaitMirrored(etcd);
        }
    }

    @Test
    void withoutQuorum() throws Exception {
        var members = EtcdServer.startCluster(dir, 3);
        try {
            var writer = lead(settings(members.stream().map(EtcdServer::url).toArray(URI[]::new)));
            registry.start(TestRegistry.text(0), "a.service");
            awaitMirrored(members.getFirst());
            members.get(1).kill();
            registry.start(TestRegistry.text(1), "b.service");
            awaitMirrored(members.getFirst());
            members.get(2).kill();
            registry.start(TestRegistry.text(2), "c.service");
            awaitError(writer);
            members.get(1).run();
            members.get(1).awaitReady();
            awaitMirrored(members.getFirst());
        } finally {
            members.forEach(EtcdServer::close);
        }
    }

    @Test
    void withCredentialsThatAreGoodNoLonger() throws Exception {
        try (var etcd = EtcdServer.start(dir)) {
            etcd.etcdctl("user", "add", "root:secret");
            etcd.etcdctl("user", "grant-role", "root", "root");
            etcd.etcdctl("auth", "enable");
            addUser(etcd);
            var writer = lead(new EtcdSettings(
                    List.of(etcd.url()),
                    PREFIX,
                    Optional.of("mirror"),
                    Optional.of("word"),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    false));
            Awaitility.await().until(() -> writer.status().caughtUp());
            etcd.etcdctl("--user", "root:secret", "user", "delete", "mirror");
            registry.start(TestRegistry.text(0), "a.service");
            awaitError(writer);
            addUser(etcd);
            Awaitility.await()
                    .atMost(30, TimeUnit.SECONDS)
                    .until(() -> writer.status().caughtUp());
        }
    }

    private static void addUser(EtcdServer etcd) throws Exception {
        etcd.etcdctl("--user", "root:secret", "user", "add", "mirror:word");
        etcd.etcdctl("--user", "root:secret", "user", "grant-role", "mirror", "root");
    }

    private Mirror lead(EtcdSettings settings) {
        var started = new Mirror(
                "9b9fd0c1-1b5e-4b0c-8d8e-111111111111",
                settings,
                new RegistrySource(registry.registry),
                QUICK,
                InstantSource.system(),
                new Random());
        registry.onChange(started::changed);
        started.start();
        started.leading(1);
        mirror = started;
        return started;
    }

    private static void awaitError(Mirror writer) {
        Awaitility.await()
                .atMost(30, TimeUnit.SECONDS)
                .until(() -> writer.status().error() != null);
    }

    private void awaitMirrored(EtcdServer etcd) {
        Awaitility.await().atMost(60, TimeUnit.SECONDS).ignoreExceptions().untilAsserted(() -> {
            var keys = etcd.dump(PREFIX);
            keys.remove(PREFIX + "watermark");
            assertThat(keys).isEqualTo(registry.expected(PREFIX));
        });
    }

    private static String revision(EtcdServer etcd) throws Exception {
        var json = etcd.etcdctl("endpoint", "status", "-w", "json");
        int at = json.indexOf("\"revision\":") + "\"revision\":".length();
        int end = at;
        while (Character.isDigit(json.charAt(end))) {
            end++;
        }
        return json.substring(at, end);
    }

    private static EtcdSettings settings(URI... servers) {
        return new EtcdSettings(
                List.of(servers),
                PREFIX,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                false);
    }
}
