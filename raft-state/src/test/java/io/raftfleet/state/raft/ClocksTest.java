package io.raftfleet.state.raft;

import static io.raftfleet.state.raft.TestCluster.LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.raftfleet.state.EntryFormats;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClocksTest {
    private static final long HOUR = Duration.ofHours(1).toMillis();
    private static final Offset<Long> ON_THE_WAY = Offset.offset(30_000L);

    @TempDir
    Path dir;

    @Test
    void enginesTellEachOtherWhatTheirClocksShow() throws Exception {
        var ahead = new AtomicLong(HOUR);
        try (var cluster = new TestCluster(dir, 3, b -> b)) {
            var moved = cluster.start("e1", b -> b.clock(by(ahead))).node;
            cluster.start("e2");
            cluster.start("e3");
            cluster.leader();
            for (var member : cluster.members.values()) {
                var node = member.node;
                await().atMost(LONG).untilAsserted(() -> {
                    var clocks = node.clocks();
                    assertThat(clocks.voters()).isEqualTo(3);
                    assertThat(clocks.others()).hasSize(2);
                });
                var others = node.clocks().others().stream().sorted().toList();
                long now = System.currentTimeMillis();
                assertThat(others.getFirst()).isCloseTo(now, ON_THE_WAY);
                assertThat(others.getLast()).isCloseTo(node == moved ? now : now + HOUR, ON_THE_WAY);
            }

            // What it has heard says nothing any more once its own clock was set, or it was suspended: it asks again.
            ahead.set(2 * HOUR);
            assertThat(moved.clocks().others()).isEmpty();
            await().atMost(LONG).until(() -> moved.clocks().others().size() == 2);
            assertThat(moved.clocks().others())
                    .allSatisfy(ms -> assertThat(ms).isCloseTo(System.currentTimeMillis(), ON_THE_WAY));

            cluster.kill("e2");
            assertThat(moved.clocks().others())
                    .as("what it said last, carried on")
                    .hasSize(2);
        }
    }

    /** An engine of a version that does not know the question would end the stream that others are on. */
    @Test
    void oneOfAnOlderVersionIsNotAsked() throws Exception {
        try (var cluster = new TestCluster(dir, 3, b -> b)) {
            var node = cluster.start("e1").node;
            cluster.start("e2");
            cluster.start("e3", b -> b.entryFormat(EntryFormats.WITH_CLOCK_SET - 1));
            cluster.leader();
            await().atMost(LONG).until(() -> node.clocks().others().size() == 1);
            assertThat(node.clocks().voters()).isEqualTo(3);
        }
    }

    private static InstantSource by(AtomicLong aheadMs) {
        return () -> Instant.ofEpochMilli(System.currentTimeMillis() + aheadMs.get());
    }
}
