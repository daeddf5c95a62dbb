package io.raftfleet.state.raft;

import static io.raftfleet.state.raft.TestCluster.LONG;
import static io.raftfleet.state.raft.TestCluster.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.raftfleet.state.raft.TestCluster.Member;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MembershipTest {
    @TempDir
    Path dir;

    private static List<String> ids(Member member) {
        return member.node.view().peers().stream().map(EnginePeer::id).sorted().toList();
    }

    private static List<EnginePeer> change(TestCluster cluster, List<EnginePeer> added, Set<String> removed)
            throws Exception {
        return get(cluster.leader().node.changeMembers(added, removed, LONG));
    }

    private static void checkpointAll(TestCluster cluster) throws Exception {
        for (Member member : cluster.members.values()) {
            get(member.node.readIndex(LONG));
            get(member.node.takeSnapshot(LONG));
        }
    }

    /** Writes without a pause until told to stop; any failed write fails the test. */
    private static final class Writer implements AutoCloseable {
        private final AtomicBoolean stop = new AtomicBoolean();
        private final AtomicInteger written = new AtomicInteger();
        private final CompletableFuture<Void> done = new CompletableFuture<>();

        Writer(TestCluster cluster) {
            // Not on the common pool, which Ratis needs.
            Thread.ofPlatform().name("writer").start(() -> {
                try {
                    while (!stop.get()) {
                        cluster.set("v", "w" + written.get());
                        written.incrementAndGet();
                    }
                    done.complete(null);
                } catch (Exception e) {
                    done.completeExceptionally(e);
                }
            });
        }

        int written() {
            return written.get();
        }

        @Override
        public void close() {
            stop.set(true);
            done.join();
        }
    }

    @Test
    void anEmptyEngineIsAddedUnderWritesFromACheckpointAndCountsFromThenOn() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b.segmentBytes(4096)).startAll()) {
            for (int round = 0; round < 2; round++) {
                for (int i = 0; i < 20; i++) {
                    cluster.set("x".repeat(500), "r" + round + "-" + i);
                }
                checkpointAll(cluster);
            }
            EnginePeer e4 = cluster.newPeer("e4");
            Member late;
            int during;
            try (Writer writer = new Writer(cluster)) {
                late = cluster.join(e4);
                assertThat(ids(late)).isEmpty();
                assertThat(change(cluster, List.of(e4), Set.of())).hasSize(4).contains(e4);
                during = writer.written();
                await().atMost(LONG).until(() -> writer.written() > during + 10);
            }
            assertThat(ids(late)).containsExactly("e1", "e2", "e3", "e4");
            assertThat(late.state.restores()).as("from a checkpoint").isPositive();
            cluster.awaitEqualDigests();

            List<String> old = cluster.followers().stream()
                    .filter(m -> m != late)
                    .map(m -> m.config.engineId())
                    .toList();
            cluster.kill(old.get(0));
            cluster.set("w", "three of four");
            cluster.kill("e4");
            cluster.members.remove("e4");
            Member again = cluster.join(e4);
            assertThat(ids(again)).as("the log knows the members").contains("e4");
            cluster.set("w", "three of four again");
            get(again.node.readIndex(LONG));
            assertThat(again.state.get("three of four")).isEqualTo("w");
        }
    }

    /**
     * What a lost disk can do: a write acknowledged by two engines, one of which then forgets it, and the other of which is cut
     * off, is gone if the forgetful one votes with the third.
     */
    @Test
    void committedOnTwoThenOneWipedAndTheOtherCutOffLosesNothing() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            cluster.set("v", "before");
            String leader = cluster.leader().config.engineId();
            List<String> followers =
                    cluster.followers().stream().map(m -> m.config.engineId()).toList();
            String wiped = followers.get(0);
            String behind = followers.get(1);
            cluster.kill(behind);
            cluster.set("v", "acknowledged"); // by the leader and the one to be wiped
            cluster.kill(wiped);
            DurableFiles.deleteTree(cluster.dir(wiped));
            cluster.kill(leader); // cut off
            Member alone = cluster.start(behind);

            // As it stands, without being told how to begin.
            assertThatThrownBy(() -> cluster.start(wiped, b -> b.bootstrap(false)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("must not vote");
            // As a new engine under the old name: the cluster knows better.
            EnginePeer old = cluster.peers.stream()
                    .filter(p -> p.id().equals(wiped))
                    .findFirst()
                    .orElseThrow();
            assertThatThrownBy(() -> cluster.join(old))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(wiped)
                    .hasMessageContaining("replace");
            // As a new engine at the old address: it has no vote in the old one's name.
            EnginePeer heir = new EnginePeer("e4", old.raftAddress(), old.grpcAddress(), old.httpAddress());
            Member e4 = cluster.join(heir);
            await().during(Duration.ofSeconds(2))
                    .atMost(Duration.ofSeconds(5))
                    .until(() -> !alone.leads() && !e4.leads());
            assertThatThrownBy(() -> TestCluster.propose(alone, "v", "other"))
                    .isInstanceOf(ReplicationException.NotLeader.class);

            cluster.start(leader); // back again, with what it knows
            change(cluster, List.of(heir), Set.of(wiped));

            assertThat(ids(cluster.leader())).doesNotContain(wiped).contains("e4", leader, behind);
            get(e4.node.readIndex(LONG));
            assertThat(e4.state.get("acknowledged")).isEqualTo("v");
            cluster.awaitEqualDigests();
            cluster.kill(leader);
            cluster.set("v", "with the new engine's vote");
        }
    }

    /** The same with the rule broken by hand, to show that the sequence before is one that loses a write. */
    @Test
    void anEngineThatIsMadeToVoteWithoutItsLogLosesTheWrite() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            String leader = cluster.leader().config.engineId();
            List<String> followers =
                    cluster.followers().stream().map(m -> m.config.engineId()).toList();
            cluster.kill(followers.get(1));
            cluster.set("v", "acknowledged");
            cluster.kill(followers.get(0));
            DurableFiles.deleteTree(cluster.dir(followers.get(0)));
            cluster.kill(leader);
            Member behind = cluster.start(followers.get(1));
            cluster.start(followers.get(0), b -> b.bootstrap(true));

            cluster.set("v", "other");

            get(behind.node.readIndex(LONG));
            assertThat(behind.state.get("acknowledged")).isNull();
        }
    }

    @Test
    void theLeaderIsReplacedAfterItHandedOver() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            Member old = cluster.leader();
            EnginePeer e4 = cluster.newPeer("e4");
            cluster.join(e4);
            try (Writer writer = new Writer(cluster)) {
                cluster.handOver(cluster.follower());
                change(cluster, List.of(e4), Set.of(old.config.engineId()));
                int before = writer.written();
                await().atMost(LONG).until(() -> writer.written() > before + 5);
            }
            cluster.kill(old.config.engineId());
            assertThat(ids(cluster.leader())).hasSize(3).contains("e4").doesNotContain(old.config.engineId());
            cluster.awaitEqualDigests();
        }
    }

    @Test
    void changesThatMakeNoSenseOrWouldEndTheQuorumAreRefusedAndChangeNothing() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            EnginePeer e4 = cluster.newPeer("e4");
            assertThatThrownBy(() -> change(cluster, List.of(), Set.of("e9")))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("e9");
            assertThatThrownBy(() -> change(cluster, List.of(cluster.peers.get(1)), Set.of()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("member already");
            assertThatThrownBy(() -> change(
                            cluster,
                            List.of(new EnginePeer("e4", cluster.peers.get(1).raftAddress(), "a:1", "a:2")),
                            Set.of()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("address");
            assertThatThrownBy(() -> get(cluster.follower().node.changeMembers(List.of(e4), Set.of(), LONG)))
                    .isInstanceOf(ReplicationException.NotLeader.class);
            assertThatThrownBy(() -> change(cluster, List.of(e4), Set.of()))
                    .as("nobody is there")
                    .isInstanceOf(ReplicationException.Unavailable.class)
                    .hasMessageContaining("e4");
            cluster.set("v", "a");

            List<Member> followers = List.copyOf(cluster.followers());
            cluster.kill(followers.get(0).config.engineId());
            await().atMost(LONG)
                    .untilAsserted(() -> assertThatThrownBy(() -> change(
                                    cluster,
                                    List.of(),
                                    Set.of(followers.get(1).config.engineId())))
                            .isInstanceOf(ReplicationException.Unavailable.class)
                            .hasMessageContaining(followers.get(0).config.engineId()));
            cluster.set("v", "b");
            change(cluster, List.of(), Set.of(followers.get(0).config.engineId()));
            assertThat(ids(cluster.leader())).hasSize(2);
        }
    }

    @Test
    void aNewLeaderKnowsThatALostEngineDoesNotAnswer() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            cluster.set("v", "a");
            Member old = cluster.leader();
            List<Member> followers = List.copyOf(cluster.followers());
            cluster.kill(followers.get(0).config.engineId());
            cluster.handOver(followers.get(1));

            assertThatThrownBy(() ->
                            get(followers.get(1).node.changeMembers(List.of(), Set.of(old.config.engineId()), LONG)))
                    .isInstanceOf(ReplicationException.Unavailable.class)
                    .hasMessageContaining("Nothing was changed");
            cluster.set("v", "b");
        }
    }

    @Test
    void aClusterGrowsFromOneEngineAndShrinksAgain() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 1, b -> b).startAll()) {
            cluster.set("v", "a");
            for (int i = 2; i <= 3; i++) {
                EnginePeer peer = cluster.newPeer("e" + i);
                cluster.join(peer);
                change(cluster, List.of(peer), Set.of());
            }
            cluster.awaitEqualDigests();
            for (Member follower : List.copyOf(cluster.followers())) {
                change(cluster, List.of(), Set.of(follower.config.engineId()));
                cluster.kill(follower.config.engineId());
            }
            cluster.set("v", "b");
            assertThat(ids(cluster.leader())).hasSize(1);
        }
    }

    @Test
    void anEngineJoinsALeaderOfWhichItWasNotTold() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            cluster.set("v", "a");
            EnginePeer e4 = cluster.newPeer("e4");
            Member late = cluster.join(e4, List.of(cluster.follower().config.self()));

            assertThat(change(cluster, List.of(e4), Set.of())).hasSize(4);

            cluster.set("v", "b");
            cluster.awaitEqualDigests();
            assertThat(ids(late)).hasSize(4);
        }
    }

    @Test
    void anEngineThatWasAwayTakesALeaderThatJoinedMeanwhile() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            cluster.set("v", "a");
            List<String> followers =
                    cluster.followers().stream().map(m -> m.config.engineId()).toList();
            cluster.kill(followers.get(0));
            EnginePeer e4 = cluster.newPeer("e4");
            Member fresh = cluster.join(e4);
            change(cluster, List.of(e4), Set.of(followers.get(1)));
            cluster.kill(followers.get(1));
            cluster.handOver(fresh);
            cluster.set("v", "b");

            Member back = cluster.start(followers.get(0));

            await().atMost(LONG).until(() -> back.state.get("b") != null);
            assertThat(ids(back)).contains("e4").doesNotContain(followers.get(1));
        }
    }

    @Test
    void aDirectoryWhoseEngineWasRefusedATakenIdIsFreeForAnotherOne() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            String lost = cluster.follower().config.engineId();
            cluster.kill(lost);
            DurableFiles.deleteTree(cluster.dir(lost));
            EnginePeer old = cluster.newPeer(lost);
            assertThatThrownBy(() -> cluster.join(old))
                    .isInstanceOf(StartRefusedException.class)
                    .hasMessageContaining("Choose a new engine id");

            Files.move(cluster.dir(lost), cluster.dir("e4"));
            EnginePeer e4 = cluster.newPeer("e4");
            cluster.join(e4);
            assertThat(change(cluster, List.of(e4), Set.of(lost))).hasSize(3).contains(e4);
        }
    }

    @Test
    void anEngineThatWasRemovedEndsAndDoesNotStartAgain() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            Member removed = cluster.follower();
            String id = removed.config.engineId();
            change(cluster, List.of(), Set.of(id));

            assertThat(get(removed.failure))
                    .isInstanceOf(StartRefusedException.class)
                    .hasMessageContaining("it was removed from the cluster");
            cluster.kill(id);
            assertThatThrownBy(() -> cluster.start(id))
                    .isInstanceOf(StartRefusedException.class)
                    .hasMessageContaining("it was removed from the cluster");
        }
    }

    @Test
    void anEngineThatWasAwayWhenItWasRemovedIsToldSoAndDoesNotStartAgain() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            String gone = cluster.follower().config.engineId();
            cluster.kill(gone);
            change(cluster, List.of(), Set.of(gone));
            cluster.set("v", "a");

            Member back = cluster.start(gone);

            assertThat(get(back.failure))
                    .isInstanceOf(StartRefusedException.class)
                    .hasMessageContaining("it was removed from the cluster");
            cluster.kill(gone);
            assertThatThrownBy(() -> cluster.start(gone))
                    .isInstanceOf(StartRefusedException.class)
                    .hasMessageContaining("it was removed from the cluster");
        }
    }

    @Test
    void anEngineBringsNoClusterBackThatIsThere() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            String asked = cluster.follower().config.engineId();
            cluster.kill(asked);
            Path backup = Files.writeString(dir.resolve("fleet.backup"), "units");
            assertThat(FirstStart.restore(cluster.dir(asked), cluster.id, asked, Optional.of(backup)))
                    .isPresent();
            assertThatThrownBy(() -> cluster.start(asked))
                    .isInstanceOf(StartRefusedException.class)
                    .hasMessageContaining("runs and counts it as a member");

            Set.copyOf(cluster.members.keySet()).forEach(cluster::kill);
            assertThat(cluster.start(asked).node.preparedBackup()).isPresent();
            assertThat(cluster.leader().config.engineId()).isEqualTo(asked);
        }
    }

    @Test
    void anEngineThatFindsNobodyDoesNotJoin() throws Exception {
        TestCluster cluster = new TestCluster(dir, 2, b -> b);
        assertThatThrownBy(() -> cluster.join(cluster.newPeer("e4")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("none of")
                .hasMessageContaining(cluster.peers.get(0).raftAddress());
    }
}
