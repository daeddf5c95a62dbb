package io.raftfleet.state.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.raftfleet.state.raft.TestCluster.Member;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A leader whose follower lacks what it had acknowledged. */
class RecountingAppenderTest {
    private static final Duration LONG = TestCluster.LONG;

    @TempDir
    Path dir;

    @Test
    void aFollowerThatLacksWhatItAcknowledgedIsCountedAnewAndCaughtUp() throws Exception {
        TestCluster cluster = new TestCluster(dir, 3, b -> b);
        try (cluster;
                var e2 = new ScriptedFollower(cluster.peers.get(1));
                var e3 = new ScriptedFollower(cluster.peers.get(2))) {
            Member leader = cluster.start("e1");
            for (int i = 0; i < 10; i++) {
                cluster.set("v", "k" + i);
            }
            long end = leader.node.view().logIndex();
            await().atMost(LONG).until(() -> matched(leader, "e3") == end && e2.end() == end);

            e3.loseBehind(4);

            await("the leader no longer counts what the follower lacks")
                    .atMost(LONG)
                    .until(() -> matched(leader, "e3") <= 4);
            e3.accept();
            await("the follower is caught up")
                    .atMost(LONG)
                    .until(() -> e3.end() >= end && matched(leader, "e3") >= end);
            cluster.set("v", "after");
            assertThat(leader.node.view().role()).isEqualTo(RaftView.Role.LEADER);
        }
    }

    @Test
    void entriesWhoseAnswerWasLostAreSentAgainThoughNothingFollowsThem() throws Exception {
        TestCluster cluster = new TestCluster(dir, 3, b -> b);
        try (cluster;
                var e2 = new ScriptedFollower(cluster.peers.get(1));
                var e3 = new ScriptedFollower(cluster.peers.get(2))) {
            Member leader = cluster.start("e1");
            cluster.set("v", "before");
            long end = leader.node.view().logIndex();
            await().atMost(LONG).until(() -> matched(leader, "e3") == end && e2.end() == end);

            e2.stop();
            e3.loseNextAnswer();
            cluster.set("v", "with the word of one follower alone");

            assertThat(matched(leader, "e3")).isGreaterThan(end);
            assertThat(leader.node.view().role()).isEqualTo(RaftView.Role.LEADER);
        }
    }

    @Test
    void whatAFollowerHasCommittedMeanwhileIsCountedAndNotSentAgain() throws Exception {
        TestCluster cluster = new TestCluster(dir, 3, b -> b);
        try (cluster;
                var e2 = new ScriptedFollower(cluster.peers.get(1));
                var e3 = new ScriptedFollower(cluster.peers.get(2))) {
            Member leader = cluster.start("e1");
            cluster.set("v", "before");
            long end = leader.node.view().logIndex();
            await().atMost(LONG).until(() -> matched(leader, "e3") == end && e2.end() == end);

            e3.loseNextAnswer();
            cluster.set("v", "with the word of the other follower");

            long last = leader.node.view().logIndex();
            await("the follower counts though no entry follows")
                    .atMost(LONG)
                    .until(() -> matched(leader, "e3") >= last && e3.end() >= last);
        }
    }

    private static long matched(Member leader, String follower) {
        return leader.node.view().matchIndex().getOrDefault(follower, -2L);
    }
}
