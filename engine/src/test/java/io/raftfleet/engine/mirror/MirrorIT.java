package io.raftfleet.engine.mirror;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.etcd.EtcdException;
import io.raftfleet.etcd.EtcdSettings;
import io.raftfleet.etcd.Mirror;
import io.raftfleet.etcd.MirrorCopy;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.Registry;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** The mirror of a real registry in a real etcd. */
@EnabledIf("io.raftfleet.engine.mirror.EtcdServer#installed")
class MirrorIT {
    private static final String PREFIX = "/raftfleet/";
    private static final String CLUSTER = "9b9fd0c1-1b5e-4b0c-8d8e-111111111111";
    private static final Mirror.Timing QUICK = new Mirror.Timing(
            Duration.ofSeconds(2),
            Duration.ofMillis(20),
            Duration.ofMinutes(10),
            Duration.ofMillis(50),
            Duration.ofMillis(500));

    @TempDir
    private Path dir;

    private EtcdServer etcd;
    private final TestRegistry registry = new TestRegistry(7);
    private Mirror mirror;

    @BeforeEach
    void start() {
        etcd = EtcdServer.start(dir);
        mirror = mirror(registry, etcd.url());
    }

    @AfterEach
    void stop() {
        mirror.close();
        etcd.close();
    }

    @Test
    void keysAreWrittenOnceAndReadable() throws Exception {
        mirror.leading(1);
        awaitMirrored();
        registry.start(TestRegistry.text(0), "a.service", "b.service");
        awaitMirrored();
        assertMirrored();
        assertThat(mirror.status().keysWritten())
                .as("two units, where they are, one text")
                .isEqualTo(5);
        registry.apply(TestRegistry.open("m3"));
        awaitMirrored();
        assertThat(mirror.status().keysWritten())
                .as("machines are not mirrored")
                .isEqualTo(5);
        registry.destroy("a.service");
        awaitMirrored();
        assertMirrored();
        registry.destroy("b.service");
        awaitMirrored();
        assertMirrored();
        assertThat(mirror.status().keysWritten()).isEqualTo(10);
    }

    @Test
    void manyChangesGoInTransactionsWithinTheLimits() throws Exception {
        for (int i = 0; i < 1000; i++) {
            registry.start(TestRegistry.text(i % 300), "u" + i + ".service");
        }
        mirror.leading(1);
        awaitMirrored();
        assertMirrored();
        var status = mirror.status();
        assertThat(status.keysWritten()).isEqualTo(2300);
        assertThat(status.transactions()).isLessThanOrEqualTo(2300 / 127 + 4);
        // By diff, not by comparison.
        long before = status.transactions();
        for (int i = 0; i < 1000; i++) {
            registry.destroy("u" + i + ".service");
        }
        awaitMirrored();
        assertMirrored();
        assertThat(mirror.status().keysWritten()).isEqualTo(4600);
        assertThat(mirror.status().transactions() - before).isLessThan(200);
    }

    @Test
    void largeContentsFit() throws Exception {
        mirror.leading(1);
        for (int i = 0; i < 12; i++) {
            registry.start(
                    "[Service]\nExecStart=/bin/true\n"
                            + ("Environment=N" + i + "=" + "\tx".repeat(900) + "\n").repeat(130),
                    "big" + i + ".service");
        }
        awaitMirrored();
        assertThat(MirrorCopy.read(CLUSTER, settings(etcd.url()), QUICK).units())
                .hasSize(12);
    }

    @Test
    void aDeposedLeaderWritesNothing() throws Exception {
        long seed = new Random().nextLong();
        var random = new Random(seed);
        try (var other = mirror(registry, etcd.url())) {
            mirror.leading(1);
            for (int term = 2; term < 22; term++) {
                for (int i = 0; i < 30; i++) {
                    registry.churn(random, 40);
                }
                // The old one does not know yet.
                var next = term % 2 == 0 ? other : mirror;
                next.leading(term);
                for (int i = 0; i < 30; i++) {
                    registry.churn(random, 40);
                }
                awaitMirrored(next);
                assertThat(keys()).as("seed %d, term %d", seed, term).isEqualTo(registry.expected(PREFIX));
                (term % 2 == 0 ? mirror : other).resigned();
            }
        }
    }

    @Test
    void everyPrefixOfACatchUpCanBeRestored() throws Exception {
        long seed = new Random().nextLong();
        var random = new Random(seed);
        mirror.leading(1);
        awaitMirrored();
        for (int round = 0; round < 40; round++) {
            for (int i = 0; i < 400; i++) {
                registry.churn(random, 300);
            }
            MirrorCopy.read(CLUSTER, settings(etcd.url()), QUICK); // fails for a unit without contents
        }
        awaitMirrored();
        assertThat(keys()).as("seed %d", seed).isEqualTo(registry.expected(PREFIX));
    }

    @Test
    void whatSomebodyElseChangesIsPutRight() throws Exception {
        mirror.leading(1);
        registry.start(TestRegistry.text(0), "a.service", "b.service");
        awaitMirrored();
        awaitPutRight(() -> etcd.etcdctl("put", PREFIX + "units/a.service", "{}"));
        awaitPutRight(() -> etcd.etcdctl("del", PREFIX + "schedule/b.service"));
        awaitPutRight(() -> etcd.etcdctl("put", PREFIX + "units/stranger.service", "{}"));
        awaitPutRight(() -> etcd.etcdctl("del", "--prefix", PREFIX + "contents/"));
        awaitPutRight(() -> etcd.etcdctl("put", PREFIX + "watermark", "hello"));
        awaitPutRight(() -> etcd.etcdctl("del", PREFIX + "watermark"));
        assertThat(mirror.status().putRight()).isGreaterThanOrEqualTo(4);
    }

    @Test
    void anEmptiedEtcdIsFilledAgain() throws Exception {
        mirror.leading(1);
        registry.start(TestRegistry.text(0), "a.service", "b.service");
        awaitMirrored();
        awaitPutRight(() -> etcd.etcdctl("del", "--prefix", ""));
        etcd.kill();
        registry.start(TestRegistry.text(1), "c.service");
        var empty = EtcdServer.start(dir.resolve("other"));
        try (empty;
                var moved = mirror(registry, empty.url())) {
            mirror.resigned();
            moved.leading(2);
            awaitMirrored(moved);
            assertThat(below(empty.dump(PREFIX))).isEqualTo(registry.expected(PREFIX));
        }
    }

    @Test
    void onlyThisClustersFinishedMirrorIsRestored() throws Exception {
        assertThatThrownBy(() -> MirrorCopy.read(CLUSTER, settings(etcd.url()), QUICK))
                .isInstanceOf(EtcdException.class)
                .hasMessageContaining("no mirror");
        etcd.etcdctl(
                "put",
                PREFIX + "watermark",
                "{\"cluster\":\"" + CLUSTER + "\",\"incarnation\":\"7\",\"term\":1,\"built\":false}");
        assertThatThrownBy(() -> MirrorCopy.read(CLUSTER, settings(etcd.url()), QUICK))
                .hasMessageContaining("never finished");
        mirror.leading(1);
        registry.start(TestRegistry.text(0), "a.service");
        awaitMirrored();
        assertThatThrownBy(() -> MirrorCopy.read("other", settings(etcd.url()), QUICK))
                .hasMessageContaining("is of cluster " + CLUSTER);
        var copy = MirrorCopy.read(CLUSTER, settings(etcd.url()), QUICK);
        assertThat(copy.units()).containsOnlyKeys("a.service");
        assertThat(copy.schedule()).containsEntry("a.service", "m1");
        etcd.etcdctl("del", "--prefix", PREFIX + "contents/");
        mirror.resigned();
    }

    @Test
    void aRestoredRegistryHasWhatTheMirrorHas() throws Exception {
        long seed = new Random().nextLong();
        var random = new Random(seed);
        mirror.leading(1);
        for (int i = 0; i < 500; i++) {
            registry.churn(random, 60);
        }
        awaitMirrored();
        mirror.resigned();
        var entries = Restoration.entries(MirrorCopy.read(CLUSTER, settings(etcd.url()), QUICK));
        var restored = new Registry(64);
        long index = 0;
        // Interrupted after the first entry, then done by another leader from the beginning.
        restored.apply(1, ++index, entry(entries.getFirst()));
        for (var records : entries) {
            restored.apply(2, ++index, entry(records));
        }
        assertThat(TestRegistry.expected(restored, PREFIX)).as("seed %d", seed).isEqualTo(registry.expected(PREFIX));
        var head = new RegistrySource(restored).head();
        assertThat(head.incarnation()).isEqualTo(8);
        assertThat(head.restoredFrom()).isEqualTo(7);
        try (var next = new Mirror(
                CLUSTER,
                settings(etcd.url()),
                new RegistrySource(restored),
                QUICK,
                InstantSource.system(),
                new Random())) {
            next.start();
            next.leading(1);
            next.await(head.asOf(), Duration.ofSeconds(30)).get(31, TimeUnit.SECONDS);
            assertThat(next.status().keysWritten()).as("all is there already").isZero();
            assertThat(keys()).isEqualTo(registry.expected(PREFIX));
        }
    }

    private static Entry entry(List<Record> records) {
        return Entry.newBuilder()
                .setFormat(1)
                .setLeaderTimeMs(1000)
                .addAllRecords(records)
                .build();
    }

    @Test
    void anotherLifesMirrorIsNotOverwritten() throws Exception {
        mirror.leading(1);
        registry.start(TestRegistry.text(0), "a.service");
        awaitMirrored();
        mirror.resigned();
        var before = etcd.dump(PREFIX);
        try (var forgetful = mirror(new TestRegistry(8), etcd.url())) {
            forgetful.leading(1);
            Awaitility.await()
                    .until(() -> String.valueOf(forgetful.status().error()).contains("--restore-from-etcd"));
            assertThat(etcd.dump(PREFIX)).isEqualTo(before);
        }
    }

    private interface Act {
        void run() throws Exception;
    }

    private void awaitPutRight(Act act) throws Exception {
        act.run();
        Awaitility.await()
                .atMost(20, TimeUnit.SECONDS)
                .untilAsserted(() -> assertThat(keys()).isEqualTo(registry.expected(PREFIX)));
        awaitMirrored();
        Awaitility.await().until(() -> etcd.dump(PREFIX).containsKey(PREFIX + "watermark"));
    }

    private void assertMirrored() throws Exception {
        assertThat(keys()).isEqualTo(registry.expected(PREFIX));
    }

    private Map<String, String> keys() throws Exception {
        return below(etcd.dump(PREFIX));
    }

    private static Map<String, String> below(Map<String, String> all) {
        all.remove(PREFIX + "watermark");
        return all;
    }

    private void awaitMirrored() throws Exception {
        awaitMirrored(mirror);
    }

    private void awaitMirrored(Mirror by) throws Exception {
        long version = new RegistrySource(registry.registry).head().asOf();
        by.await(version, Duration.ofSeconds(30)).get(31, TimeUnit.SECONDS);
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

    private static Mirror mirror(TestRegistry registry, URI... servers) {
        var mirror = new Mirror(
                CLUSTER,
                settings(servers),
                new RegistrySource(registry.registry),
                QUICK,
                InstantSource.system(),
                new Random());
        registry.onChange(mirror::changed);
        mirror.start();
        return mirror;
    }
}
