package io.raftfleet.state.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.raftfleet.state.raft.TestCluster.Member;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A leader whose followers lack what they had acknowledged, or did not come to acknowledge what they have. */
class RecountingAppenderTest {
    private static final Duration LONG = TestCluster.LONG;

    @TempDir
    Path dir;

    private TestCluster cluster;
    private ScriptedFollower e2;
    private ScriptedFollower e3;
    private Member leader;

    @BeforeEach
    void lead() throws Exception {
        cluster = new TestCluster(dir, 3, b -> b);
        e2 = new ScriptedFollower(cluster.peers.get(1));
        e3 = new ScriptedFollower(cluster.peers.get(2));
        leader = cluster.start("e1");
    }

    @AfterEach
    void end() throws Exception {
        cluster.close();
        e2.close();
        e3.close();
    }

    @Test
    void aFollowerThatLacksWhatItAcknowledgedIsCountedAnewAndCaughtUp() throws Exception {
        long end = acknowledged(10);

        e3.loseBehind(4);

        await("the leader no longer counts what the follower lacks")
                .atMost(LONG)
                .until(() -> matchedByE3() <= 4);
        e3.accept();
        await("the follower is caught up").atMost(LONG).until(() -> e3.end() >= end && matchedByE3() >= end);
        cluster.set("v", "after");
        assertThat(leader.node.view().role()).isEqualTo(RaftView.Role.LEADER);
    }

    @Test
    void entriesWhoseAnswerWasLostAreSentAgainThoughNothingFollowsThem() throws Exception {
        long end = acknowledged(1);

        e2.close();
        e3.loseNextAnswer();
        cluster.set("v", "with the word of one follower alone");

        assertThat(matchedByE3()).isGreaterThan(end);
        assertThat(leader.node.view().role()).isEqualTo(RaftView.Role.LEADER);
    }

    @Test
    void whatAFollowerHasCommittedMeanwhileIsCountedAndNotSentAgain() throws Exception {
        long before = acknowledged(1);

        e3.loseNextAnswerAndCommit();
        cluster.set("v", "with the word of the other follower");

        long last = leader.node.view().logIndex();
        assertThat(last).isGreaterThan(before);
        await("the follower counts though no entry follows")
                .atMost(LONG)
                .until(() -> matchedByE3() >= last && e3.end() >= last);
    }

    /** An answer is taken up in steps, and the appender may run in between. */
    @Test
    void whatIsBeingAnsweredIsNotSentAgain() throws Exception {
        long end = acknowledged(2000);

        assertThat(e3.end()).isEqualTo(end);
        assertThat(e2.repeats() + e3.repeats()).as("entries sent again").isZero();
    }

    /** Sets so many values; the end of the log, when both followers have acknowledged it. */
    private long acknowledged(int values) throws Exception {
        for (int i = 0; i < values; i++) {
            cluster.set("v", "k" + i);
        }
        long end = leader.node.view().logIndex();
        await().atMost(LONG).until(() -> matchedByE3() == end && e2.end() == end);
        return end;
    }

    private long matchedByE3() {
        return leader.node.view().matchIndex().getOrDefault("e3", -2L);
    }
}
