package io.raftfleet.engine.mirror;

import static io.raftfleet.engine.mirror.Mirrors.CLUSTER;
import static io.raftfleet.engine.mirror.Mirrors.PREFIX;
import static io.raftfleet.engine.mirror.Mirrors.QUICK;
import static io.raftfleet.engine.mirror.Mirrors.settings;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.raftfleet.etcd.EtcdException;
import io.raftfleet.etcd.Mirror;
import io.raftfleet.etcd.MirrorCopy;
import io.raftfleet.etcd.ResignedException;
import io.raftfleet.etcd.testing.EtcdServer;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.Registry;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** The mirror of a real registry in a real etcd. */
@EnabledIf("io.raftfleet.etcd.testing.EtcdServer#installed")
class MirrorIT {
    @TempDir
    private Path dir;

    private final Mirrors mirrors = new Mirrors();
    private final TestRegistry registry = mirrors.registry;
    private EtcdServer etcd;
    private Mirror mirror;

    @BeforeEach
    void start() {
        etcd = EtcdServer.start(dir);
        mirror = mirrors.start(settings(etcd.url()));
    }

    @AfterEach
    void stop() {
        mirrors.close();
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
        assertThat(MirrorCopy.read(CLUSTER, settings(etcd.url()), QUICK, Long.MAX_VALUE)
                        .units())
                .hasSize(12);
    }

    @Test
    void aDeposedLeaderWritesNothing() throws Exception {
        long seed = new Random().nextLong();
        var random = new Random(seed);
        var other = mirrors.start(settings(etcd.url()));
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
            mirrors.awaitMirrored(next);
            assertThat(keys()).as("seed %d, term %d", seed, term).isEqualTo(registry.expected(PREFIX));
            (term % 2 == 0 ? mirror : other).resigned();
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
            MirrorCopy.read(CLUSTER, settings(etcd.url()), QUICK, Long.MAX_VALUE); // fails for a unit without contents
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
        try (var empty = EtcdServer.start(dir.resolve("other"))) {
            var moved = mirrors.start(settings(empty.url()));
            mirror.resigned();
            moved.leading(2);
            mirrors.awaitMirrored(moved);
            mirrors.assertEqual(empty);
        }
    }

    @Test
    void onlyThisClustersFinishedMirrorIsRestored() throws Exception {
        assertThatThrownBy(() -> MirrorCopy.read(CLUSTER, settings(etcd.url()), QUICK, Long.MAX_VALUE))
                .isInstanceOf(EtcdException.class)
                .hasMessageContaining("no mirror");
        etcd.etcdctl(
                "put",
                PREFIX + "watermark",
                "{\"cluster\":\"" + CLUSTER + "\",\"incarnation\":\"7\",\"term\":1,\"built\":false}");
        assertThatThrownBy(() -> MirrorCopy.read(CLUSTER, settings(etcd.url()), QUICK, Long.MAX_VALUE))
                .hasMessageContaining("never finished");
        mirror.leading(1);
        registry.start(TestRegistry.text(0), "a.service");
        awaitMirrored();
        assertThatThrownBy(() -> MirrorCopy.read("other", settings(etcd.url()), QUICK, Long.MAX_VALUE))
                .hasMessageContaining("is of cluster " + CLUSTER);
        var copy = MirrorCopy.read(CLUSTER, settings(etcd.url()), QUICK, Long.MAX_VALUE);
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
        var entries = Restoration.entries(MirrorCopy.read(CLUSTER, settings(etcd.url()), QUICK, Long.MAX_VALUE));
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

    @Test
    void aMirrorThatIsNewerThanTheBackupThatWasRestoredIsPutRightAndSaysWhatItHad() throws Exception {
        mirror.leading(1);
        registry.start(TestRegistry.text(0), "kept.service", "changed.service");
        awaitMirrored();
        var backup = Restoration.entries(MirrorCopy.read(CLUSTER, settings(etcd.url()), QUICK, Long.MAX_VALUE));
        registry.start(TestRegistry.text(1), "newer.service");
        registry.destroy("kept.service");
        awaitMirrored();
        mirror.resigned();
        var restored = new Registry(64);
        long index = 0;
        for (var records : backup) {
            restored.apply(2, ++index, entry(records));
        }
        var said = new ListAppender<ILoggingEvent>();
        var logger = (Logger) LoggerFactory.getLogger("io.raftfleet.etcd");
        said.start();
        logger.addAppender(said);
        try (var next = new Mirror(
                CLUSTER,
                settings(etcd.url()),
                new RegistrySource(restored),
                QUICK,
                InstantSource.system(),
                new Random())) {
            next.start();
            next.leading(1);
            next.await(new RegistrySource(restored).head().asOf(), Duration.ofSeconds(30))
                    .get(31, TimeUnit.SECONDS);
        } finally {
            logger.detachAppender(said);
        }
        assertThat(keys()).isEqualTo(TestRegistry.expected(restored, PREFIX));
        var lines = said.list.stream()
                .map(ILoggingEvent::getFormattedMessage)
                .filter(line -> line.contains("is not what the registry has"))
                .toList();
        assertThat(lines).anyMatch(line -> line.contains("newer.service"));
        assertThat(lines).noneMatch(line -> line.contains("changed.service"));
        assertThat(said.list)
                .anyMatch(
                        event -> event.getFormattedMessage().contains("is of incarnation 7, which was restored as 8"));
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
        var another = new TestRegistry(8);
        another.start(TestRegistry.text(1), "new.service");
        var forgetful = mirrors.start(another, settings(etcd.url()));
        forgetful.leading(1);
        Awaitility.await()
                .until(() -> String.valueOf(forgetful.status().error()).contains("delete the keys below"));
        assertThat(forgetful.status().error()).contains("--restore-from-etcd");
        assertThat(etcd.dump(PREFIX)).isEqualTo(before);
        // As the message says.
        etcd.etcdctl("del", "--prefix", PREFIX);
        Awaitility.await()
                .atMost(20, TimeUnit.SECONDS)
                .until(() -> forgetful.status().caughtUp());
        assertThat(keys()).isEqualTo(another.expected(PREFIX));
    }

    @Test
    void anEarlierTermsLeaderWritesNothingAndSaysWhatToDo() throws Exception {
        mirror.leading(5);
        registry.start(TestRegistry.text(0), "a.service");
        awaitMirrored();
        mirror.resigned();
        var before = etcd.dump(PREFIX);
        var late = mirrors.start(settings(etcd.url()));
        late.leading(4);
        Awaitility.await().until(() -> String.valueOf(late.status().error()).contains("delete the keys below"));
        registry.start(TestRegistry.text(0), "b.service");
        assertThat(etcd.dump(PREFIX)).isEqualTo(before);
        late.leading(6);
        mirrors.awaitMirrored(late);
        assertMirrored();
    }

    @Test
    void writesWaitForEtcdEachForItself() throws Exception {
        mirror.leading(1);
        awaitMirrored();
        etcd.pause();
        registry.start(TestRegistry.text(0), "a.service");
        long version = new RegistrySource(registry.registry).head().asOf();
        var impatient = mirror.await(version, Duration.ofMillis(200));
        var patient = mirror.await(version, Duration.ofSeconds(60));
        assertThatThrownBy(() -> impatient.get(30, TimeUnit.SECONDS)).hasCauseInstanceOf(TimeoutException.class);
        assertThat(patient).isNotDone();
        etcd.resume();
        assertThat(patient).succeedsWithin(Duration.ofSeconds(30));
        assertMirrored();
        etcd.pause();
        registry.start(TestRegistry.text(0), "b.service");
        var deposed = mirror.await(version + 1, Duration.ofSeconds(60));
        mirror.resigned();
        assertThatThrownBy(() -> deposed.get(30, TimeUnit.SECONDS)).hasCauseInstanceOf(ResignedException.class);
        assertThatThrownBy(
                        () -> mirror.await(version + 1, Duration.ofSeconds(60)).get(30, TimeUnit.SECONDS))
                .hasCauseInstanceOf(ResignedException.class);
        etcd.resume();
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

    private void assertMirrored() {
        mirrors.assertEqual(etcd);
    }

    private Map<String, String> keys() {
        return Mirrors.keys(etcd);
    }

    private void awaitMirrored() throws Exception {
        mirrors.awaitMirrored(mirror);
    }
}
