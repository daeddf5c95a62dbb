package io.raftfleet.state.raft;

import static io.raftfleet.state.raft.TestCluster.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.raftfleet.state.raft.TestCluster.Member;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Disks on which not one byte more can be written, an engine's own each, without a reserve: Ratis' log fails, and the engine takes part
 * again by itself once there is space.
 */
class FullDiskTest {
    private static final Duration LONG = TestCluster.LONG;

    @TempDir
    Path dir;

    private final List<Path> mounted = new ArrayList<>();
    private final List<String> acknowledged = new ArrayList<>();

    /** A thread of Ratis' may die of a log that could not be written: that is what is tested, and no failure of it. */
    @BeforeAll
    static void letThreadsDie() {
        Awaitility.doNotCatchUncaughtExceptionsByDefault();
    }

    @AfterAll
    static void catchAgain() {
        Awaitility.reset();
    }

    @AfterEach
    void unmount() throws Exception {
        for (Path disk : mounted) {
            assertThat(run("umount", "-l", disk.toString())).isTrue();
        }
    }

    @Test
    void aFollowerComesBack() throws Exception {
        try (TestCluster cluster = cluster()) {
            Member full = cluster.follower();

            fill(full);
            writeUntilGone(cluster, full);
            assertThatThrownBy(() -> get(full.node.readIndex(LONG)))
                    .isInstanceOf(ReplicationException.Unavailable.class)
                    .hasMessageContaining("takes no part");
            write(cluster, 5);

            free(full);
            assertWhole(cluster);
        }
    }

    @Test
    void aLeaderIsReplacedAndComesBack() throws Exception {
        try (TestCluster cluster = cluster()) {
            Member full = cluster.leader();

            fill(full);
            writeUntilGone(cluster, full);
            write(cluster, 5);
            assertThat(cluster.leader()).isNotSameAs(full);

            free(full);
            assertWhole(cluster);
        }
    }

    @Test
    void allComeBackWithAllThatWasAcknowledged() throws Exception {
        try (TestCluster cluster = cluster()) {
            write(cluster, 5);
            for (Member member : cluster.members.values()) {
                fill(member);
            }
            await().atMost(LONG.multipliedBy(2))
                    .pollInterval(Duration.ofMillis(1))
                    .until(() -> {
                        for (Member member : cluster.members.values()) {
                            if (member.leads()) {
                                try {
                                    writeOn(member, Duration.ofSeconds(1));
                                } catch (ReplicationException e) {
                                    // Refused, or perhaps lost: never counted as acknowledged.
                                }
                            }
                        }
                        return cluster.members.values().stream()
                                        .filter(FullDiskTest::gone)
                                        .count()
                                >= 2;
                    });

            for (Member member : cluster.members.values()) {
                free(member);
            }
            assertWhole(cluster);
        }
    }

    /** Whoever stands for election stores its vote for itself first, and Ratis loses the one before when that fails. */
    @Test
    void whoCouldNotStoreItsVoteStandsAgainThoughTheLeaderStaysAway() throws Exception {
        try (TestCluster cluster = cluster()) {
            write(cluster, 5);
            Member leader = cluster.leader();
            List<Member> others = List.copyOf(cluster.followers());
            for (Member member : others) {
                fill(member);
            }
            cluster.kill(leader.config.engineId());
            await().atMost(LONG).until(() -> others.stream().anyMatch(FullDiskTest::gone));
            for (Member member : others) {
                await().atMost(LONG)
                        .until(() -> !StoredVote.isLostIn(
                                member.config.dataDir().resolve("raft/" + member.config.clusterId() + "/current")));
            }

            for (Member member : others) {
                free(member);
            }
            await().atMost(LONG.multipliedBy(2))
                    .until(() -> others.stream().anyMatch(member -> member.leads() || member.failure.isDone()));
            for (Member member : others) {
                assertThat(member.failure)
                        .as("what ended " + member.config.engineId())
                        .isNotDone();
            }
            write(cluster, 3);
        }
    }

    private TestCluster cluster() throws Exception {
        var cluster = new TestCluster(dir, 3, b -> b.minFreeBytes(0).segmentBytes(1 << 20));
        for (EnginePeer peer : cluster.peers) {
            Path disk = Files.createDirectories(cluster.dir(peer.id()));
            assumeTrue(
                    run("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk.toString()),
                    "no tmpfs can be mounted here");
            mounted.add(disk);
        }
        return cluster.startAll();
    }

    /** Until the engine's log has failed and it has left the group. */
    private void writeUntilGone(TestCluster cluster, Member full) throws Exception {
        for (int i = 0; i < 100 && !gone(full); i++) {
            write(cluster, 1);
        }
        await().atMost(LONG).until(() -> gone(full));
    }

    private static boolean gone(Member member) {
        return member.node.view().role() == RaftView.Role.CLOSED;
    }

    /** As a client would: again, under another name, when it is refused or its fate is unknown. */
    private void write(TestCluster cluster, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            await().atMost(LONG).pollInterval(Duration.ofMillis(5)).until(() -> {
                try {
                    writeOn(cluster.leader(), Duration.ofSeconds(2));
                    return true;
                } catch (ReplicationException e) {
                    return false;
                }
            });
        }
    }

    private int written;

    private void writeOn(Member member, Duration limit) throws Exception {
        String key = "key" + ++written;
        get(member.node.propose(TestCluster.entry("v".repeat(100_000), key), limit));
        acknowledged.add(key);
    }

    private void assertWhole(TestCluster cluster) throws Exception {
        await().atMost(LONG.multipliedBy(2))
                .until(() -> cluster.members.values().stream().noneMatch(FullDiskTest::gone));
        write(cluster, 3);
        cluster.awaitEqualDigests();
        for (Member member : cluster.members.values()) {
            assertThat(member.failure)
                    .as("what ended " + member.config.engineId())
                    .isNotDone();
            await().atMost(LONG).ignoreExceptions().until(() -> get(member.node.readIndex(LONG)) > 0);
            assertThat(acknowledged)
                    .as("on " + member.config.engineId())
                    .allSatisfy(key -> assertThat(member.state.get(key)).isNotNull());
        }
    }

    private void fill(Member member) throws IOException {
        try (OutputStream ballast = Files.newOutputStream(ballast(member))) {
            byte[] block = new byte[4096];
            while (true) {
                ballast.write(block);
            }
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("No space left");
        }
    }

    private void free(Member member) throws IOException {
        Files.delete(ballast(member));
    }

    private static Path ballast(Member member) {
        return member.config.dataDir().resolve("ballast");
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
