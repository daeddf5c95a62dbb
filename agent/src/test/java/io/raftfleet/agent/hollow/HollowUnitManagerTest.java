package io.raftfleet.agent.hollow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.agent.loop.VirtualLoop;
import io.raftfleet.agent.manager.UnitManager.Listener;
import io.raftfleet.agent.manager.UnitManager.ObservedState;
import io.raftfleet.unit.UnitFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class HollowUnitManagerTest {
    private final VirtualLoop loop = new VirtualLoop();
    private final HollowUnitManager machine = new HollowUnitManager(loop, "b".repeat(32), Clock.systemUTC());
    private final List<String> seen = new ArrayList<>();

    HollowUnitManagerTest() {
        machine.subscribe(new Listener() {
            @Override
            public void changed(String name, ObservedState state) {
                seen.add(name + " " + state.activeState() + "/" + state.subState());
            }

            @Override
            public void startEnded(String name) {}

            @Override
            public void relisted(Map<String, ObservedState> all) {}
        });
    }

    private ObservedState installAndStart(String name, String text) throws Exception {
        machine.install(Map.of(name, UnitFile.parse(text))).get();
        machine.start(name).get();
        return state(name);
    }

    private ObservedState state(String name) throws Exception {
        ObservedState state = machine.states().get().get(name);
        assertThat(state).isNotNull();
        return state;
    }

    @Test
    void eachStartHasAHigherPid() throws Exception {
        int first = installAndStart("a.service", "[Service]\n").mainPid();
        machine.start("a.service").get();
        assertThat(state("a.service").mainPid()).as("it runs already").isEqualTo(first);
        machine.stop("a.service").get();
        assertThat(state("a.service").mainPid()).isZero();
        machine.start("a.service").get();
        assertThat(state("a.service").mainPid()).isGreaterThan(first);
        assertThat(seen)
                .containsExactly(
                        "a.service inactive/dead",
                        "a.service active/running",
                        "a.service inactive/dead",
                        "a.service active/running");
    }

    @Test
    void delaysAndFailuresAreThoseOfTheFile() throws Exception {
        assertThat(installAndStart("slow.service", "[X-Hollow]\nStartDelaySec=2\nFailStart=true\n")
                        .activeState())
                .isEqualTo("activating");
        loop.advance(Duration.ofSeconds(2));
        assertThat(state("slow.service").activeState()).isEqualTo("failed");
        installAndStart("ends.service", "[X-Hollow]\nExitAfterSec=1.5\nExitCode=7\n");
        loop.advance(Duration.ofMillis(1499));
        assertThat(state("ends.service").activeState()).isEqualTo("active");
        loop.advance(Duration.ofMillis(1));
        assertThat(state("ends.service").activeState()).isEqualTo("failed");
        machine.install(Map.of("no.service", UnitFile.parse("[X-Hollow]\nRefuseStart=true\n")))
                .get();
        assertThat(machine.start("no.service")).isCompletedExceptionally();
    }

    @Test
    void aStopIsDoneWhenTheUnitIsStoppedAndAnotherJobReplacesIt() throws Exception {
        installAndStart("a.service", "[X-Hollow]\nStopDelaySec=3\n");
        CompletableFuture<Void> stopped = machine.stop("a.service");
        assertThat(stopped).isNotDone();
        assertThat(machine.stop("a.service")).isSameAs(stopped);
        machine.start("a.service").get();
        assertThat(stopped).isCompletedExceptionally();
        CompletableFuture<Void> again = machine.stop("a.service");
        loop.advance(Duration.ofSeconds(3));
        assertThat(again).isCompleted();
        assertThat(state("a.service").activeState()).isEqualTo("inactive");
    }

    @Test
    void journalAndStatusTellWhatHappened() throws Exception {
        int pid = installAndStart("a.service", "[Service]\n").mainPid();
        installAndStart("b.service", "[Service]\n");
        machine.stop("a.service").get();
        String journal = read(machine.journal("a.service", 10, false, "short"));
        assertThat(journal.lines()).hasSize(2).allMatch(line -> line.contains("a.service[" + pid + "]"));
        assertThat(read(machine.journal("a.service", 1, false, "short"))).contains("stopped");
        assertThat(read(machine.status("a.service"))).contains("inactive (dead)");
        assertThatThrownBy(() -> machine.status("none.service"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("none.service");
    }

    @Test
    void aFollowedJournalEndsWhenItIsClosed() throws Exception {
        installAndStart("a.service", "[Service]\n");
        InputStream follower = machine.journal("a.service", 0, true, "short");
        machine.stop("a.service").get();
        byte[] buffer = new byte[1000];
        int read = follower.read(buffer);
        assertThat(new String(buffer, 0, read, StandardCharsets.UTF_8)).contains("stopped");
        follower.close();
        assertThat(follower.read(buffer)).isEqualTo(-1);
    }

    private static String read(InputStream stream) throws IOException {
        try (stream) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void aFencedUnitRunsAsLongAsTheLeaseIsHeld() throws Exception {
        String fenced = "[Service]\n\n[X-Fleet]\nFence=true\n";
        assertThatThrownBy(() -> installAndStart("f.service", fenced)).hasMessageContaining("holds no lease");
        machine.renewLease(loop.nanoTime() + Duration.ofSeconds(10).toNanos());
        installAndStart("f.service", fenced);
        installAndStart("free.service", "[Service]\n");
        loop.advance(Duration.ofSeconds(9));
        machine.renewLease(loop.nanoTime() + Duration.ofSeconds(10).toNanos());
        loop.advance(Duration.ofMillis(9999));
        assertThat(state("f.service").activeState()).isEqualTo("active");
        loop.advance(Duration.ofMillis(1));
        assertThat(state("f.service").activeState()).isEqualTo("inactive");
        assertThat(state("free.service").activeState()).isEqualTo("active");
        assertThat(machine.stoppedByFence().get()).containsExactly("f.service");
        assertThat(loop.pendingTimers()).isZero();
        machine.renewLease(loop.nanoTime() + Duration.ofSeconds(10).toNanos());
        machine.start("f.service").get();
        assertThat(machine.stoppedByFence().get()).isEmpty();
    }
}
