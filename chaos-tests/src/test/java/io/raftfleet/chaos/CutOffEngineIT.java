package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.Daemon;
import io.raftfleet.chaos.cluster.EngineNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What the logs of an engine that has no majority, and of a machine that hears no leader, say meanwhile. */
class CutOffEngineIT {
    /** Of an engine that is left alone, for as long as it takes until it says so: what libraries say of it, and itself. */
    private static final int FEW = 30;
    /** It looks each second, or later on busy cores, and says how long it has been by then. */
    private static final Pattern SAYS_SO = Pattern.compile(" has known no leader for [0-9]{2} s: ");

    @RegisterExtension
    static final ClusterExtension CLUSTER =
            ClusterExtension.own(ClusterOptions.of("cut-off").with(AgentSpec.hollow("a1", 1)));

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
                () -> said(leader.daemon(), before)
                        .anyMatch(line -> SAYS_SO.matcher(line).find()));
        var said = lines(leader).subList(before, lines(leader).size());
        assertThat(said).as("what it said").hasSizeLessThan(FEW);
        others.forEach(EngineNode::start);
        Await.until(
                "it says that it knows one again",
                Ops.SOON,
                () -> said(leader.daemon(), before).anyMatch(line -> line.contains(" knows a leader again, ")));
    }

    @Test
    void aMachineWhoseSessionIsSilentSaysThatItHearsNoLeaderAndWhenItDoesAgain() {
        var cluster = CLUSTER.cluster();
        var leader = cluster.awaitLeader(Ops.SOON);
        var agent = cluster.agents().getFirst().daemon();
        Await.until(
                "the machine is in session with the leader",
                Ops.SOON,
                () -> lines(agent).stream()
                        .filter(line -> line.contains(": in session with ") || line.contains(": the session with "))
                        .reduce("", (earlier, later) -> later)
                        .contains(": in session with " + leader.addresses().grpc()));
        var paused = List.of(leader, cluster.followersOf(leader).getFirst());
        int before = lines(agent).size();
        paused.forEach(engine -> engine.daemon().pause());
        try {
            Await.until(
                    "the machine says that it hears no leader",
                    Ops.SOON,
                    () -> said(agent, before).anyMatch(line -> line.contains("no word from a leader for ")));
        } finally {
            paused.forEach(engine -> engine.daemon().resume());
        }
        Await.until(
                "it says that it does again",
                Ops.SOON,
                () -> said(agent, before)
                        .anyMatch(line -> line.contains(": heard again ") || line.contains(": in session with ")));
    }

    /** fleet's daemon once did not, when it was about to start anew because it could not reach etcd. */
    @Test
    void whoIsToldToEndWhileItWaitsForOthersDoes() {
        var cluster = CLUSTER.cluster();
        cluster.awaitReady(Ops.SOON);
        var leader = cluster.awaitLeader(Ops.SOON);
        var others = cluster.followersOf(leader);
        var agent = cluster.agents().getFirst();
        others.forEach(EngineNode::kill);
        long told = System.nanoTime();
        leader.daemon().terminate();
        assertThat(leader.daemon().awaitExit(Ops.SOON)).isEqualTo(143);
        agent.daemon().terminate();
        assertThat(agent.daemon().awaitExit(Ops.SOON)).isZero();
        Ops.print("engine without the others, then agent without engines told to end -> ended", Ops.since(told));
        cluster.engines().forEach(EngineNode::start);
        agent.start();
        cluster.awaitReady(Ops.SOON);
    }

    private static Stream<String> said(Daemon daemon, int before) {
        return lines(daemon).stream().skip(before);
    }

    private static List<String> lines(EngineNode engine) {
        return lines(engine.daemon());
    }

    private static List<String> lines(Daemon daemon) {
        try {
            return Files.readAllLines(daemon.log());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
