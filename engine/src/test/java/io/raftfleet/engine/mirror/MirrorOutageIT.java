package io.raftfleet.engine.mirror;

import static io.raftfleet.engine.mirror.Mirrors.PREFIX;
import static io.raftfleet.engine.mirror.Mirrors.settings;
import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.etcd.Mirror;
import io.raftfleet.etcd.testing.EtcdServer;
import io.raftfleet.etcd.testing.SlowProxy;
import java.net.URI;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** What happens to etcd, and how the mirror comes through it by itself. */
@EnabledIf("io.raftfleet.etcd.testing.EtcdServer#installed")
class MirrorOutageIT {
    private static final String READS = "etcd_mvcc_range_total";
    private static final String WATCHERS = "etcd_debugging_mvcc_watcher_total";

    @TempDir
    private Path dir;

    private final Mirrors mirrors = new Mirrors();
    private final TestRegistry registry = mirrors.registry;

    @AfterEach
    void stop() {
        mirrors.close();
    }

    @Test
    void slow() throws Exception {
        try (var etcd = EtcdServer.start(dir);
                var proxy = new SlowProxy(etcd.port())) {
            mirrors.lead(settings(proxy.url()));
            mirrors.awaitEqual(etcd);
            proxy.delay(700);
            registry.start(TestRegistry.text(0), "a.service");
            mirrors.awaitEqual(etcd);
        }
    }

    @Test
    void partitioned() throws Exception {
        try (var etcd = EtcdServer.start(dir);
                var proxy = new SlowProxy(etcd.port())) {
            var writer = mirrors.lead(settings(proxy.url()));
            mirrors.awaitEqual(etcd);
            proxy.cut(true);
            registry.start(TestRegistry.text(0), "a.service");
            awaitError(writer);
            assertThat(writer.status().behindSinceMs()).isNotZero();
            proxy.cut(false);
            mirrors.awaitEqual(etcd);
            Awaitility.await()
                    .untilAsserted(() -> assertThat(writer.status().error()).isNull());
        }
    }

    @Test
    void downAndRestarted() throws Exception {
        try (var etcd = EtcdServer.start(dir)) {
            var writer = mirrors.lead(settings(etcd.url()));
            registry.start(TestRegistry.text(0), "a.service");
            mirrors.awaitEqual(etcd);
            etcd.kill();
            for (int i = 0; i < 300; i++) {
                registry.start(TestRegistry.text(1), "b" + i + ".service");
            }
            registry.destroy("a.service");
            awaitError(writer);
            etcd.run();
            etcd.awaitReady();
            mirrors.awaitEqual(etcd);
        }
    }

    @Test
    void pausedInMidWrite() throws Exception {
        try (var etcd = EtcdServer.start(dir)) {
            var writer = mirrors.lead(settings(etcd.url()));
            mirrors.awaitEqual(etcd);
            for (int round = 0; round < 3; round++) {
                etcd.pause();
                for (int i = 0; i < 200; i++) {
                    registry.churn(new Random(round * 1000L + i), 100);
                }
                awaitError(writer);
                etcd.resume();
                mirrors.awaitEqual(etcd);
                Awaitility.await().until(() -> writer.status().error() == null);
            }
        }
    }

    @Test
    void compacted() throws Exception {
        try (var etcd = EtcdServer.start(dir)) {
            mirrors.lead(settings(etcd.url()));
            registry.start(TestRegistry.text(0), "a.service", "b.service");
            mirrors.awaitEqual(etcd);
            for (int i = 0; i < 5; i++) {
                etcd.etcdctl("put", "/other/key", "v" + i);
            }
            etcd.etcdctl("compaction", Long.toString(etcd.revision()));
            registry.start(TestRegistry.text(1), "c.service");
            mirrors.awaitEqual(etcd);
            etcd.etcdctl("del", PREFIX + "units/a.service");
            mirrors.awaitEqual(etcd);
        }
    }

    @Test
    void aLeaderWhoseWatermarkIsOlderThanACompactionWatches() throws Exception {
        try (var etcd = EtcdServer.start(dir)) {
            var former = mirrors.lead(settings(etcd.url()));
            registry.start(TestRegistry.text(0), "a.service", "b.service");
            mirrors.awaitEqual(etcd);
            former.resigned();
            awaitWatchers(etcd, 0);
            etcd.etcdctl("del", PREFIX + "schedule/b.service"); // Nobody watches.
            compactBehindOthers(etcd);
            var writer = mirrors.start(settings(etcd.url()));
            writer.leading(2);
            mirrors.awaitEqual(etcd);
            awaitOneQuietWatch(etcd);
            compactBehindOthers(etcd);
            writer.resigned();
            writer.leading(3);
            mirrors.awaitMirrored(writer);
            awaitOneQuietWatch(etcd);
            etcd.etcdctl("del", PREFIX + "units/a.service");
            mirrors.awaitEqual(etcd);
        }
    }

    @Test
    void aWatchThatBreaksBehindACompactionIsBegunAnew() throws Exception {
        try (var etcd = EtcdServer.start(dir);
                var proxy = new SlowProxy(etcd.port())) {
            var writer = mirrors.lead(settings(proxy.url()));
            registry.start(TestRegistry.text(0), "a.service", "b.service");
            mirrors.awaitEqual(etcd);
            awaitWatchers(etcd, 1);
            compactBehindOthers(etcd);
            proxy.cut(false); // Ends its connections.
            awaitOneQuietWatch(etcd);
            etcd.etcdctl("put", PREFIX + "watermark", "hello");
            etcd.etcdctl("del", PREFIX + "units/a.service");
            mirrors.awaitEqual(etcd);
            Awaitility.await().until(() -> writer.status().error() == null);
        }
    }

    @Test
    void aWatchThatBreaksLeavesNoOtherBehind() throws Exception {
        try (var etcd = EtcdServer.start(dir);
                var proxy = new SlowProxy(etcd.port())) {
            mirrors.lead(settings(proxy.url()));
            registry.start(TestRegistry.text(0), "a.service");
            mirrors.awaitEqual(etcd);
            for (int round = 0; round < 3; round++) {
                awaitWatchers(etcd, 1);
                proxy.cut(false);
                etcd.etcdctl("del", PREFIX + "units/a.service");
                mirrors.awaitEqual(etcd);
                awaitOneQuietWatch(etcd);
            }
        }
    }

    @Test
    void outOfSpace() throws Exception {
        try (var etcd = EtcdServer.start(dir, "--quota-backend-bytes", "2000000")) {
            var writer = mirrors.lead(settings(etcd.url()));
            registry.start(TestRegistry.text(0), "a.service");
            mirrors.awaitEqual(etcd);
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
            etcd.etcdctl("compaction", Long.toString(etcd.revision()));
            etcd.etcdctl("defrag");
            etcd.etcdctl("alarm", "disarm");
            mirrors.awaitEqual(etcd);
        }
    }

    @Test
    void withoutQuorum() throws Exception {
        var members = EtcdServer.startCluster(dir, 3);
        try {
            var writer =
                    mirrors.lead(settings(members.stream().map(EtcdServer::url).toArray(URI[]::new)));
            registry.start(TestRegistry.text(0), "a.service");
            mirrors.awaitEqual(members.getFirst());
            members.get(1).kill();
            registry.start(TestRegistry.text(1), "b.service");
            mirrors.awaitEqual(members.getFirst());
            members.get(2).kill();
            registry.start(TestRegistry.text(2), "c.service");
            awaitError(writer);
            members.get(1).run();
            members.get(1).awaitReady();
            mirrors.awaitEqual(members.getFirst());
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
            etcd.loginAs("root:secret");
            addUser(etcd);
            var writer = mirrors.lead(settings(etcd.url(), "mirror", "word"));
            Awaitility.await().until(() -> writer.status().caughtUp());
            etcd.etcdctl("user", "delete", "mirror");
            registry.start(TestRegistry.text(0), "a.service");
            awaitError(writer);
            addUser(etcd);
            Awaitility.await()
                    .atMost(30, TimeUnit.SECONDS)
                    .until(() -> writer.status().caughtUp());
        }
    }

    private static void addUser(EtcdServer etcd) throws Exception {
        etcd.etcdctl("user", "add", "mirror:word");
        etcd.etcdctl("user", "grant-role", "mirror", "root");
    }

    /** Writes of others, whose revisions etcd forgets with all before them. */
    private static void compactBehindOthers(EtcdServer etcd) {
        for (int i = 0; i < 5; i++) {
            etcd.etcdctl("put", "/other/key", "v" + i);
        }
        etcd.etcdctl("compaction", Long.toString(etcd.revision()));
    }

    private static void awaitWatchers(EtcdServer etcd, int watchers) {
        Awaitility.await().untilAsserted(() -> assertThat(etcd.metric(WATCHERS)).isEqualTo(watchers));
    }

    /** Waits until there is one watch, for longer than a broken one takes to resume, and nothing is read meanwhile. */
    private static void awaitOneQuietWatch(EtcdServer etcd) {
        var reads = new AtomicLong();
        Awaitility.await()
                .during(1500, TimeUnit.MILLISECONDS)
                .atMost(15, TimeUnit.SECONDS)
                .untilAsserted(() -> {
                    long now = etcd.metric(READS);
                    assertThat(reads.getAndSet(now)).as("reads so far").isEqualTo(now);
                    assertThat(etcd.metric(WATCHERS)).as("watches").isEqualTo(1);
                });
    }

    private static void awaitError(Mirror writer) {
        Awaitility.await()
                .atMost(30, TimeUnit.SECONDS)
                .until(() -> writer.status().error() != null);
    }
}
