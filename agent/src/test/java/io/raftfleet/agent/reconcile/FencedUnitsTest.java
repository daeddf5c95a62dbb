package io.raftfleet.agent.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.agent.loop.VirtualLoop;
import io.raftfleet.agent.session.ContentsStore;
import io.raftfleet.agent.session.ReportQueue;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.Welcome;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.UnitFile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When fenced units start, on a machine in memory with time moved by hand. */
class FencedUnitsTest {
    private static final Duration TTL = Duration.ofSeconds(30);
    private static final String FENCE = "\n[X-Fleet]\nFence=true\n";
    private static final Welcome MATCHING =
            Welcome.newBuilder().setAssignmentsMatch(true).build();
    private static final Welcome DIFFERING = Welcome.getDefaultInstance();

    @TempDir
    Path folder;

    private final VirtualLoop loop = new VirtualLoop();
    private final RecordingManager manager = new RecordingManager(loop);
    private FileJournal journal;
    private Reconciler reconciler;

    private final UnitFile web;
    private final UnitFile once;
    private final UnitFile slow;

    FencedUnitsTest() throws Exception {
        web = UnitFile.parse("[Service]\nExecStart=/bin/sleep 1\n" + FENCE);
        once = UnitFile.parse("[X-Hollow]\nExitAfterSec=5\n" + FENCE);
        slow = UnitFile.parse("[X-Hollow]\nStopDelaySec=10\n" + FENCE);
    }

    @BeforeEach
    void startAgent() throws Exception {
        journal = FileJournal.open(folder.resolve("journal"));
        Map<Object, UnitFile> files = new HashMap<>(Map.of(web.hash(), web, once.hash(), once, slow.hash(), slow));
        reconciler = new Reconciler(
                loop,
                manager,
                journal,
                new ReportQueue(4),
                new ContentsStore(1 << 20),
                hashes -> {
                    Map<io.raftfleet.unit.UnitHash, CompletableFuture<UnitFile>> answers = new HashMap<>();
                    hashes.forEach(hash -> answers.put(hash, CompletableFuture.completedFuture(files.get(hash))));
                    return answers;
                },
                new SplittableRandom(1));
        reconciler.start(() -> {});
        loop.run();
    }

    @AfterEach
    void stopAgent() {
        journal.close();
    }

    @Test
    void startsOnceTheLeaseIsHeldAndIsLeftAloneWhileItIsRenewed() throws Exception {
        reconciler.opened(MATCHING);
        set(launched("web.service", web));
        assertThat(manager.takeOrders()).containsExactly("install web.service");
        renew();
        assertThat(manager.takeOrders()).containsExactly("start web.service");
        for (int i = 0; i < 10; i++) {
            loop.advance(TTL.dividedBy(3));
            renew();
        }
        assertThat(manager.takeOrders()).isEmpty();
        assertThat(active("web.service")).isTrue();
    }

    @Test
    void startsAgainWhatTheFenceStoppedAndNotWhatHadFinished() throws Exception {
        runBoth();
        loseTheLease();
        assertThat(active("web.service")).isFalse();
        reconciler.opened(MATCHING);
        renew();
        assertThat(manager.takeOrders()).containsExactly("start web.service");
        renew();
        loop.advance(Duration.ofSeconds(1));
        assertThat(manager.takeOrders()).isEmpty();
    }

    @Test
    void anAgentThatIsNewStartsThemAgainToo() throws Exception {
        runBoth();
        loseTheLease();
        stopAgent();
        loop.run();
        startAgent();
        reconciler.opened(MATCHING);
        assertThat(manager.takeOrders()).isEmpty();
        renew();
        assertThat(manager.takeOrders()).containsExactly("start web.service");
    }

    @Test
    void nothingStartsOnTheWordOfAnEarlierSession() throws Exception {
        runBoth();
        loseTheLease();
        reconciler.opened(DIFFERING);
        renew();
        loop.advance(TTL.dividedBy(2));
        renew();
        assertThat(manager.takeOrders())
                .as("the engine has not said yet what is to run here")
                .isEmpty();
        reconciler.inventory(everyBucket());
        reconciler.apply(AssignmentDelta.newBuilder()
                .addRemove("web.service")
                .setAnswersInventory(true)
                .build());
        settle();
        renew();
        loop.advance(Duration.ofMinutes(1));
        assertThat(manager.takeOrders()).doesNotContain("start web.service", "start once.service");
    }

    @Test
    void silenceOfAnEngineStandsByNoFencedUnit() throws Exception {
        runBoth();
        loseTheLease();
        reconciler.opened(DIFFERING);
        reconciler.inventory(everyBucket());
        reconciler.apply(AssignmentDelta.newBuilder()
                .addSet(launched("once.service", once))
                .setAnswersInventory(true)
                .build());
        renew();
        loop.advance(TTL.dividedBy(2));
        assertThat(manager.takeOrders()).isEmpty();
        renew();
        set(launched("web.service", web));
        assertThat(manager.takeOrders()).as("told at last").containsExactly("start web.service");
    }

    @Test
    void bucketsThatTheEngineDoesNotAskForAreStoodBy() throws Exception {
        runBoth();
        loseTheLease();
        reconciler.opened(DIFFERING);
        reconciler.inventory(List.of());
        renew();
        assertThat(manager.takeOrders()).containsExactly("start web.service");
    }

    @Test
    void oneThatIsStillStoppingStartsWhenItIsDown() throws Exception {
        reconciler.opened(MATCHING);
        renew();
        set(launched("slow.service", slow));
        assertThat(active("slow.service")).isTrue();
        manager.takeOrders();
        loseTheLease();
        for (int again = 0; again < 3; again++) {
            reconciler.opened(MATCHING);
            reconciler.leaseHeld(loop.nanoTime() + Duration.ofSeconds(1).toNanos());
            loop.advance(Duration.ofSeconds(2));
            reconciler.closed();
        }
        reconciler.opened(MATCHING);
        renew();
        assertThat(manager.takeOrders()).as("while it stops").isEmpty();
        loop.advance(Duration.ofSeconds(6));
        settle();
        assertThat(manager.takeOrders()).containsExactly("start slow.service");
        assertThat(active("slow.service")).isTrue();
    }

    @Test
    void aStartThatTheAgentDidNotLiveToSeeBeginIsIssuedAgain() throws Exception {
        runBoth();
        loseTheLease();
        reconciler.opened(MATCHING);
        manager.unheard = true;
        reconciler.leaseHeld(loop.nanoTime() + TTL.toNanos());
        loop.runUntil(() -> !manager.orders.isEmpty());
        assertThat(manager.takeOrders()).containsExactly("start web.service");
        stopAgent();
        manager.unheard = false;
        startAgent();
        reconciler.opened(MATCHING);
        renew();
        assertThat(manager.takeOrders()).containsExactly("start web.service");
        assertThat(active("web.service")).isTrue();
    }

    private void runBoth() throws Exception {
        reconciler.opened(MATCHING);
        renew();
        set(launched("web.service", web), launched("once.service", once));
        loop.advance(Duration.ofSeconds(6));
        assertThat(active("web.service")).isTrue();
        assertThat(active("once.service")).isFalse();
        manager.takeOrders();
    }

    private void loseTheLease() {
        reconciler.closed();
        loop.advance(TTL);
    }

    private void renew() throws Exception {
        reconciler.leaseHeld(loop.nanoTime() + TTL.toNanos());
        settle();
    }

    private void set(AssignedUnit... units) throws Exception {
        reconciler.apply(AssignmentDelta.newBuilder().addAllSet(List.of(units)).build());
        settle();
    }

    private void settle() throws Exception {
        loop.run();
        loop.runUntil(() -> reconciler.unsettled() == 0);
    }

    private boolean active(String unit) throws Exception {
        return Objects.requireNonNull(manager.machine.states().get().get(unit))
                .activeState()
                .equals("active");
    }

    private static List<Integer> everyBucket() {
        return IntStream.range(0, Digest.BUCKETS).boxed().toList();
    }

    private static AssignedUnit launched(String name, UnitFile file) {
        return AssignedUnit.newBuilder()
                .setName(name)
                .setHash(file.hash().toByteString())
                .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                .setStartGeneration(1)
                .build();
    }
}
