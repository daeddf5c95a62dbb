package io.raftfleet.state.raft;

import static io.raftfleet.state.raft.TestCluster.LONG;
import static io.raftfleet.state.raft.TestCluster.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.state.raft.TestCluster.Member;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What can be read of an engine that does not run. */
class StoppedEngineTest {
    @TempDir
    Path dir;

    private static StoppedEngine read(Path dataDir, KeyValueState state, boolean upToDamage) throws IOException {
        return StoppedEngine.read(dataDir, state, Long.MAX_VALUE, upToDamage);
    }

    private static List<String> rows(StoppedEngine engine) throws IOException {
        List<String> found = new ArrayList<>();
        engine.rows((term, index, digest, rows) -> {
            assertThat(term).isEqualTo(engine.term());
            assertThat(index).isEqualTo(engine.index());
            rows.forEachRemaining(row -> found.add(row.key().toStringUtf8()));
        });
        return found;
    }

    @Test
    void allThatASurvivorHasIsReadFromCheckpointAndLog() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 3, b -> b.segmentBytes(4096)).startAll()) {
            for (int i = 0; i < 10; i++) {
                cluster.set("x".repeat(1000), "old" + i);
            }
            Member survivor = cluster.follower();
            get(survivor.node.takeSnapshot(LONG));
            for (int i = 0; i < 10; i++) {
                cluster.set("x".repeat(1000), "new" + i);
            }
            get(survivor.node.readIndex(LONG));
            String id = survivor.config.engineId();
            assertThatThrownBy(() -> read(cluster.dir(id), new KeyValueState(), false))
                    .hasMessageContaining("is in use by another engine process");
            cluster.peers.forEach(p -> cluster.kill(p.id()));

            KeyValueState state = new KeyValueState();
            try (StoppedEngine engine = read(cluster.dir(id), state, false)) {
                assertThat(engine.engineId()).isEqualTo(id);
                assertThat(engine.clusterId()).isEqualTo(cluster.id);
                assertThat(engine.damage()).isNull();
                assertThat(engine.quarantine()).isNull();
                assertThat(engine.committed()).isPositive().isLessThanOrEqualTo(engine.index());
                assertThat(state.digest()).isEqualTo(survivor.state.digest());
                assertThat(rows(engine)).hasSize(20);
            }
            cluster.peers.forEach(p -> {
                try {
                    cluster.start(p.id()); // nothing was changed
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            assertThat(cluster.leader().state.size()).isEqualTo(20);
        }
    }

    @Test
    void ofALogThatIsDamagedOnlyWhatStandsBeforeIsTakenAndOnlyWhenAsked() throws Exception {
        try (TestCluster cluster = new TestCluster(dir, 1, b -> b.segmentBytes(4096)).startAll()) {
            for (int i = 0; i < 10; i++) {
                cluster.set("x".repeat(2000), "k" + i);
            }
            cluster.kill("e1");
            Path closed;
            try (Stream<Path> files = Files.list(cluster.dir("e1")
                    .resolve("raft")
                    .resolve(cluster.id.toString())
                    .resolve("current"))) {
                closed = files.filter(f -> f.getFileName().toString().matches("log_\\d+-\\d+"))
                        .sorted()
                        .skip(1)
                        .findFirst()
                        .orElseThrow();
            }
            byte[] bytes = Files.readAllBytes(closed);
            bytes[200] ^= 1;
            Files.write(closed, bytes);

            assertThatThrownBy(() -> read(cluster.dir("e1"), new KeyValueState(), false))
                    .hasMessageContaining(closed.toString());
            KeyValueState state = new KeyValueState();
            try (StoppedEngine engine = read(cluster.dir("e1"), state, true)) {
                assertThat(engine.damage()).contains(closed.toString());
                assertThat(state.size()).isBetween(1, 9);
                assertThat(rows(engine)).hasSize(state.size());
            }
        }
    }

    @Test
    void whatIsNoEnginesDirectoryIsRefused() {
        assertThatThrownBy(() -> read(dir, new KeyValueState(), false)).hasMessageContaining("is no engine's");
        assertThatThrownBy(() -> read(dir.resolve("none"), new KeyValueState(), false))
                .hasMessageContaining("is no engine's");
    }
}
