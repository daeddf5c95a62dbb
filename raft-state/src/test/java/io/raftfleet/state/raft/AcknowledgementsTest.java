package io.raftfleet.state.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.raftfleet.state.raft.TestCluster.Member;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.ratis.util.CodeInjectionForTesting;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an engine acknowledges to leaders while its log's writer is held up: no more than its log holds, on the disk. */
class AcknowledgementsTest {
    private static final Duration LONG = TestCluster.LONG;
    /** Where Ratis' log worker begins, before it writes anything. */
    private static final String WRITER = "SegmentedRaftLogWorker.runWorker";
    /** Behind the call that appends a request's entries to the log in memory. */
    private static final String APPENDED = "RaftServerImpl.appendEntries.logComplete";

    @TempDir
    Path dir;

    private final CountDownLatch disk = new CountDownLatch(1);
    private final AtomicInteger appended = new AtomicInteger();

    @BeforeEach
    void holdTheDisk() {
        CodeInjectionForTesting.put(WRITER, (self, other, args) -> {
            try {
                disk.await();
                return true;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        });
        CodeInjectionForTesting.put(APPENDED, (self, other, args) -> appended.incrementAndGet() > 0);
    }

    @AfterEach
    void removeInjections() {
        disk.countDown();
        CodeInjectionForTesting.remove(WRITER);
        CodeInjectionForTesting.remove(APPENDED);
    }

    /** One of three, the others of which are not there, that waits for a leader. */
    private TestCluster follower() throws Exception {
        return new TestCluster(dir, 3, b -> b.electionTimeout(Duration.ofSeconds(60), Duration.ofSeconds(90)));
    }

    private void awaitAppended(int requests) {
        await().atMost(LONG).until(() -> appended.get() >= requests);
    }

    @Test
    void entriesSentAgainWithMoreBehindThemAreAllThere() throws Exception {
        try (TestCluster cluster = follower();
                var leader = new ScriptedLeader("e2", cluster.peers.getFirst(), cluster.id)) {
            Member e1 = cluster.start("e1");
            var stream = leader.stream();

            stream.send(5, 0, 0, 1);
            awaitAppended(1);
            stream.send(5, 0, 0, 3);
            awaitAppended(2);
            disk.countDown();

            await().atMost(LONG).until(() -> stream.acknowledged() == 3);
            assertThat(e1.node.view().logIndex()).isEqualTo(3);
            assertThat(stream.ended).isFalse();
        }
    }

    @Test
    void anotherTermsEntriesAreNotTakenForThoseOnTheirWay() throws Exception {
        try (TestCluster cluster = follower();
                var old = new ScriptedLeader("e2", cluster.peers.getFirst(), cluster.id);
                var leader = new ScriptedLeader("e3", cluster.peers.getFirst(), cluster.id)) {
            Member e1 = cluster.start("e1");
            var oldStream = old.stream();
            var stream = leader.stream();

            oldStream.send(5, 0, 0, 1);
            awaitAppended(1);
            stream.send(6, 0, 0, 0);
            awaitAppended(2);
            disk.countDown();

            await().atMost(LONG).until(() -> stream.acknowledged() == 0);
            assertThat(e1.node.view().logTerm()).isEqualTo(6);
            assertThat(e1.node.view().logIndex()).isZero();
            await("the old leader hears of no success").atMost(LONG).until(() -> oldStream.ended);
            assertThat(oldStream.acknowledged()).isEqualTo(-1);
        }
    }

    @Test
    void entriesSentAgainOnANewStreamAreNotAcknowledgedBeforeTheyAreOnTheDisk() throws Exception {
        try (TestCluster cluster = follower();
                var leader = new ScriptedLeader("e2", cluster.peers.getFirst(), cluster.id)) {
            cluster.start("e1");

            var first = leader.stream();
            first.send(5, 0, 0, 1);
            awaitAppended(1);
            var again = leader.stream();
            again.send(5, 0, 0, 1);

            await().atMost(LONG).until(() -> again.ended);
            assertThat(again.acknowledged()).isEqualTo(-1);
            disk.countDown();
            await().atMost(LONG).until(() -> first.acknowledged() == 1);
        }
    }
}
