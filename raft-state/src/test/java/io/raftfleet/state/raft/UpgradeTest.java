package io.raftfleet.state.raft;

import static io.raftfleet.state.raft.TestCluster.LONG;
import static io.raftfleet.state.raft.TestCluster.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.raft.TestCluster.Member;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Engines of different versions, and engines that have come apart. */
class UpgradeTest {
    @TempDir
    Path dir;

    private static Entry newer(String key) {
        return TestCluster.entry("v", key).toBuilder().setFormat(2).build();
    }

    @Test
    void aNewerFormatIsRefusedBeforeItIsWrittenUntilTheLastEngineReadsIt() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b.entryFormat(2))) {
            cluster.start("e1");
            cluster.start("e2");
            cluster.start("e3", b -> b.entryFormat(1));
            if (cluster.leader().config.engineId().equals("e3")) {
                cluster.handOver(cluster.follower());
            }
            Member newest = cluster.leader();
            await().atMost(LONG)
                    .untilAsserted(() -> assertThatThrownBy(() -> get(newest.node.propose(newer("a"), LONG)))
                            .isInstanceOf(ReplicationException.Unavailable.class)
                            .hasMessageContaining("upgrade [e3]"));
            cluster.set("v", "old format");
            cluster.awaitEqualDigests();
            assertThat(newest.state.get("a")).isNull();

            cluster.kill("e3");
            cluster.start("e3");

            await().atMost(LONG)
                    .ignoreExceptions()
                    .until(() -> get(cluster.leader().node.propose(newer("a"), LONG))
                                    .dropped()
                                    .size()
                            == 1);
            cluster.awaitEqualDigests();
        }
    }

    /** What was written cannot be taken back: whoever leads goes on in that format, whether the others answer or not. */
    @Test
    void aFormatOnceWrittenIsWrittenByALeaderThatHasNeverHeardOfTheThirdEngine() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b.entryFormat(2)).startAll()) {
            await().atMost(LONG)
                    .ignoreExceptions()
                    .until(() -> get(cluster.leader().node.propose(newer("a"), LONG))
                                    .dropped()
                                    .size()
                            == 1);
            cluster.awaitEqualDigests();
            List.of("e1", "e2", "e3").forEach(cluster::kill);
            cluster.start("e1");
            cluster.start("e2");
            Member leader = cluster.leader();
            assertThat(get(leader.node.propose(newer("b"), LONG)).dropped()).hasSize(1);
            assertThat(leader.state.get("b")).isEqualTo("v");
        }
    }

    @Test
    void aGroupThatHasNothingYetBeginsInTheFormatOfItsMajorityThoughTheThirdEngineIsAway() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b.entryFormat(2))) {
            cluster.start("e1");
            cluster.start("e2");
            Member leader = cluster.leader();
            await().atMost(LONG)
                    .ignoreExceptions()
                    .until(() ->
                            get(leader.node.propose(newer("a"), LONG)).dropped().size() == 1);
            Member late = cluster.start("e3");
            await().atMost(LONG).until(() -> "v".equals(late.state.get("a")));
        }
    }

    @Test
    void aGroupThatHasSomethingWaitsForTheThirdEngineToSayWhatItReads() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b.entryFormat(2))) {
            cluster.start("e1");
            cluster.start("e2");
            cluster.set("v", "something");
            Member leader = cluster.leader();
            assertThatThrownBy(() -> get(leader.node.requireFormat(2)))
                    .isInstanceOf(ReplicationException.Unavailable.class)
                    .hasMessageContaining("upgrade [e3]");
            assertThatThrownBy(() -> get(leader.node.propose(newer("a"), LONG)))
                    .isInstanceOf(ReplicationException.Unavailable.class)
                    .hasMessageContaining("upgrade [e3]");
        }
    }

    @Test
    void aRecordOfAnUnknownKindIsRefusedBeforeItIsWritten() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 1, b -> b).startAll()) {
            Member only = cluster.leader();
            long before = only.node.view().commitIndex();
            Entry entry = TestCluster.entry("v", "a").toBuilder()
                    .addRecords(Record.getDefaultInstance())
                    .build();
            assertThatThrownBy(() -> get(only.node.propose(entry, LONG)))
                    .isInstanceOf(ReplicationException.class)
                    .hasMessageContaining("kind");
            assertThat(only.state.get("a")).isNull();
            assertThat(only.node.view().commitIndex()).isEqualTo(before);
            assertThat(cluster.set("v", "b").index()).isEqualTo(before + 1);
        }
    }

    @Test
    void anEngineThatReadsAnEntryOfANewerVersionStopsAndAppliesNothingOfIt() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 1, b -> b)) {
            cluster.start("e1", b -> b.entryFormat(2));
            get(cluster.leader().node.propose(newer("a"), LONG));
            cluster.kill("e1");
            Member old = cluster.start("e1", b -> b.entryFormat(1));
            assertThat(get(old.failure))
                    .hasMessageContaining("entry format 2")
                    .hasMessageContaining("reads up to 1: upgrade this engine, or take away its entry_format");
            assertThat(old.state.get("a")).isNull();
        }
    }

    /** It may have come from another engine, in whose log it was. */
    @Test
    void whatACheckpointNeedsIsNotedForPackages() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 1, b -> b.entryFormat(2)).startAll()) {
            get(cluster.leader().node.propose(newer("a"), LONG));
            get(cluster.leader().node.takeSnapshot(LONG));
            cluster.kill("e1");
            Path note = cluster.dir("e1").resolve("entry-format");
            assertThat(note).hasContent("2");
            Files.delete(note);
            cluster.start("e1");
            assertThat(note).hasContent("2");
            cluster.kill("e1");
            Files.writeString(note, "3\n");
            cluster.start("e1");
            assertThat(note).as("of the log behind the checkpoint").hasContent("3");
        }
    }

    @Test
    void theEngineWhoseRegistryDiffersQuarantinesItself() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b.digestEvery(10)).startAll()) {
            for (int i = 0; i < 30; i++) {
                cluster.set("v", "k" + i);
            }
            cluster.awaitEqualDigests();
            List<Member> all = List.copyOf(cluster.members.values());
            assertThat(all).noneMatch(m -> m.failure.isDone());
            Member odd = cluster.follower();
            odd.state.put("k1", "a flipped bit");

            await().atMost(LONG).until(() -> {
                cluster.set("v", "more");
                return odd.failure.isDone();
            });

            assertThat(get(odd.failure)).hasMessageContaining("differs").hasMessageContaining("replace");
            assertThatThrownBy(() -> get(odd.node.readIndex(LONG)))
                    .isInstanceOf(ReplicationException.Unavailable.class)
                    .hasMessageContaining("quarantined");
            cluster.kill(odd.config.engineId());
            assertThatThrownBy(() -> cluster.start(odd.config.engineId()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("quarantined");
            cluster.set("v", "the others go on");
            assertThat(all).filteredOn(m -> m != odd).noneMatch(m -> m.failure.isDone());
        }
    }
}
