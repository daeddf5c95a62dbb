package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.raftfleet.proto.log.Entry;
import io.raftfleet.settings.service.Progress;
import io.raftfleet.state.Registry;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the watchdog sees of the decision thread. */
class DecisionProgressTest {
    private final Registry registry = new Registry(1000);
    private final MemoryLog log = new MemoryLog(registry);
    private volatile CompletableFuture<Void> gate = CompletableFuture.completedFuture(null);
    private final Controller controller = new Controller(
            new Controller.Inputs("e1", registry, new Gated(), InstantSource.system(), new Random(7)),
            new Terms(),
            new NoMetrics(),
            Runnable::run);

    /** The log answers when the gate is open; the thread that proposes is held up in the call itself until then. */
    private final class Gated implements Controller.Proposer {
        @Override
        public CompletableFuture<ApplyResult> propose(Entry entry, Duration deadline) {
            gate.join();
            return log.propose(entry, deadline);
        }

        @Override
        public int agreedFormat() {
            return log.agreedFormat();
        }
    }

    @AfterEach
    void close() {
        gate.complete(null);
        controller.close();
    }

    @Test
    void itRestsWithoutALeadershipAndWithoutWork() {
        controller.start();
        await().until(() -> controller.progress() == Progress.RESTS);
        controller.leaderStarted(1);
        await().until(() -> !log.entries().isEmpty() && controller.progress() == Progress.RESTS);
    }

    @Test
    void itIsSeenToStandStillAndToGoOn() {
        controller.start();
        gate = new CompletableFuture<>();
        controller.leaderStarted(1);
        await().until(() -> controller.progress() >= 0);
        var part = new Progress("the decision thread", controller::progress);
        await().until(() -> part.stuck().isPresent());
        assertThat(part.stuck()).as("each time").isPresent();

        gate.complete(null);
        await().until(() -> part.stuck().isEmpty() && controller.progress() == Progress.RESTS);
        assertThat(List.of(part.stuck(), part.stuck())).allMatch(stuck -> stuck.isEmpty());
    }
}
