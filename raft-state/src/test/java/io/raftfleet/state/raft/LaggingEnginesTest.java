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
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
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
        // So that it is not they that decide.
        return new TestCluster(dir, 3, b -> b.electionTimeout(Duration.ofSeconds(2), Duration.ofSeconds(4))).startAll();
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
        "2, 6, 900, 2, 5, 0,   true", // that one does not vote for the other
        "3, 1, 900, 2, 5, 0,   true",
        "2, 5, 9,   2, 5, 8,   false",
        "2, 5, 8,   2, 5, 9,   true",
        "2, 5, 8,   2, 5, 0,   true", // on their way
        "2, 5, 900, 2, 5, 50,  true", // both are behind, and will be by less when asked
    })
    void whoStandsForElection(
            long term, long index, long unapplied, long term2, long index2, long unapplied2, boolean first) {
        var own = new Standing(new Position(9, term, index), unapplied);
        var other = new Standing(new Position(9, term2, index2), unapplied2);
        assertThat(own.isBefore("e1", other, "e2")).isEqualTo(first);
        assertThat(other.isBefore("e2", own, "e1")).isEqualTo(!first);
    }

    @Test
    void whatAnEngineDoesNotHaveItHasNotApplied() {
        var away = new Standing(new Position(9, 2, 100), 0);
        assertThat(away.unappliedUpTo(5_000)).isEqualTo(4_900);
        assertThat(away.unappliedUpTo(90)).isZero();
        assertThat(new Standing(new Position(9, 2, 100), 30).unappliedUpTo(100)).isEqualTo(30);
    }

    @Test
    void aLeaderThatIsGoneIsReplacedByOneThatHasAppliedItsLog() throws Exception {
        try (var cluster = cluster()) {
            fallBehind(cluster, "e2", "e1");
            var heard = member(cluster, "e3").events;
            int before = heard.size();

            cluster.kill("e2");

            assertThat(cluster.leader().config.engineId()).isEqualTo("e3");
            assertThat(heard.subList(before, heard.size())).as("in between").doesNotContain("leader e1");
            cluster.set("w", "a");
        }
    }

    @Test
    void oneThatIsElectedWithItsLogUnappliedHasAnotherLead() throws Exception {
        try (var cluster = cluster()) {
            fallBehind(cluster, "e2", "e1");
            var heard = member(cluster, "e3").events;
            int before = heard.size();

            var elected = cluster.leader().node.transferLeadership("e1", LONG);

            await().atMost(LONG).until(() -> heard.subList(before, heard.size()).contains("leader e1"));
            await().atMost(LONG)
                    .until(() -> Stream.of("e2", "e3")
                            .anyMatch(id -> member(cluster, id).leads()));
            assertThat(member(cluster, "e1").leads()).isFalse();
            cluster.set("w", "a");
            assertThat(elected).isDone();
        }
    }

    @Test
    void oneThatStopsHandsOverToOneThatHasAppliedItsLog() throws Exception {
        try (var cluster = cluster()) {
            for (var behind : List.of("e2", "e3")) {
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

            var begun = new CountDownLatch(1);
            var handedOver = CompletableFuture.runAsync(() -> {
                begun.countDown();
                stopping.node.handOver();
            });
            begun.await();
            propose(stopping, "w", "a");
            assertThat(handedOver).isNotDone();
            member(cluster, "e2").state.letGo();

            get(handedOver);
            assertThat(cluster.leader().config.engineId()).isEqualTo("e2");
        }
    }

    @Test
    void oneThatWasStartedSaysSoUntilItHasCaughtUp() throws Exception {
        try (var cluster = cluster()) {
            fallBehind(cluster, "e1");
            await().atMost(LONG).until(() -> member(cluster, "e3").node.catchingUp() == null);
            cluster.kill("e3");

            var started = cluster.startHeld("e3");
            await().atMost(LONG).until(() -> says(started, "has yet to apply"));
            started.state.letGo();
            await().atMost(LONG).until(() -> started.node.catchingUp() == null);

            fallBehind(cluster, "e1", "e3");
            assertThat(started.node.catchingUp()).as("once and for all").isNull();
        }
    }

    @Test
    void afterARestartOfAllNoneIsReadyBeforeItHasAppliedItsLog() throws Exception {
        try (var cluster = cluster()) {
            fallBehind(cluster, "e1");
            var all = List.copyOf(cluster.members.keySet());
            all.forEach(cluster::kill);

            for (var engine : all) {
                cluster.startHeld(engine);
            }
            await().atMost(LONG)
                    .until(() -> cluster.members.values().stream().allMatch(m -> says(m, "it was started")));
            for (var started : cluster.members.values()) {
                started.state.letGo();
                await().atMost(LONG).until(() -> started.node.catchingUp() == null && started.state.get("a") != null);
            }
        }
    }

    private static boolean says(Member member, String what) {
        var why = member.node.catchingUp();
        return why != null && why.contains(what);
    }
}
