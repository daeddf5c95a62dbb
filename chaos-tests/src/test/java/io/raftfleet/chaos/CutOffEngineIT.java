package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.EngineNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What an engine's log says while the engine has no majority. */
class CutOffEngineIT {
    /** Of an engine that is left alone, for as long as it takes until it says so: what libraries say of it, and itself. */
    private static final int FEW = 30;

    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.own(ClusterOptions.of("cut-off"));

    @Test
    void saysThatItKnowsNoLeaderAndWhenItDoesAgainAndLittleElse() {
        var cluster = CLUSTER.cluster();
        var leader = cluster.awaitLeader(Ops.SOON);
        var others = cluster.followersOf(leader);
        int before = lines(leader).size();
        others.forEach(EngineNode::kill);
        Await.until(
                "the leader that was says that it knows none",
                Ops.SOON,
                () -> lines(leader).stream().anyMatch(line -> line.contains(" has known no leader for 10 s: ")));
        var said = lines(leader).subList(before, lines(leader).size());
        assertThat(said).as("what it said").hasSizeLessThan(FEW);
        others.forEach(EngineNode::start);
        Await.until(
                "it says that it knows one again",
                Ops.SOON,
                () -> lines(leader).stream().anyMatch(line -> line.contains(" knows a leader again, ")));
    }

    private static List<String> lines(EngineNode engine) {
        try {
            return Files.readAllLines(engine.daemon().log());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
