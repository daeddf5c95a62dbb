package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Context;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.engine.api.ChangeFeed.Changes;
import io.raftfleet.identity.Role;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PolledChangesTest {
    private static final Duration WAIT = Duration.ofSeconds(10);

    private final Registry registry = new Registry(100);
    private String leader = "1-e1";
    private long now = Long.MAX_VALUE - 5;
    private final PolledChanges changes = new PolledChanges(registry, () -> leader, Runnable::run, () -> now);
    private long index;

    @BeforeEach
    void begin() {
        apply(Record.newBuilder()
                .setClusterCreated(ClusterCreated.newBuilder().setIncarnation(7))
                .build());
    }

    private void apply(Record record) {
        registry.apply(
                1,
                ++index,
                Entry.newBuilder()
                        .setFormat(1)
                        .setLeaderTimeMs(1000)
                        .addRecords(record)
                        .build());
    }

    private void open(String machine) {
        apply(Record.newBuilder()
                .setSessionOpened(
                        SessionOpened.newBuilder().setMachineId(machine).setSessionEpoch(1))
                .build());
    }

    private Revision revision() {
        return registry.read(RegistryView::revision);
    }

    private CompletableFuture<Changes> after(Revision revision) {
        return changes.after(revision, leader, WAIT);
    }

    @Test
    void aQuestionWaitsForAChangeAndTheNextMissesNothing() {
        var first = after(revision());
        changes.look();
        assertThat(first).isNotDone();
        open("m1");
        open("m2");
        assertThat(first).as("a burst is one answer").isNotDone();
        changes.look();
        assertThat(first.join().machines()).containsExactlyInAnyOrder("m1", "m2");
        assertThat(first.join().all()).isFalse();
        open("m3");
        assertThat(after(first.join().revision()).join().machines()).containsExactly("m3");
    }

    @Test
    void withNothingNewTheWaitEnds() {
        var asked = after(revision());
        now += WAIT.toNanos();
        changes.look();
        assertThat(asked.join().any()).isFalse();
        assertThat(asked.join().revision()).isEqualTo(revision());
    }

    @Test
    void anotherLeaderIsTold() {
        var asked = after(revision());
        leader = "2-e2";
        changes.look();
        assertThat(asked.join().any()).isFalse();
        assertThat(changes.after(revision(), "1-e1", WAIT)).isDone();
        assertThat(changes.after(revision(), "", WAIT))
                .as("whom it does not matter to")
                .isNotDone();
    }

    @Test
    void whoMissedTooMuchReadsAnew() {
        var old = revision();
        for (int i = 0; i < 200; i++) {
            open("m" + i);
        }
        assertThat(after(old).join().all()).isTrue();
        assertThat(changes.after(null, leader, WAIT).join().all()).isTrue();
        assertThat(after(old.toBuilder().setIncarnation(6).build()).join().all())
                .isTrue();
    }

    @Test
    void anEngineThatIsBehindTellsNothingBeforeItIsThere() {
        var ahead = revision().toBuilder().setIndex(index + 2).build();
        var asked = after(ahead);
        open("m1");
        changes.look();
        assertThat(asked).isNotDone();
        open("m2");
        open("m3");
        changes.look();
        assertThat(asked.join().machines()).containsExactly("m3");
    }

    @Test
    void anEngineThatStopsKeepsNobodyWaiting() {
        var asked = after(revision());
        changes.end();
        assertThatThrownBy(asked::join).hasMessageContaining("the engine is stopping");
        assertThatThrownBy(() -> after(revision()).join()).hasMessageContaining("the engine is stopping");
    }

    @Test
    void noMoreWaitThanMay() {
        for (int i = 0; i < PolledChanges.MOST; i++) {
            assertThat(after(revision())).isNotDone();
        }
        assertThatThrownBy(() -> after(revision()).join()).hasMessageContaining("as many pages wait");
        open("m1");
        changes.look();
        assertThat(after(revision())).as("there is room again").isNotDone();
    }

    @Test
    void whoAsksWithoutEndLeavesOthersTheirs() throws Exception {
        var eve = new Caller(Caller.Kind.USER, "eve", Optional.of(Role.VIEWER)).in(Context.current());
        var bob = new Caller(Caller.Kind.USER, "bob", Optional.of(Role.VIEWER)).in(Context.current());
        for (int i = 0; i < PolledChanges.MOST_OF_ONE; i++) {
            assertThat(eve.call(() -> after(revision()))).isNotDone();
        }
        var refused = eve.call(() -> after(revision()));
        assertThatThrownBy(refused::join).hasMessageContaining("128 pages of user/eve");
        assertThat(bob.call(() -> after(revision()))).isNotDone();
    }
}
