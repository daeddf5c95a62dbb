package io.raftfleet.state.raft;

import static io.raftfleet.state.raft.TestCluster.LONG;
import static io.raftfleet.state.raft.TestCluster.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.MachineMetadataSet;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.raft.TestCluster.Member;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
    @TempDir
    Path dir;

    private TestCluster cluster(int engines) throws IOException {
        return new TestCluster(dir, engines, b -> b.segmentBytes(4096)).startAll();
    }

    /** Enough entries to fill some log segments. */
    private static void fill(TestCluster cluster, String prefix, int entries) throws Exception {
        for (int i = 0; i < entries; i++) {
            cluster.set("x".repeat(500), prefix + i);
        }
    }

    private static void checkpoint(Member member) throws Exception {
        long applied = member.node.view().appliedIndex();
        assertThat(get(member.node.takeSnapshot(LONG))).isGreaterThanOrEqualTo(applied);
        assertThat(member.node.view().checkpointIndex()).isGreaterThanOrEqualTo(applied);
    }

    private Path group(TestCluster cluster, String engine) {
        return cluster.dir(engine).resolve("raft").resolve(cluster.id.toString());
    }

    private List<Path> checkpoints(TestCluster cluster, String engine) throws IOException {
        return Checkpoint.list(group(cluster, engine).resolve("sm"));
    }

    private boolean logPurged(TestCluster cluster, String engine) throws IOException {
        try (Stream<Path> files = Files.list(group(cluster, engine).resolve("current"))) {
            return files.noneMatch(f -> f.getFileName().toString().startsWith("log_0-"));
        }
    }

    @Test
    void anEngineWithoutRoomForItsCheckpointSaysSo() throws Exception {
        try (TestCluster cluster = cluster(1)) {
            fill(cluster, "a", 20);
            cluster.leader().state.heapBytes = 300L << 20;
            checkpoint(cluster.leader());
            cluster.kill("e1");
            assertThatThrownBy(() -> cluster.start("e1", config -> config.capacity(200L << 20)))
                    .hasRootCauseInstanceOf(RegistryTooLargeException.class)
                    .rootCause()
                    .hasMessageContaining("needs about 300 MiB of memory")
                    .hasMessageContaining("it can have 200: give the engine a larger heap");
            Member again = cluster.start("e1", config -> config.capacity(300L << 20));
            get(cluster.leader().node.readIndex(LONG));
            assertThat(again.state.size()).isEqualTo(20);
        }
    }

    @Test
    void anEngineWithoutRoomForTheLogBehindItsCheckpointSaysSo() throws Exception {
        try (TestCluster cluster = cluster(1)) {
            fill(cluster, "a", 20);
            checkpoint(cluster.leader());
            fill(cluster, "b", 20);
            cluster.kill("e1");
            Member without = cluster.start("e1", config -> config.capacity(30L << 20));
            assertThat(without.failure.get(LONG.toSeconds(), TimeUnit.SECONDS))
                    .isInstanceOf(RegistryTooLargeException.class)
                    .hasMessageContaining("of this engine's log needs about 31 MiB of memory")
                    .hasMessageContaining("it can have 30: give the engine a larger heap");
            assertThat(without.state.size()).isEqualTo(31);
            cluster.kill("e1");

            Member again = cluster.start("e1", config -> config.capacity(40L << 20));
            get(cluster.leader().node.readIndex(LONG));
            assertThat(again.state.size()).isEqualTo(40);
            fill(cluster, "c", 20);
            assertThat(again.failure)
                    .as("what a running engine takes is for the quota to say")
                    .isNotDone();
        }
    }

    @Test
    void aRestartedEngineGoesOnFromItsNewestCheckpointAndTheLogBehindIt() throws Exception {
        try (TestCluster cluster = cluster(1)) {
            fill(cluster, "a", 20);
            checkpoint(cluster.leader());
            Entry removal = Entry.newBuilder()
                    .setFormat(1)
                    .setProposal(5)
                    .addRecords(Record.newBuilder()
                            .setMachineMetadataSet(
                                    MachineMetadataSet.newBuilder().setKey("a3")))
                    .build();
            get(cluster.leader().node.propose(removal, LONG));
            fill(cluster, "b", 20);
            checkpoint(cluster.leader());
            fill(cluster, "c", 20);
            checkpoint(cluster.leader());
            cluster.set("tail", "t");
            assertThat(checkpoints(cluster, "e1")).hasSize(2);
            await().atMost(LONG).until(() -> logPurged(cluster, "e1"));

            cluster.kill("e1");
            Member again = cluster.start("e1");
            get(cluster.leader().node.readIndex(LONG));

            assertThat(again.state.restores()).isEqualTo(1);
            assertThat(again.state.size()).isEqualTo(60);
            assertThat(again.state.get("a3")).isNull();
            assertThat(again.state.get("t")).isEqualTo("tail");
            fill(cluster, "d", 5);
            checkpoint(again);
            cluster.kill("e1");
            assertThat(cluster.start("e1").state.size())
                    .as("the first checkpoint after a restart builds on the one before")
                    .isEqualTo(65);
        }
    }

    @Test
    void checkpointsAreWrittenByThemselves() throws Exception {
        try (TestCluster cluster =
                new TestCluster(dir, 1, b -> b.segmentBytes(4096).checkpointAfter(10, 1 << 20)).startAll()) {
            fill(cluster, "a", 50);
            await().atMost(LONG).until(() -> checkpoints(cluster, "e1").size() == 2 && logPurged(cluster, "e1"));
        }
    }

    @Test
    void aFollowerTooFarBehindInstallsTheLeadersCheckpoint() throws Exception {
        try (TestCluster cluster = cluster(3)) {
            cluster.set("v", "first");
            String behind = cluster.follower().config.engineId();
            cluster.kill(behind);
            for (int round = 0; round < 2; round++) {
                fill(cluster, "r" + round + "-", 20);
                for (Member member : cluster.members.values()) {
                    get(member.node.readIndex(LONG));
                    checkpoint(member);
                }
            }
            for (String engine : cluster.members.keySet()) {
                await().atMost(LONG).until(() -> logPurged(cluster, engine));
            }

            Member back = cluster.start(behind);
            cluster.set("w", "last");
            get(back.node.readIndex(LONG));

            assertThat(back.state.restores()).isPositive();
            assertThat(back.state.size()).isEqualTo(42);
            cluster.awaitEqualDigests();
            fill(cluster, "after", 3);
            get(back.node.readIndex(LONG));
            checkpoint(back);
            cluster.kill(behind);
            Member again = cluster.start(behind);
            get(again.node.readIndex(LONG));
            cluster.awaitEqualDigests();
        }
    }

    @Test
    void anEngineThatStartsWithNothingInstallsTheLeadersCheckpoint() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b.segmentBytes(4096))) {
            cluster.start("e1");
            cluster.start("e2");
            for (int round = 0; round < 2; round++) {
                fill(cluster, "r" + round + "-", 20);
                for (Member member : cluster.members.values()) {
                    get(member.node.readIndex(LONG));
                    checkpoint(member);
                }
            }
            await().atMost(LONG).until(() -> logPurged(cluster, "e1") && logPurged(cluster, "e2"));

            Member late = cluster.start("e3");
            get(late.node.readIndex(LONG));

            assertThat(late.state.restores()).isPositive();
            assertThat(late.state.size()).isEqualTo(40);
            cluster.awaitEqualDigests();
        }
    }

    @Test
    void aDamagedCheckpointIsDoneWithoutWhereTheLogReachesBackAndRefusedElsewhere() throws Exception {
        try (TestCluster cluster = cluster(1)) {
            for (int round = 0; round < 3; round++) {
                fill(cluster, "r" + round + "-", 20);
                checkpoint(cluster.leader());
            }
            cluster.kill("e1");
            List<Path> all = checkpoints(cluster, "e1");
            damage(all.get(0));

            Member again = cluster.start("e1");
            get(cluster.leader().node.readIndex(LONG));
            assertThat(again.state.size()).isEqualTo(60);
            cluster.kill("e1");

            damage(all.get(1));
            assertThatThrownBy(() -> cluster.start("e1"))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(all.get(1).toString())
                    .hasMessageContaining("backup");
        }
    }

    /** Flips bytes in the middle of every table file. */
    static void damage(Path checkpoint) throws IOException {
        try (Stream<Path> files = Files.list(checkpoint)) {
            for (Path table : files.filter(f -> f.toString().endsWith(".sst")).toList()) {
                byte[] bytes = Files.readAllBytes(table);
                Files.delete(table); // a hard link: others keep theirs
                for (int i = 0; i < bytes.length / 4; i++) {
                    bytes[i] ^= 0x55;
                }
                Files.write(table, bytes);
            }
        }
    }
}
