package io.raftfleet.state.raft;

import static io.raftfleet.state.raft.TestCluster.LONG;
import static io.raftfleet.state.raft.TestCluster.get;
import static io.raftfleet.state.raft.TestCluster.propose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.raftfleet.state.raft.PeerMessages.Position;
import io.raftfleet.state.raft.PeerMessages.Standing;
import io.raftfleet.state.raft.TestCluster.Member;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Engines that have the whole log, and have yet to apply it. */
class LaggingEnginesTest {
    private static final int MANY = 3 * (int) Standing.ON_THEIR_WAY;

    @TempDir
    private Path dir;

    private TestCluster cluster() throws Exception {
        return new TestCluster(dir, 3, b -> b).startAll();
    }

    private static Member member(TestCluster cluster, String engine) {
        return Objects.requireNonNull(cluster.members.get(engine));
    }

    /** From now on these do not apply what they have in their logs. */
    private static void fallBehind(TestCluster cluster, String leader, String... engines) throws Exception {
        cluster.handOver(member(cluster, leader));
        for (var engine : engines) {
            member(cluster, engine).state.hold();
        }
        for (int i = 0; i < MANY; i++) {
            propose(cluster.leader(), "v" + i, "a");
        }
        long end = member(cluster, leader).node.view().logIndex();
        await("all logs are as long")
                .atMost(LONG)
                .until(() -> cluster.members.values().stream()
                        .allMatch(m -> m.node.view().logIndex() >= end));
    }

    @ParameterizedTest
    @CsvSource({
        "2, 5, 0,   2, 5, 0,   true", // the smaller id
        "2, 6, 900, 2, 5, 0,   true", // the other could not win
        "3, 1, 900, 2, 5, 0,   true",
        "2, 5, 9,   2, 5, 8,   false",
        "2, 5, 8,   2, 5, 9,   true",
        "2, 5, 8,   2, 5, 0,   true", // on their way
        "2, 5, 50,  2, 5, 900, true",
        "2, 5, 900, 2, 5, 50,  false",
    })
    void whoStandsForElection(
            long term, long index, long unapplied, long term2, long index2, long unapplied2, boolean first) {
        var own = new Standing(new Position(9, term, index), unapplied);
        var other = new Standing(new Position(9, term2, index2), unapplied2);
        assertThat(own.isBefore("e1", other, "e2")).isEqualTo(first);
        assertThat(other.isBefore("e2", own, "e1")).isEqualTo(!first);
    }

    @Test
    void aLeaderThatIsGoneIsReplacedByOneThatHasAppliedItsLog() throws Exception {
        try (var cluster = cluster()) {
            fallBehind(cluster, "e2", "e1");

            cluster.kill("e2");

            assertThat(cluster.leader().config.engineId()).isEqualTo("e3");
            cluster.set("w", "a");
        }
    }

    @Test
    void oneThatIsElectedWithItsLogUnappliedHasAnotherLead() throws Exception {
        try (var cluster = cluster()) {
            fallBehind(cluster, "e2", "e1");
            long term = cluster.leader().node.view().term();

            var elected = cluster.leader().node.transferLeadership("e1", LONG);

            await().atMost(LONG)
                    .until(() -> cluster.members.values().stream()
                            .anyMatch(m -> m.leads() && m.node.view().term() > term + 1));
            assertThat(member(cluster, "e1").leads()).isFalse();
            propose(cluster.leader(), "w", "a");
            assertThat(elected).isDone();
        }
    }

    @Test
    void oneThatStopsHandsOverToOneThatHasAppliedItsLog() throws Exception {
        try (var cluster = cluster()) {
            for (var behind : new String[] {"e2", "e3"}) {
                fallBehind(cluster, "e1", behind);
                member(cluster, "e1").node.handOver();
                await().atMost(LONG)
                        .until(() -> !cluster.leader().config.engineId().equals("e1"));
                assertThat(cluster.leader().config.engineId()).isNotEqualTo(behind);
                member(cluster, behind).state.letGo();
            }
        }
    }

    @Test
    void oneThatStopsLeadsUntilAnotherHasAppliedItsLog() throws Exception {
        try (var cluster = cluster()) {
            fallBehind(cluster, "e1", "e2", "e3");
            var stopping = member(cluster, "e1");

            var handedOver = CompletableFuture.runAsync(stopping.node::handOver);
            propose(stopping, "w", "a");
            member(cluster, "e2").state.letGo();

            get(handedOver);
            assertThat(cluster.leader().config.engineId()).isEqualTo("e2");
        }
    }

    @Test
    void oneThatWasStartedSaysSoUntilItHasCaughtUp() throws Exception {
        try (var cluster = cluster()) {
            fallBehind(cluster, "e1");
            assertThat(member(cluster, "e3").node.catchingUp()).isZero();
            cluster.kill("e3");

            var started = cluster.startHeld("e3");
            await().atMost(LONG).until(() -> started.node.leader() != null);
            await().atMost(LONG).until(() -> started.node.catchingUp() > Standing.ON_THEIR_WAY);
            started.state.letGo();
            await().atMost(LONG).until(() -> started.node.catchingUp() == 0);

            fallBehind(cluster, "e1", "e3");
            assertThat(started.node.catchingUp()).as("once and for all").isZero();
        }
    }
}
