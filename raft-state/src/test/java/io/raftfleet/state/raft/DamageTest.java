package io.raftfleet.state.raft;

import static io.raftfleet.state.raft.TestCluster.LONG;
import static io.raftfleet.state.raft.TestCluster.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.raftfleet.state.raft.TestCluster.Member;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files as a power cut, a bad disk or a full one leave them. */
class DamageTest {
    @TempDir
    Path dir;

    private static Path group(TestCluster cluster, String engine) {
        return cluster.dir(engine).resolve("raft").resolve(cluster.id.toString());
    }

    private static Path openLog(TestCluster cluster, String engine) throws IOException {
        try (Stream<Path> files = Files.list(group(cluster, engine).resolve("current"))) {
            return files.filter(f -> f.getFileName().toString().startsWith("log_inprogress"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    /** One past the last byte written. */
    private static long end(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        int end = bytes.length;
        while (bytes[end - 1] == 0) {
            end--;
        }
        return end;
    }

    private static void write(Path file, long at, byte[] bytes) throws IOException {
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.seek(at);
            out.write(bytes);
        }
    }

    /** A single engine with some writes, killed. */
    private TestCluster written() throws Exception {
        TestCluster cluster = new TestCluster(dir, 1, b -> b).startAll();
        for (int i = 0; i < 5; i++) {
            cluster.set("x".repeat(2000), "k" + i);
        }
        cluster.kill("e1");
        return cluster;
    }

    @Test
    void aLastEntryWhoseEndNeverCameToTheDiskIsCutOff() throws Exception {
        try (TestCluster cluster = written()) {
            Path log = openLog(cluster, "e1");
            long end = end(log);
            write(log, end / 512 * 512 - 512, new byte[(int) (end - end / 512 * 512) + 512]);

            Member again = cluster.start("e1");
            get(cluster.leader().node.readIndex(LONG));

            assertThat(again.state.size()).isEqualTo(4);
            cluster.set("v", "after");
            cluster.kill("e1");
            cluster.start("e1");
            get(cluster.leader().node.readIndex(LONG));
            assertThat(cluster.leader().state.get("after")).isEqualTo("v");
        }
    }

    @Test
    void aLastEntryThatTheFileEndsWithinIsCutOff() throws Exception {
        try (TestCluster cluster = written()) {
            Path log = openLog(cluster, "e1");
            long cut = end(log) - 700;
            try (RandomAccessFile out = new RandomAccessFile(log.toFile(), "rw")) {
                out.setLength(cut);
            }
            Member again = cluster.start("e1");
            get(cluster.leader().node.readIndex(LONG));
            assertThat(again.state.size()).isEqualTo(4);
        }
    }

    @Test
    void aFlippedByteIsRefusedWhereverItIs() throws Exception {
        try (TestCluster cluster = written()) {
            Path log = openLog(cluster, "e1");
            byte[] sound = Files.readAllBytes(log);
            for (long at : List.of(3L, 1500L, end(log) / 2, end(log) - 100)) {
                write(log, at, new byte[] {(byte) (sound[(int) at] ^ 0x10)});
                assertThatThrownBy(() -> cluster.start("e1"))
                        .as("byte %d", at)
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining(log.toString())
                        .hasMessageContaining("replace");
                Files.write(log, sound);
            }
            cluster.start("e1");
            get(cluster.leader().node.readIndex(LONG));
            assertThat(cluster.leader().state.size()).isEqualTo(5);
        }
    }

    @Test
    void aFlippedByteInAClosedLogFileIsRefused() throws Exception {
        TestCluster cluster = new TestCluster(dir, 1, b -> b.segmentBytes(4096)).startAll();
        try (cluster) {
            for (int i = 0; i < 10; i++) {
                cluster.set("x".repeat(2000), "k" + i);
            }
            cluster.kill("e1");
            Path closed;
            try (Stream<Path> files = Files.list(group(cluster, "e1").resolve("current"))) {
                closed = files.filter(f -> f.getFileName().toString().matches("log_\\d+-\\d+"))
                        .sorted()
                        .skip(1)
                        .findFirst()
                        .orElseThrow();
            }
            byte[] bytes = Files.readAllBytes(closed);
            bytes[200] ^= 1;
            Files.write(closed, bytes);
            assertThatThrownBy(() -> cluster.start("e1")).hasMessageContaining(closed.toString());
        }
    }

    @Test
    void whatACrashLeftOfACheckpointIsCleanedUpAndAnInterruptedExchangeIsUndone() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 1, b -> b).startAll()) {
            cluster.set("v", "a");
            get(cluster.leader().node.takeSnapshot(LONG));
            cluster.kill("e1");
            Path part = cluster.dir("e1").resolve("checkpoint.part");
            Path half =
                    group(cluster, "e1").resolve("tmp").resolve("snapshot-1").resolve("9_999");
            Path current = group(cluster, "e1").resolve("sm");
            Path away = group(cluster, "e1").resolve("sm.tmp20261122_230000.000");
            Files.createDirectories(part);
            Files.writeString(part.resolve("000001.sst"), "half");
            Files.createDirectories(half);
            Files.writeString(half.resolve("000001.sst"), "half");
            Files.move(current, away);

            Member again = cluster.start("e1");

            get(cluster.leader().node.readIndex(LONG));
            assertThat(again.state.restores()).isEqualTo(1);
            assertThat(again.state.get("a")).isEqualTo("v");
            assertThat(part).doesNotExist();
            assertThat(half).doesNotExist();
            assertThat(away).doesNotExist();
            cluster.set("w", "b");
            get(cluster.leader().node.takeSnapshot(LONG));
            cluster.kill("e1");
            Files.createDirectories(away); // the exchange was done, the old directory not yet removed
            Files.writeString(away.resolve("old"), "old");
            assertThat(cluster.start("e1").state.get("b")).isEqualTo("w");
            assertThat(away).doesNotExist();
        }
    }

    @Test
    void aDamagedCheckpointFromTheLeaderIsNotPutInPlaceOfASoundOne() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b.segmentBytes(4096)).startAll()) {
            cluster.set("v", "first");
            Member behind = cluster.follower();
            String id = behind.config.engineId();
            get(behind.node.readIndex(LONG));
            get(behind.node.takeSnapshot(LONG));
            Path own = Checkpoint.list(group(cluster, id).resolve("sm")).getFirst();
            cluster.kill(id);
            for (int round = 0; round < 2; round++) {
                for (int i = 0; i < 20; i++) {
                    cluster.set("x".repeat(500), "r" + round + "-" + i);
                }
                for (Member member : cluster.members.values()) {
                    get(member.node.readIndex(LONG));
                    get(member.node.takeSnapshot(LONG));
                }
            }
            for (String engine : cluster.members.keySet()) {
                CheckpointTest.damage(
                        Checkpoint.list(group(cluster, engine).resolve("sm")).getFirst());
                await().atMost(LONG).until(() -> {
                    try (Stream<Path> files = Files.list(group(cluster, engine).resolve("current"))) {
                        return files.noneMatch(f -> f.getFileName().toString().startsWith("log_0-"));
                    }
                });
            }

            Member back = cluster.start(id);
            await().during(2, TimeUnit.SECONDS)
                    .atMost(LONG)
                    .until(() -> Files.isDirectory(own) && back.state.get("r0-0") == null);

            cluster.set("w", "sound again");
            for (Member member : List.copyOf(cluster.members.values())) {
                if (member != back) {
                    get(member.node.takeSnapshot(LONG));
                }
            }
            await().atMost(LONG.multipliedBy(2)).until(() -> "w".equals(back.state.get("sound again")));
            cluster.awaitEqualDigests();
        }
    }

    @Test
    void aFullDiskRefusesWritesAnswersReadsAndRecoversByItself() throws Exception {
        Path small = Files.createDirectory(dir.resolve("small"));
        assumeTrue(
                run("mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", small.toString()),
                "no tmpfs can be mounted here");
        try (TestCluster cluster =
                new TestCluster(small, 3, b -> b.minFreeBytes(16L << 20).segmentBytes(1 << 20)).startAll()) {
            cluster.set("v", "a");
            Path ballast = small.resolve("ballast");
            long free = Files.getFileStore(small).getUsableSpace();
            Files.write(ballast, new byte[(int) (free - (12L << 20))]);

            // The first may still be written: free space is looked at now and then.
            await().atMost(LONG)
                    .untilAsserted(() -> assertThatThrownBy(() -> TestCluster.propose(cluster.leader(), "w", "first"))
                            .isInstanceOf(ReplicationException.Unavailable.class));
            assertThatThrownBy(() -> TestCluster.propose(cluster.leader(), "w", "b"))
                    .isInstanceOf(ReplicationException.Unavailable.class)
                    .hasMessageContaining("almost full")
                    .hasMessageContaining(small.toString());
            for (Member member : cluster.members.values()) {
                get(member.node.readIndex(LONG));
                assertThat(member.state.get("a")).isEqualTo("v");
                assertThat(member.state.get("b")).isNull();
            }
            long term = cluster.leader().node.view().term();

            Files.delete(ballast);

            await().atMost(LONG)
                    .ignoreExceptions()
                    .until(() -> TestCluster.propose(cluster.leader(), "w", "b")
                                    .dropped()
                                    .size()
                            == 1);
            assertThat(cluster.leader().node.view().term())
                    .as("nobody was elected for it")
                    .isEqualTo(term);
            cluster.awaitEqualDigests();
        } finally {
            assertThat(run("umount", "-l", small.toString())).isTrue();
        }
    }

    private static boolean run(String... command) throws Exception {
        try {
            Process process = new ProcessBuilder(command).inheritIO().start();
            return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        }
    }
}
