package io.raftfleet.state.raft;

import static io.raftfleet.state.raft.TestCluster.LONG;
import static io.raftfleet.state.raft.TestCluster.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import io.raftfleet.state.raft.TestCluster.Member;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RaftNodeTest {
    @TempDir
    Path dir;

    @Test
    void proposalsApplyOnAllEnginesAndTellWhatWasDropped() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            Member leader = cluster.leader();

            ApplyResult result = get(leader.node.propose(KeyValueState.set(7, "v", "a", "", "b"), LONG));

            assertThat(result.proposal()).isEqualTo(7);
            assertThat(result.dropped()).containsExactly(null, "no key", null);
            assertThat(leader.state.get("a")).isEqualTo("v");
            cluster.awaitEqualDigests();
            assertThat(leader.events).contains("leader " + leader.config.engineId());
            assertThat(leader.node.view().role()).isEqualTo(RaftView.Role.LEADER);
            assertThat(leader.node.view().matchIndex()).hasSize(2);
            assertThat(leader.node.logTimes()).containsOnlyKeys("append", "flush", "queue");
            assertThat(leader.node.logTimes().values())
                    .allMatch(time -> time.count() > 0 && time.p99() >= time.median());
            assertThat(cluster.follower().node.leader())
                    .as("addresses come from Raft's configuration")
                    .isEqualTo(leader.config.self());
        }
    }

    @Test
    void aFollowerRefusesProposalsAndBadEntriesAreRefusedEverywhere() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            assertThatThrownBy(() -> TestCluster.propose(cluster.follower(), "v", "a"))
                    .isInstanceOf(ReplicationException.NotLeader.class);
            RaftNode leader = cluster.leader().node;
            assertThatThrownBy(() -> get(leader.propose(TestCluster.entry("x".repeat(1 << 20), "a"), LONG)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("1048576");
            Entry future = Entry.newBuilder()
                    .setFormat(99)
                    .setProposal(1)
                    .addRecords(Record.getDefaultInstance())
                    .build();
            assertThatThrownBy(() -> get(leader.propose(future, LONG)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("99");
            assertThat(get(leader.propose(TestCluster.entry("x".repeat((1 << 20) - 100), "a"), LONG))
                            .dropped())
                    .hasSize(1);
            cluster.awaitEqualDigests();
        }
    }

    @Test
    void aReadOnAnyEngineSeesWhatWasAcknowledgedBefore() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            for (int i = 0; i < 50; i++) {
                String value = "v" + i;
                long index = cluster.set(value, "k").index();
                for (Member member : cluster.members.values()) {
                    assertThat(get(member.node.readIndex(LONG))).isGreaterThanOrEqualTo(index);
                    assertThat(member.state.get("k")).isEqualTo(value);
                }
            }
        }
    }

    @Test
    void concurrentReadsShareRounds() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            cluster.set("v", "k");
            for (Member member : cluster.members.values()) {
                long before = member.node.rounds().reads();
                List<CompletableFuture<Long>> reads = new ArrayList<>();
                for (int i = 0; i < 1000; i++) {
                    reads.add(member.node.readIndex(LONG));
                }
                for (CompletableFuture<Long> read : reads) {
                    get(read);
                }
                assertThat(member.node.rounds().reads() - before).isBetween(1L, 200L);
            }
            long term = get(cluster.leader().node.confirmLeadership(LONG));
            assertThat(term).isEqualTo(cluster.leader().node.view().term());
            assertThatThrownBy(() -> get(cluster.follower().node.confirmLeadership(LONG)))
                    .isInstanceOf(ReplicationException.NotLeader.class);
        }
    }

    @Test
    void afterTheLeaderStoppedAnotherGoesOnAndNothingAcknowledgedIsLost() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            for (int i = 0; i < 20; i++) {
                cluster.set("before", "b" + i);
            }
            Member old = cluster.leader();
            cluster.kill(old.config.engineId());

            for (int i = 0; i < 20; i++) {
                cluster.set("after", "a" + i);
            }

            Member leader = cluster.leader();
            assertThat(leader.state.size()).isEqualTo(40);
            cluster.start(old.config.engineId());
            cluster.awaitEqualDigests();
            assertThat(old.events).anyMatch(e -> e.startsWith("stopped"));
        }
    }

    @Test
    void allEnginesRestartWithWhatTheyHad() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            cluster.set("v", "a", "b", "c");
            List.copyOf(cluster.members.keySet()).forEach(cluster::kill);

            cluster.startAll();

            get(cluster.follower().node.readIndex(LONG));
            assertThat(cluster.follower().state.size()).isEqualTo(3);
            cluster.set("w", "a");
            cluster.awaitEqualDigests();
        }
    }

    @Test
    void withoutAQuorumFatesAreUnknownAndReadsUnavailable() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            cluster.set("v", "a");
            Member leader = cluster.leader();
            List<Thread> killers = cluster.followers().stream()
                    .map(f -> Thread.ofPlatform().start(() -> f.node.close()))
                    .toList();

            List<CompletableFuture<ApplyResult>> proposals = new ArrayList<>();
            await().atMost(LONG).pollInterval(Duration.ofMillis(5)).until(() -> {
                proposals.add(leader.node.propose(TestCluster.entry("w", "b"), Duration.ofSeconds(2)));
                return leader.node.view().role() != RaftView.Role.LEADER;
            });

            List<Object> outcomes = new ArrayList<>();
            for (CompletableFuture<ApplyResult> proposal : proposals) {
                try {
                    outcomes.add(get(proposal));
                } catch (ReplicationException e) {
                    outcomes.add(e.getClass());
                }
            }
            assertThat(outcomes).contains(ReplicationException.FateUnknown.class);
            assertThatThrownBy(() -> get(leader.node.readIndex(Duration.ofSeconds(1))))
                    .isInstanceOf(ReplicationException.Unavailable.class);
            assertThatThrownBy(() -> get(leader.node.confirmLeadership(Duration.ofSeconds(1))))
                    .isInstanceOf(ReplicationException.class);
            await().atMost(LONG).until(() -> !leader.leads());
            assertThat(leader.state.get("a")).isEqualTo("v");
            for (Thread killer : killers) {
                killer.join();
            }
        }
    }

    /** Nothing was committed since a quorum last confirmed this leader; that confirmation must not count for later reads. */
    @Test
    void aLeaderThatCannotReachItsFollowersAnswersNoReadThoughItStillBelievesToLead() throws Exception {
        try (TestCluster cluster = new TestCluster(
                        dir, 3, b -> b.electionTimeout(Duration.ofSeconds(4), Duration.ofSeconds(5)))
                .startAll()) {
            cluster.set("v", "a");
            Member leader = cluster.leader();
            get(leader.node.readIndex(LONG));
            cluster.followers().parallelStream().forEach(f -> f.node.close());

            CompletableFuture<Long> read = leader.node.readIndex(Duration.ofMillis(500));
            CompletableFuture<Long> confirmed = leader.node.confirmLeadership(Duration.ofMillis(500));

            assertThatThrownBy(() -> get(read)).isInstanceOf(ReplicationException.Unavailable.class);
            assertThatThrownBy(() -> get(confirmed)).isInstanceOf(ReplicationException.Unavailable.class);
            assertThat(leader.node.view().role()).isEqualTo(RaftView.Role.LEADER);
        }
    }

    /**
     * With election timeouts of minutes nobody else can replace the leader. One of three clusters must do it: on a starved
     * machine the votes can split, or the leader have stepped down just before; then the timeout decides, as it should.
     */
    @Test
    void aLeaderWhoseProcessIsGoneIsReplacedWithoutAnElectionTimeout() throws Exception {
        int tries = 3;
        for (int i = 0; i < tries && !replacedWithoutAnElectionTimeout(dir.resolve("try" + i)); i++) {
            assertThat(i).as("clusters in which nobody replaced the leader").isLessThan(tries - 1);
        }
    }

    private static boolean replacedWithoutAnElectionTimeout(Path root) throws Exception {
        try (TestCluster cluster = new TestCluster(root, 3, b -> b).startAll()) {
            Member leader = cluster.leader();
            for (Member follower : List.copyOf(cluster.followers())) {
                cluster.kill(follower.config.engineId());
                cluster.start(
                        follower.config.engineId(),
                        b -> b.electionTimeout(Duration.ofMinutes(5), Duration.ofMinutes(6)));
                cluster.set("v", follower.config.engineId());
                cluster.awaitEqualDigests();
            }
            assertThat(cluster.leader()).isSameAs(leader);

            cluster.kill(leader.config.engineId());

            try {
                cluster.set("w", "a"); // waits 20 s for a leader
            } catch (ConditionTimeoutException e) {
                return false;
            }
            assertThat(cluster.leader()).isNotSameAs(leader);
            return true;
        }
    }

    @Test
    void leadershipIsHandedOverWhileWritesGoOn() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            Member old = cluster.leader();
            Member target = cluster.follower();
            List<CompletableFuture<ApplyResult>> writes = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                writes.add(old.node.propose(TestCluster.entry("v", "k" + i), LONG));
            }

            assertThat(get(old.node.transferLeadership(target.config.engineId(), LONG)))
                    .isEqualTo(target.config.engineId());

            int applied = 0;
            for (CompletableFuture<ApplyResult> write : writes) {
                try {
                    get(write);
                    applied++;
                } catch (ReplicationException.NotLeader e) {
                    assertThat(e).hasMessageContaining("leader"); // certainly in no log: never counted below
                }
            }
            await().atMost(LONG).until(target::leads);
            get(target.node.readIndex(LONG));
            assertThat(target.state.size()).isEqualTo(applied);
        }
    }

    @Test
    void aHandOverIsNotFailedByTheAlarmOfAnEarlierOne() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            cluster.set("v", "a");
            Member old = cluster.leader();
            Member other = cluster.follower();
            String absent = cluster.followers().stream()
                    .filter(follower -> follower != other)
                    .findFirst()
                    .orElseThrow()
                    .config
                    .engineId();
            cluster.kill(absent);
            handOver(old, other);
            long goesOff = System.nanoTime() + LeadershipTransfer.ALARM.toNanos();
            handOver(other, old);

            cluster.set("w", "b"); // which it lacks, so that the hand-over waits for it
            CompletableFuture<String> toAbsent = old.node.transferLeadership(absent, LONG);
            await().atMost(LONG).until(() -> System.nanoTime() - goesOff > 0);
            cluster.start(absent);

            assertThat(get(toAbsent)).isEqualTo(absent);
            assertThat(cluster.leader().config.engineId()).isEqualTo(absent);
        }
    }

    @Test
    void aHandOverBeginsAfterTheAlarmOfTheLastOne() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            cluster.set("v", "a");
            Member old = cluster.leader();
            Member other = cluster.follower();
            long begun = System.nanoTime();
            handOver(old, other);
            handOver(other, old);

            handOver(old, other);

            assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThan(LeadershipTransfer.ALARM);
        }
    }

    private static void handOver(Member from, Member to) throws Exception {
        get(from.node.transferLeadership(to.config.engineId(), LONG));
        await().atMost(LONG).until(to::leads);
    }

    @Test
    void anOrderlyStopHandsOverFirst() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            cluster.set("v", "a");
            Member old = cluster.leader();
            long term = old.node.view().term();
            long before = old.node.view().appliedIndex();
            long begun = System.nanoTime();
            old.node.handOver();
            if (System.nanoTime() - begun < HandOver.nextEntry(old.config).toNanos()) { // Longer it does not wait.
                assertThat(old.node.view().appliedIndex())
                        .as("the next leader's first entry")
                        .isGreaterThan(before);
            }
            old.node.close();
            cluster.members.remove(old.config.engineId());

            Member next = cluster.leader();
            assertThat(next.node.view().term())
                    .as("no election was lost or repeated")
                    .isEqualTo(term + 1);
            cluster.set("w", "a");
        }
    }

    @Test
    void anEntryThatCannotBeAppliedStopsTheEngine() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b).startAll()) {
            Member follower = cluster.follower();
            follower.state.failFromNowOn();
            cluster.set("v", "a");
            assertThat(get(follower.failure)).hasMessageContaining("told to fail");
            cluster.set("w", "a");
            assertThat(follower.state.get("a")).isNull();
        }
    }

    @Test
    void theSmallestMembersQuotaIsTheClustersAlsoWhileThatMemberIsDown() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b)) {
            cluster.start("e1", config -> config.quota(3000));
            cluster.start("e2", config -> config.quota(1000));
            cluster.start("e3", config -> config.quota(2000));
            await().atMost(LONG).until(() -> cluster.leader().node.quota() == 1000);
            cluster.followers()
                    .forEach(follower -> assertThat(follower.node.quota())
                            .as("elsewhere its own")
                            .isEqualTo(follower.config.quota()));
            if (cluster.leader().config.engineId().equals("e2")) {
                cluster.handOver(cluster.follower());
            }
            await().atMost(LONG).until(() -> cluster.leader().node.quota() == 1000);
            cluster.kill("e2");
            cluster.set("v", "a");
            assertThat(cluster.leader().node.quota()).isEqualTo(1000);
            cluster.start("e2", config -> config.quota(5000));
            await().atMost(LONG).until(() -> cluster.leader().node.quota() == 2000);
        }
    }

    @Test
    void aSingleEngineIsAClusterToo() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 1, b -> b).startAll()) {
            cluster.set("v", "a");
            Member only = cluster.leader();
            List<CompletableFuture<Long>> reads = new ArrayList<>();
            for (int i = 0; i < 5000; i++) {
                reads.add(only.node.readIndex(LONG));
            }
            for (CompletableFuture<Long> read : reads) {
                get(read);
            }
            assertThatThrownBy(() -> get(only.node.transferLeadership(null, LONG)))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }
}
