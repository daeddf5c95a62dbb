package io.raftfleet.agent.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.agent.loop.VirtualLoop;
import io.raftfleet.agent.manager.BootIds;
import io.raftfleet.agent.manager.UnitManager.ObservedState;
import io.raftfleet.agent.manager.UnitManagerException;
import io.raftfleet.agent.session.ContentsStore;
import io.raftfleet.agent.session.ReportQueue;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.DigestRequest;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.proto.agent.Welcome;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.limits.MessageCheck;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Orders in, jobs out, on a machine in memory with time moved by hand and a journal on disk. */
class ReconcilerTest {
    private static final String LAST = "u%03d.service".formatted(Starts.MAX);

    private static final Welcome MATCHING =
            Welcome.newBuilder().setAssignmentsMatch(true).build();
    private static final Welcome DIFFERING = Welcome.getDefaultInstance();

    private static final List<Integer> ALL_BUCKETS =
            IntStream.range(0, Digest.BUCKETS).boxed().toList();

    @TempDir
    Path folder;

    private final VirtualLoop loop = new VirtualLoop();
    private final RecordingManager manager = new RecordingManager(loop);
    private final Map<UnitHash, UnitFile> registry = new HashMap<>();
    private final List<List<UnitHash>> fetches = new ArrayList<>();
    private ReportQueue reports = new ReportQueue(4);
    private FileJournal journal;
    private Reconciler reconciler;

    @BeforeEach
    void startAgent() throws Exception {
        journal = FileJournal.open(folder.resolve("journal"));
        reports = new ReportQueue(4);
        reconciler = new Reconciler(
                loop,
                manager,
                journal,
                reports,
                new ContentsStore(1 << 20),
                this::fetch,
                new java.util.SplittableRandom(1));
        AtomicBoolean ready = new AtomicBoolean();
        reconciler.start(() -> ready.set(true));
        loop.runUntil(() -> ready.get() || loop.pendingTimers() > 0);
    }

    @AfterEach
    void stopAgent() {
        journal.close();
    }

    private void restartAgent() throws Exception {
        stopAgent();
        loop.run();
        startAgent();
    }

    private Map<UnitHash, CompletableFuture<UnitFile>> fetch(List<UnitHash> hashes) {
        fetches.add(hashes);
        Map<UnitHash, CompletableFuture<UnitFile>> answers = new LinkedHashMap<>();
        for (UnitHash hash : hashes) {
            UnitFile file = registry.get(hash);
            answers.put(
                    hash,
                    file == null
                            ? CompletableFuture.failedFuture(new IllegalStateException("not in the registry"))
                            : CompletableFuture.completedFuture(file));
        }
        return answers;
    }

    private UnitFile file(String text) throws Exception {
        UnitFile file = UnitFile.parse(text);
        registry.put(file.hash(), file);
        return file;
    }

    private UnitFile plain() throws Exception {
        return file("[Service]\nExecStart=/bin/sleep 1\n");
    }

    private static AssignedUnit unit(String name, UnitFile file, TargetState target, long generation) {
        return AssignedUnit.newBuilder()
                .setName(name)
                .setHash(file.hash().toByteString())
                .setTargetState(target)
                .setStartGeneration(generation)
                .build();
    }

    private static AssignedUnit launched(String name, UnitFile file, long generation) {
        return unit(name, file, TargetState.TARGET_STATE_LAUNCHED, generation);
    }

    private static AssignedUnit loaded(String name, UnitFile file, long generation) {
        return unit(name, file, TargetState.TARGET_STATE_LOADED, generation);
    }

    private void set(AssignedUnit... units) throws Exception {
        reconciler.apply(AssignmentDelta.newBuilder().addAllSet(List.of(units)).build());
        settle();
    }

    private void remove(String... names) throws Exception {
        reconciler.apply(
                AssignmentDelta.newBuilder().addAllRemove(List.of(names)).build());
        settle();
    }

    private void settle() throws Exception {
        loop.runUntil(() -> reconciler.unsettled() == 0);
    }

    private UnitState state(String name) {
        return reconciler.states(List.of(Digest.bucket(name))).stream()
                .filter(state -> state.getName().equals(name))
                .findFirst()
                .orElse(UnitState.getDefaultInstance());
    }

    @Test
    void startsALaunchedUnitOnceHoweverOftenItIsTold() throws Exception {
        UnitFile file = plain();
        set(launched("a.service", file, 1));
        assertThat(manager.takeOrders()).containsExactly("install a.service", "start a.service");
        set(launched("a.service", file, 1));
        set(launched("a.service", file, 1), launched("a.service", file, 1));
        assertThat(manager.takeOrders()).isEmpty();
        assertThat(state("a.service").getActiveState()).isEqualTo("active");
        assertThat(state("a.service").getLaunched()).isTrue();
        assertThat(state("a.service").getMainPid()).isPositive();
        assertThat(state("a.service").getHash()).isEqualTo(file.hash().toByteString());
    }

    @Test
    void tellsWithTheFilesWhichUnitsAreStartedNext() throws Exception {
        UnitFile file = plain();
        UnitFile fenced = file("[Service]\nExecStart=/bin/sleep 1\n[X-Fleet]\nFence=true\n");
        set(launched("a.service", file, 1), loaded("b.service", file, 0), launched("fenced.service", fenced, 1));
        assertThat(manager.takeOrders()).contains("install a.service b.service fenced.service");
        assertThat(manager.announced).as("a fence may hold its start back").containsExactly("a.service");

        manager.announced.clear();
        manager.machine.uninstall(List.of("a.service")).get();
        restartAgent();
        set(launched("a.service", file, 1));
        assertThat(manager.takeOrders()).containsExactly("install a.service");
        assertThat(manager.announced)
                .as("it was started in this boot, so that no start follows")
                .isEmpty();
        assertThat(manager.startedBefore).containsExactly("a.service");
    }

    /** Engines refuse reports of states that they don't know. */
    @Test
    void reportsStatesOfALaterSystemdAsThoseThatEnginesKnow() throws Exception {
        UnitFile file = plain();
        set(launched("a.service", file, 1));
        Objects.requireNonNull(manager.listener)
                .changed("a.service", new ObservedState("loaded", "active", "levitating", 7, file.hash()));
        loop.runUntil(() -> state("a.service").getMainPid() == 7);
        assertThat(state("a.service").getActiveState()).isEqualTo("active");
        assertThat(state("a.service").getSubState()).isEqualTo("running");
        assertThat(MessageCheck.fault(state("a.service"))).isNull();
    }

    @Test
    void putsAllFilesInPlaceBeforeAnyStartAndFetchesSharedContentsOnce() throws Exception {
        UnitFile shared = plain();
        UnitFile own = file("[Service]\nExecStart=/bin/own\n");
        AssignmentDelta.Builder delta = AssignmentDelta.newBuilder();
        IntStream.range(0, 100).forEach(i -> delta.addSet(launched("u" + i + ".service", shared, 1)));
        delta.addSet(launched("own.service", own, 1));
        reconciler.apply(delta.build());
        settle();
        List<String> orders = manager.takeOrders();
        assertThat(orders.get(0)).startsWith("install").contains("u99.service").contains("own.service");
        assertThat(orders).hasSize(102);
        assertThat(orders.subList(1, 102)).allMatch(order -> order.startsWith("start "));
        assertThat(fetches).hasSize(1);
        assertThat(fetches.get(0)).containsExactlyInAnyOrder(shared.hash(), own.hash());
    }

    @Test
    void aLoadedUnitIsInPlaceAndNotStarted() throws Exception {
        UnitFile file = plain();
        set(loaded("a.service", file, 0));
        assertThat(manager.takeOrders()).containsExactly("install a.service");
        assertThat(state("a.service").getLoadState()).isEqualTo("loaded");
        assertThat(state("a.service").getActiveState()).isEqualTo("inactive");
        assertThat(state("a.service").getLaunched()).isFalse();
    }

    @Test
    void whatSomebodyElseStartsBetweenAStopAndTheStartIsNotStoppedAgain() throws Exception {
        UnitFile file = plain();
        set(launched("a.service", file, 1));
        manager.takeOrders();
        manager.afterStop =
                () -> assertThat(manager.machine.start("a.service")).isCompleted(); // As its busy socket does.
        set(launched("a.service", file, 2));
        assertThat(manager.takeOrders()).containsExactly("stop a.service", "start a.service");
        assertThat(state("a.service"))
                .returns("active", UnitState::getActiveState)
                .returns(true, UnitState::getLaunched);
        // The next order is another one; and so is one with another file, whose predecessor is not to run on.
        set(launched("a.service", file, 3));
        assertThat(manager.takeOrders()).containsExactly("stop a.service", "start a.service");
        set(launched("a.service", file("[Service]\nExecStart=/bin/other\n"), 4));
        assertThat(manager.takeOrders()).containsExactly("stop a.service", "install a.service", "start a.service");
    }

    @Test
    void fromLaunchedToLoadedStopsAndKeepsTheFile() throws Exception {
        UnitFile file = plain();
        set(launched("a.service", file, 1));
        manager.takeOrders();
        set(loaded("a.service", file, 1));
        assertThat(manager.takeOrders()).containsExactly("stop a.service");
        assertThat(manager.installed()).containsKey("a.service");
        set(launched("a.service", file, 2));
        assertThat(manager.takeOrders()).containsExactly("start a.service");
    }

    @Test
    void whatIsOnlyLoadedAndRunsIsStoppedOnceForEachLaterGeneration() throws Exception {
        UnitFile file = plain();
        set(loaded("a.service", file, 5));
        manager.takeOrders();
        manager.machine.start("a.service").get(); // As its socket does.
        set(loaded("a.service", file, 4));
        set(loaded("a.service", file, 5));
        assertThat(manager.takeOrders()).isEmpty();
        assertThat(state("a.service"))
                .returns("active", UnitState::getActiveState)
                .returns(false, UnitState::getPending);

        set(loaded("a.service", file, 6));
        assertThat(manager.takeOrders()).containsExactly("stop a.service");
        assertThat(state("a.service"))
                .returns("inactive", UnitState::getActiveState)
                .returns(false, UnitState::getPending)
                .returns(6L, UnitState::getStartGeneration);
        manager.machine.start("a.service").get();
        restartAgent();
        reconciler.opened(MATCHING);
        settle();
        assertThat(manager.takeOrders()).isEmpty();
    }

    @Test
    void aStateIsPendingUntilWhatWasOrderedLastHasCome() throws Exception {
        UnitFile file = file("[X-Hollow]\nStartDelaySec=5\nFailStart=true\nStopDelaySec=5\n");
        for (int generation = 1; generation <= 2; generation++) {
            reconciler.apply(AssignmentDelta.newBuilder()
                    .addSet(launched("a.service", file, generation))
                    .build());
            loop.runUntil(() -> state("a.service").getActiveState().equals("activating"));
            assertThat(state("a.service"))
                    .returns("activating", UnitState::getActiveState)
                    .returns(true, UnitState::getPending)
                    .returns("", UnitState::getError)
                    .returns((long) generation, UnitState::getStartGeneration);
            loop.advance(Duration.ofSeconds(5));
            assertThat(state("a.service"))
                    .returns("failed", UnitState::getActiveState)
                    .returns(false, UnitState::getPending)
                    .returns("it failed to start, as its file says: FailStart=true", UnitState::getError)
                    .returns((long) generation, UnitState::getStartGeneration);
        }
        set(launched("a.service", file, 3));
        reconciler.apply(AssignmentDelta.newBuilder()
                .addSet(loaded("a.service", file, 3))
                .build());
        loop.run();
        assertThat(state("a.service"))
                .returns("deactivating", UnitState::getActiveState)
                .returns(true, UnitState::getPending)
                .returns(false, UnitState::getLaunched);
        loop.advance(Duration.ofSeconds(5));
        assertThat(state("a.service"))
                .returns("inactive", UnitState::getActiveState)
                .returns(false, UnitState::getPending);
    }

    @Test
    void aStartOfWhatRunsAlreadyIsNotPendingForEver() throws Exception {
        UnitFile file = plain();
        set(loaded("a.service", file, 1));
        manager.machine.start("a.service").get(); // As its socket does.
        set(launched("a.service", file, 2));
        assertThat(state("a.service"))
                .returns("active", UnitState::getActiveState)
                .returns(true, UnitState::getLaunched)
                .returns(false, UnitState::getPending);
    }

    @Test
    void aRaisedGenerationStopsAndStartsOnce() throws Exception {
        UnitFile file = plain();
        set(launched("a.service", file, 1));
        int firstPid = state("a.service").getMainPid();
        manager.takeOrders();
        set(launched("a.service", file, 2));
        set(launched("a.service", file, 2));
        assertThat(manager.takeOrders()).containsExactly("stop a.service", "start a.service");
        assertThat(state("a.service").getMainPid()).isGreaterThan(firstPid);
    }

    @Test
    void generationsRaisedWhileTheUnitStopsAreOneStart() throws Exception {
        UnitFile file = file("[X-Hollow]\nStopDelaySec=10\n");
        set(launched("a.service", file, 1));
        manager.takeOrders();
        reconciler.apply(AssignmentDelta.newBuilder()
                .addSet(launched("a.service", file, 2))
                .build());
        loop.run();
        reconciler.apply(AssignmentDelta.newBuilder()
                .addSet(launched("a.service", file, 3))
                .build());
        loop.advance(Duration.ofSeconds(11));
        settle();
        assertThat(manager.takeOrders()).containsExactly("stop a.service", "start a.service");
    }

    @Test
    void otherContentsReplaceTheUnit() throws Exception {
        UnitFile first = plain();
        UnitFile second = file("[Service]\nExecStart=/bin/other\n");
        set(launched("a.service", first, 1));
        manager.takeOrders();
        set(launched("a.service", second, 1));
        assertThat(manager.takeOrders()).containsExactly("stop a.service", "install a.service", "start a.service");
        assertThat(state("a.service").getHash()).isEqualTo(second.hash().toByteString());
    }

    /** Else the old process would be ended by the new file's commands, and both versions might run. */
    @Test
    void otherContentsWaitUntilTheOldOnesHaveEnded() throws Exception {
        set(launched("a.service", file("[X-Hollow]\nStopDelaySec=10\n"), 1));
        manager.takeOrders();
        reconciler.apply(AssignmentDelta.newBuilder()
                .addSet(launched("a.service", plain(), 1))
                .build());
        loop.runUntil(() -> state("a.service").getActiveState().equals("deactivating"));
        assertThat(manager.takeOrders()).containsExactly("stop a.service");
        loop.advance(Duration.ofSeconds(11));
        settle();
        assertThat(manager.takeOrders()).containsExactly("install a.service", "start a.service");
    }

    @Test
    void removingStopsUninstallsAndReportsGoneUntilCommitted() throws Exception {
        UnitFile file = plain();
        set(launched("a.service", file, 1));
        manager.takeOrders();
        remove("a.service");
        assertThat(manager.takeOrders()).containsExactly("stop a.service", "uninstall a.service");
        assertThat(gone()).containsExactly("a.service");
        // Not committed yet: a new process says it again.
        restartAgent();
        reconciler.opened(MATCHING);
        settle();
        assertThat(gone()).containsExactly("a.service");
        reconciler.goneCommitted(List.of("a.service"));
        settle();
        restartAgent();
        reconciler.opened(MATCHING);
        settle();
        assertThat(gone()).isEmpty();
        assertThat(manager.takeOrders()).isEmpty();
    }

    private List<String> gone() {
        return List.copyOf(io.raftfleet.agent.session.TestReports.next(reports).getGoneList());
    }

    @Test
    void removingWhatWasNeverHereIsReportedGoneToo() throws Exception {
        remove("never.service");
        assertThat(manager.takeOrders()).isEmpty();
        assertThat(gone()).containsExactly("never.service");
    }

    @Test
    void stopsThatTakeForEverHoldUpNoStart() throws Exception {
        UnitFile file = plain();
        AssignedUnit[] running = IntStream.range(0, 1000)
                .mapToObj(number -> launched("stuck" + number + ".service", file, 1))
                .toArray(AssignedUnit[]::new);
        set(running);
        manager.stopsLast = true;
        reconciler.apply(AssignmentDelta.newBuilder()
                .addAllRemove(Arrays.stream(running).map(AssignedUnit::getName).toList())
                .build());
        loop.run();
        manager.takeOrders();
        reconciler.apply(AssignmentDelta.newBuilder()
                .addSet(launched("new.service", file, 2))
                .build());
        loop.runUntil(() -> manager.orders.contains("start new.service"));
    }

    @Test
    void takesOverRunningUnitsAfterARestart() throws Exception {
        UnitFile file = plain();
        set(launched("a.service", file, 1), launched("b.service", file, 1));
        int pid = state("a.service").getMainPid();
        manager.takeOrders();
        restartAgent();
        reconciler.opened(MATCHING);
        settle();
        set(launched("a.service", file, 1));
        assertThat(manager.takeOrders()).isEmpty();
        assertThat(state("a.service").getMainPid()).isEqualTo(pid);
        assertThat(state("a.service").getLaunched()).isTrue();
    }

    @Test
    void takesOverRunningUnitsEvenWithoutItsJournal() throws Exception {
        UnitFile file = plain();
        set(launched("a.service", file, 7));
        manager.takeOrders();
        stopAgent();
        java.nio.file.Files.delete(folder.resolve("journal"));
        startAgent();
        assertThat(reconciler.inventory(
                        IntStream.range(0, Digest.BUCKETS).boxed().toList()))
                .singleElement()
                .satisfies(found -> {
                    assertThat(found.getName()).isEqualTo("a.service");
                    assertThat(found.getTargetState()).isEqualTo(TargetState.TARGET_STATE_UNSPECIFIED);
                });
        set(launched("a.service", file, 7));
        assertThat(manager.takeOrders()).isEmpty();
        assertThat(state("a.service").getLaunched()).isTrue();
        set(launched("a.service", file, 8));
        assertThat(manager.takeOrders()).containsExactly("stop a.service", "start a.service");
    }

    @Test
    void aFinishedOrFailedUnitIsNotStartedAgainByARestart() throws Exception {
        UnitFile finishes = file("[X-Hollow]\nExitAfterSec=1\n");
        UnitFile fails = file("[X-Hollow]\nExitAfterSec=1\nExitCode=3\n");
        UnitFile neverUp = file("[X-Hollow]\nFailStart=true\n");
        AssignedUnit[] orders = {
            launched("done.service", finishes, 1), launched("bad.service", fails, 1), launched("no.service", neverUp, 1)
        };
        set(orders);
        loop.advance(Duration.ofSeconds(2));
        assertThat(state("done.service").getActiveState()).isEqualTo("inactive");
        assertThat(state("bad.service").getActiveState()).isEqualTo("failed");
        assertThat(state("no.service").getActiveState()).isEqualTo("failed");
        manager.takeOrders();
        restartAgent();
        reconciler.opened(DIFFERING);
        set(orders);
        loop.advance(Duration.ofMinutes(10));
        settle();
        assertThat(manager.takeOrders()).isEmpty();
        // Another generation is another start.
        set(launched("done.service", finishes, 2));
        assertThat(manager.takeOrders()).containsExactly("start done.service");
    }

    @Test
    void afterARebootLaunchedUnitsStartAgainOnceAnEngineConfirmsThem() throws Exception {
        UnitFile finishes = file("[X-Hollow]\nExitAfterSec=1\n");
        set(launched("a.service", finishes, 1));
        loop.advance(Duration.ofSeconds(2));
        manager.takeOrders();
        manager.bootId = "c".repeat(32);
        restartAgent();
        loop.advance(Duration.ofHours(1));
        settle();
        assertThat(manager.takeOrders()).as("engines are away").isEmpty();
        assertThat(state("a.service").getLaunched()).isFalse();
        reconciler.opened(MATCHING);
        settle();
        assertThat(manager.takeOrders()).containsExactly("start a.service");
    }

    @Test
    void afterAMismatchOnlyWhatTheEngineStandsByIsCarriedOut() throws Exception {
        UnitFile finishes = file("[X-Hollow]\nExitAfterSec=1\n");
        set(launched("mine.service", finishes, 1), launched("moved.service", finishes, 1));
        loop.advance(Duration.ofSeconds(2));
        manager.takeOrders();
        manager.bootId = "c".repeat(32);
        restartAgent();
        reconciler.opened(DIFFERING);
        reconciler.inventory(List.of(Digest.bucket("mine.service"), Digest.bucket("moved.service")));
        settle();
        assertThat(manager.takeOrders()).isEmpty();
        reconciler.apply(AssignmentDelta.newBuilder()
                .addRemove("moved.service")
                .setAnswersInventory(true)
                .build());
        settle();
        assertThat(manager.takeOrders()).containsExactlyInAnyOrder("uninstall moved.service", "start mine.service");
    }

    @Test
    void aDeltaThatCrossesTheInventoryDoesNotAnswerIt() throws Exception {
        UnitFile finishes = file("[X-Hollow]\nExitAfterSec=1\n");
        set(launched("moved.service", finishes, 1));
        loop.advance(Duration.ofSeconds(2));
        manager.takeOrders();
        manager.bootId = "c".repeat(32);
        restartAgent();
        reconciler.opened(DIFFERING);
        reconciler.inventory(List.of(Digest.bucket("moved.service")));
        set(loaded("new.service", finishes, 0));
        loop.advance(Duration.ofMinutes(1));
        settle();
        assertThat(manager.takeOrders())
                .as("the engine has not said yet that this is still to run here")
                .containsExactly("install new.service");
    }

    @Test
    void aUnitManagerThatBeganAnewInTheSameBootIsAsAfterAReboot() throws Exception {
        String kernel = manager.bootId;
        manager.bootId = BootIds.of(kernel, 1000);
        restartAgent();
        UnitFile finishes = file("[X-Hollow]\nExitAfterSec=1\n");
        set(launched("a.service", finishes, 1));
        loop.advance(Duration.ofSeconds(2));
        manager.takeOrders();
        restartAgent();
        reconciler.opened(MATCHING);
        settle();
        assertThat(manager.takeOrders()).as("the same").isEmpty();
        assertThat(hello().getBootId()).isEqualTo(kernel);

        manager.bootId = BootIds.of(kernel, 2000);
        restartAgent();
        reconciler.opened(MATCHING);
        settle();
        assertThat(manager.takeOrders()).containsExactly("start a.service");
        assertThat(hello().getBootId()).isEqualTo(kernel);
    }

    @Test
    void whatAnAgentNotedThatKnewOnlyTheKernelsBootCountsAsOfTheSameOnce() throws Exception {
        UnitFile finishes = file("[X-Hollow]\nExitAfterSec=1\n");
        set(launched("a.service", finishes, 1));
        loop.advance(Duration.ofSeconds(2));
        manager.takeOrders();
        String kernel = manager.bootId;
        manager.bootId = BootIds.of(kernel, 1000);
        restartAgent();
        reconciler.opened(MATCHING);
        settle();
        assertThat(manager.takeOrders()).isEmpty();
        assertThat(state("a.service").getLaunched()).isTrue();

        manager.bootId = BootIds.of(kernel, 2000);
        restartAgent();
        reconciler.opened(MATCHING);
        settle();
        assertThat(manager.takeOrders()).containsExactly("start a.service");
    }

    @Test
    void aStartThatWaitedForAnotherSystemdIsOfThatOne() throws Exception {
        UnitFile finishes = file("[X-Hollow]\nExitAfterSec=1\n");
        var accepted = new CompletableFuture<Void>();
        manager.startsLast = accepted;
        reconciler.apply(AssignmentDelta.newBuilder()
                .addSet(launched("a.service", finishes, 1))
                .build());
        loop.runUntil(() -> manager.orders.contains("start a.service"));
        manager.bootId = "c".repeat(32);
        Objects.requireNonNull(manager.listener)
                .relisted(manager.machine.states().get());
        loop.run();
        manager.startsLast = null;
        manager.machine.start("a.service").get();
        loop.advance(Duration.ofSeconds(2)); // It has run to its end by then.
        accepted.complete(null);
        settle();
        assertThat(manager.takeOrders()).containsExactly("install a.service", "start a.service");
        assertThat(state("a.service").getLaunched()).isTrue();
    }

    /** As when the agent is killed: what it noted last is all that the next one knows. */
    @Test
    void ofManyStartsOnlyASliceIsOfUnknownOutcomeAfterACrash() throws Exception {
        UnitFile file = plain();
        int units = 5 * Starts.MAX;
        AssignedUnit[] orders = IntStream.range(0, units)
                .mapToObj(i -> launched("u" + i + ".service", file, 1))
                .toArray(AssignedUnit[]::new);
        manager.startsLast = new CompletableFuture<>();
        reconciler.apply(AssignmentDelta.newBuilder().addAllSet(List.of(orders)).build());
        loop.runUntil(() -> starts().size() >= Starts.MAX);
        stopAgent();
        loop.run();
        manager.takeOrders();
        manager.startsLast = null;
        startAgent();
        reconciler.opened(MATCHING);
        settle();
        assertThat(starts()).hasSize(units - Starts.MAX);
        assertThat(Arrays.stream(orders)
                        .filter(unit -> !state(unit.getName()).getError().isEmpty()))
                .hasSize(Starts.MAX);
    }

    private List<String> starts() {
        return manager.orders.stream()
                .filter(order -> order.startsWith("start "))
                .toList();
    }

    /** All but {@link #LAST} are ordered, and answered by what this returns. */
    private CompletableFuture<Void> oneStartMoreThanAtOnce(UnitFile file) throws InterruptedException {
        AssignmentDelta.Builder delta = AssignmentDelta.newBuilder();
        IntStream.rangeClosed(0, Starts.MAX)
                .forEach(i -> delta.addSet(launched("u%03d.service".formatted(i), file, 1)));
        var answer = new CompletableFuture<Void>();
        manager.startsLast = answer;
        reconciler.apply(delta.build());
        loop.runUntil(() -> starts().size() >= Starts.MAX);
        return answer;
    }

    @Test
    void aUnitWhoseOrderChangesBeforeItsTurnToStartIsNotStarted() throws Exception {
        UnitFile file = plain();
        CompletableFuture<Void> answer = oneStartMoreThanAtOnce(file);
        reconciler.apply(
                AssignmentDelta.newBuilder().addSet(loaded(LAST, file, 2)).build());
        loop.run();
        answer.complete(null);
        settle();
        assertThat(starts()).hasSize(Starts.MAX).doesNotContain("start " + LAST);
        assertThat(state(LAST).getPending()).isFalse();
    }

    @Test
    void aUnitThatSystemdStartsByItselfBeforeItsTurnIsDone() throws Exception {
        CompletableFuture<Void> answer = oneStartMoreThanAtOnce(plain());
        manager.machine.start(LAST).get(); // For another that wants it.
        loop.run();
        answer.complete(null);
        settle();
        assertThat(starts()).hasSize(Starts.MAX).doesNotContain("start " + LAST);
        assertThat(state(LAST)).returns(false, UnitState::getPending).returns(true, UnitState::getLaunched);
    }

    @Test
    void thatAUnitHadFailedBeforeDoesNotShowThatItWasStarted() throws Exception {
        UnitFile file = file("[X-Hollow]\nFailStart=true\n");
        set(launched("a.service", file, 1));
        assertThat(state("a.service").getActiveState()).isEqualTo("failed");
        manager.takeOrders();
        var answer = new CompletableFuture<Void>();
        manager.startsLast = answer;
        reconciler.apply(AssignmentDelta.newBuilder()
                .addSet(launched("a.service", file, 2))
                .build());
        loop.runUntil(() -> manager.orders.contains("start a.service"));
        manager.startsLast = null;
        answer.completeExceptionally(UnitManagerException.unanswered("the connection was lost"));
        settle();
        Objects.requireNonNull(manager.listener)
                .relisted(manager.machine.states().get());
        settle();
        assertThat(state("a.service").getError()).startsWith("not started again: ");
        assertThat(state("a.service").getLaunched()).isFalse();
    }

    @Test
    void aStartOfUnknownOutcomeIsNotRepeatedAndSaysSo() throws Exception {
        UnitFile file = plain();
        manager.machine.install(Map.of("a.service", file)).get();
        journal.write(
                        List.of(new JournalEntry(
                                "a.service",
                                new Order(file.hash(), true, 1),
                                false,
                                new Done(file.hash(), true, 1, manager.bootId, Done.Phase.INTENDED))),
                        List.of(),
                        true)
                .get();
        restartAgent();
        reconciler.opened(MATCHING);
        settle();
        assertThat(manager.takeOrders()).isEmpty();
        assertThat(state("a.service").getError())
                .startsWith("not started again: ")
                .contains("restart it");
        assertThat(state("a.service").getLaunched()).isFalse();
    }

    private CompletableFuture<Void> startWithoutAnswer(UnitFile file) throws Exception {
        var answer = new CompletableFuture<Void>();
        manager.startsLast = answer;
        reconciler.apply(AssignmentDelta.newBuilder()
                .addSet(launched("a.service", file, 1))
                .build());
        loop.runUntil(() -> manager.orders.contains("start a.service"));
        manager.takeOrders();
        manager.startsLast = null;
        return answer;
    }

    @Test
    void aStartWhoseAnswerIsLostCountsOnceTheUnitIsSeenToRun() throws Exception {
        CompletableFuture<Void> answer = startWithoutAnswer(plain());
        answer.completeExceptionally(UnitManagerException.unanswered("the connection was lost"));
        settle();
        assertThat(state("a.service").getError()).contains("is not known", "the connection was lost");
        assertThat(state("a.service").getPending()).isTrue();

        manager.machine.start("a.service").get(); // As systemd does that has taken the call.
        Objects.requireNonNull(manager.listener)
                .relisted(manager.machine.states().get());
        settle();
        assertThat(state("a.service"))
                .returns("", UnitState::getError)
                .returns(true, UnitState::getLaunched)
                .returns(false, UnitState::getPending);
        restartAgent();
        reconciler.opened(MATCHING);
        settle();
        assertThat(manager.takeOrders()).isEmpty();
        assertThat(state("a.service").getLaunched()).isTrue();
    }

    @Test
    void aStartWhoseAnswerIsLostIsNotRepeatedAndCountsWheneverTheUnitIsSeen() throws Exception {
        CompletableFuture<Void> answer = startWithoutAnswer(plain());
        answer.completeExceptionally(UnitManagerException.unanswered("the connection was lost"));
        settle();
        Objects.requireNonNull(manager.listener)
                .relisted(manager.machine.states().get());
        settle();
        assertThat(state("a.service").getError())
                .startsWith("not started again: ")
                .contains("restart it");
        manager.machine.start("a.service").get();
        settle();
        assertThat(state("a.service")).returns("", UnitState::getError).returns(true, UnitState::getLaunched);
        assertThat(manager.takeOrders()).isEmpty();
    }

    @Test
    void aUnitWhoseStartHadNoAnswerIsStoppedWhenItIsToBe() throws Exception {
        UnitFile file = plain();
        CompletableFuture<Void> answer = startWithoutAnswer(file);
        answer.completeExceptionally(UnitManagerException.unanswered("the connection was lost"));
        settle();
        set(loaded("a.service", file, 2));
        assertThat(manager.takeOrders()).containsExactly("stop a.service");
    }

    @Test
    void nothingHappensWhileEnginesAreAway() throws Exception {
        UnitFile file = plain();
        reconciler.opened(MATCHING);
        set(launched("a.service", file, 1));
        manager.takeOrders();
        reconciler.closed();
        loop.advance(Duration.ofDays(3));
        assertThat(manager.takeOrders()).isEmpty();
        assertThat(loop.pendingTimers()).isZero();
        assertThat(state("a.service").getActiveState()).isEqualTo("active");
    }

    @Test
    void aRefusedStartIsToldAndNotTriedAgain() throws Exception {
        UnitFile file = file("[X-Hollow]\nRefuseStart=true\n");
        set(launched("a.service", file, 1));
        loop.advance(Duration.ofHours(1));
        assertThat(manager.takeOrders()).containsExactly("install a.service", "start a.service");
        assertThat(state("a.service").getError()).contains("RefuseStart");
        assertThat(state("a.service").getLaunched()).isFalse();
        set(launched("a.service", plain(), 2));
        assertThat(state("a.service").getError()).isEmpty();
        assertThat(state("a.service").getActiveState()).isEqualTo("active");
    }

    @Test
    void aStartThatNeverReachedSystemdIsTriedAgain() throws Exception {
        manager.notReachable = 3;
        set(launched("a.service", plain(), 1));
        assertThat(state("a.service").getError()).contains("no connection");
        for (int round = 0; round < 10; round++) {
            loop.advance(Duration.ofSeconds(2));
            settle();
        }
        assertThat(manager.takeOrders()).filteredOn("start a.service"::equals).hasSize(4);
        assertThat(state("a.service").getError()).isEmpty();
        assertThat(state("a.service").getActiveState()).isEqualTo("active");
    }

    @Test
    void oneUnitThatCannotBePutInPlaceHoldsUpNoOther() throws Exception {
        UnitFile file = plain();
        manager.uninstallable.add("bad.service");
        set(launched("a.service", file, 1), launched("bad.service", file, 1), launched("b.service", file, 1));
        assertThat(state("a.service").getActiveState()).isEqualTo("active");
        assertThat(state("b.service").getActiveState()).isEqualTo("active");
        assertThat(state("bad.service").getError()).contains("no space left");
        manager.uninstallable.clear();
        loop.advance(Duration.ofMinutes(1));
        settle();
        assertThat(state("bad.service").getActiveState()).isEqualTo("active");
    }

    @Test
    void eachUnitThatCannotBeTakenAwaySaysItsOwnReasonAndOthersGo() throws Exception {
        UnitFile file = plain();
        set(launched("a.service", file, 1), launched("bad.service", file, 1), launched("worse.service", file, 1));
        manager.stuck.addAll(List.of("bad.service", "worse.service"));
        remove("a.service", "bad.service", "worse.service");
        assertThat(manager.takeOrders()).contains("uninstall a.service bad.service worse.service");
        assertThat(gone()).containsExactly("a.service");
        assertThat(state("bad.service").getError())
                .contains("the disk has no bad.service")
                .doesNotContain("worse");
        assertThat(state("worse.service").getError())
                .contains("the disk has no worse.service")
                .doesNotContain("bad");
        manager.stuck.clear();
        loop.advance(Duration.ofMinutes(1));
        settle();
        assertThat(gone()).contains("bad.service", "worse.service");
    }

    @Test
    void missingContentsAreToldAndFetchedWhenTheyAreThere() throws Exception {
        UnitFile file = UnitFile.parse("[Service]\nExecStart=/bin/late\n");
        set(launched("late.service", file, 1), launched("a.service", plain(), 1));
        assertThat(state("a.service").getActiveState()).isEqualTo("active");
        assertThat(state("late.service").getError()).contains("not in the registry");
        assertThat(state("late.service").getLoadState()).isEqualTo("not-found");
        registry.put(file.hash(), file);
        reconciler.opened(MATCHING);
        settle();
        assertThat(state("late.service").getActiveState()).isEqualTo("active");
    }

    /** As when its machine is lost and is back, and so is the one that it was given to meanwhile. */
    @Test
    void whatIsOrderedBackWhileItStopsStartsAgain() throws Exception {
        UnitFile file = file("[X-Hollow]\nStopDelaySec=10\n");
        set(launched("a.service", file, 1));
        manager.takeOrders();
        reconciler.apply(AssignmentDelta.newBuilder().addRemove("a.service").build());
        loop.run();
        reconciler.apply(AssignmentDelta.newBuilder()
                .addSet(launched("a.service", file, 1))
                .build());
        loop.advance(Duration.ofSeconds(11));
        settle();
        assertThat(manager.takeOrders()).containsExactly("stop a.service", "start a.service");
        assertThat(state("a.service").getActiveState()).isEqualTo("active");
    }

    @Test
    void aSlowStopDelaysNoOtherUnit() throws Exception {
        UnitFile slow = file("[X-Hollow]\nStopDelaySec=60\n");
        UnitFile quick = plain();
        set(launched("slow.service", slow, 1));
        reconciler.apply(AssignmentDelta.newBuilder()
                .addRemove("slow.service")
                .addSet(launched("a.service", quick, 1))
                .build());
        loop.runUntil(() -> state("a.service").getActiveState().equals("active"));
        assertThat(state("slow.service").getActiveState()).isEqualTo("deactivating");
        loop.advance(Duration.ofSeconds(61));
        settle();
        assertThat(manager.installed()).containsOnlyKeys("a.service");
    }

    /** The machine was powered off meanwhile, so that nothing runs; another one may have the unit. */
    @Test
    void whatAnAnswerHoldsBackIsNotStartedFromMemory() throws Exception {
        UnitFile file = plain();
        set(launched("a.service", file, 1), launched("b.service", file, 1));
        manager.machine.stop("a.service").get();
        manager.machine.stop("b.service").get();
        manager.bootId = "d".repeat(32);
        restartAgent();
        manager.takeOrders();
        reconciler.opened(DIFFERING);
        reconciler.inventory(ALL_BUCKETS);
        reconciler.apply(AssignmentDelta.newBuilder()
                .addHeld("a.service")
                .setAnswersInventory(true)
                .build());
        settle();
        assertThat(manager.takeOrders()).containsExactly("start b.service");
        set(launched("a.service", file, 1));
        assertThat(manager.takeOrders()).containsExactly("start a.service");
    }

    @Test
    void whatWasHeldBackIsStartedOnceALaterSessionStandsByIt() throws Exception {
        UnitFile file = plain();
        set(launched("a.service", file, 1));
        manager.machine.stop("a.service").get();
        manager.bootId = "d".repeat(32);
        restartAgent();
        reconciler.opened(DIFFERING);
        reconciler.inventory(ALL_BUCKETS);
        reconciler.apply(AssignmentDelta.newBuilder()
                .addHeld("a.service")
                .setAnswersInventory(true)
                .build());
        settle();
        manager.takeOrders();
        reconciler.closed();
        reconciler.opened(MATCHING);
        settle();
        assertThat(manager.takeOrders()).containsExactly("start a.service");
    }

    @Test
    void whatIsHeldBackRunsOn() throws Exception {
        set(launched("a.service", plain(), 1));
        manager.takeOrders();
        reconciler.closed();
        reconciler.opened(DIFFERING);
        reconciler.inventory(ALL_BUCKETS);
        reconciler.apply(AssignmentDelta.newBuilder()
                .addHeld("a.service")
                .setAnswersInventory(true)
                .build());
        settle();
        assertThat(manager.takeOrders()).isEmpty();
        assertThat(state("a.service").getActiveState()).isEqualTo("active");
    }

    /** What waited for its contents when the registry was restored may have been moved by then. */
    @Test
    void anOrderOfAnEarlierLifeOfTheRegistryIsCarriedOutOnlyOnceThisOneStandsByIt() throws Exception {
        UnitFile file = UnitFile.parse("[Service]\nExecStart=/bin/late\n");
        reconciler.opened(MATCHING.toBuilder().setIncarnation(1).build());
        set(launched("late.service", file, 1));
        registry.put(file.hash(), file);
        reconciler.closed();
        manager.takeOrders();
        reconciler.opened(Welcome.newBuilder().setIncarnation(2).build());
        loop.advance(Duration.ofMinutes(1));
        settle();
        assertThat(manager.takeOrders()).isEmpty();
        reconciler.inventory(ALL_BUCKETS);
        reconciler.apply(AssignmentDelta.newBuilder().setAnswersInventory(true).build());
        settle();
        assertThat(manager.takeOrders()).containsExactly("install late.service", "start late.service");
    }

    @Test
    void orphansAreKeptAndLeaveTheDigest() throws Exception {
        UnitFile file = plain();
        set(launched("a.service", file, 1));
        manager.takeOrders();
        assertThat(hello().getAssignmentsDigest()).isNotZero();
        reconciler.apply(AssignmentDelta.newBuilder().addOrphans("a.service").build());
        settle();
        assertThat(hello().getAssignmentsDigest()).isZero();
        assertThat(hello().getUnits()).isZero();
        assertThat(manager.takeOrders()).isEmpty();
        assertThat(state("a.service").getActiveState()).isEqualTo("active");
        remove("a.service");
        assertThat(manager.takeOrders()).containsExactly("stop a.service", "uninstall a.service");
    }

    private Hello hello() {
        Hello.Builder hello = Hello.newBuilder();
        reconciler.describe(hello);
        return hello.build();
    }

    @Test
    void digestsAreThoseOfTheOrdersAndStates() throws Exception {
        UnitFile file = plain();
        AssignedUnit a = launched("a.service", file, 1);
        AssignedUnit b = loaded("b.service", file, 0);
        set(a, b);
        set(launched("a.service", file, 2));
        Digest expected = new Digest();
        expected.add("a.service", Digest.of(launched("a.service", file, 2)));
        expected.add("b.service", Digest.of(b));
        Digest states = new Digest();
        states.add("a.service", Digest.of(state("a.service")));
        states.add("b.service", Digest.of(state("b.service")));
        assertThat(hello().getAssignmentsDigest()).isEqualTo(expected.whole());
        assertThat(hello().getStatesDigest()).isEqualTo(states.whole());
        assertThat(reconciler
                        .digests(DigestRequest.newBuilder().setAssignments(true).build())
                        .getAssignments(Digest.bucket("a.service")))
                .isEqualTo(expected.bucketDigest(Digest.bucket("a.service")));
    }

    @Test
    void statesToldAnewAfterABreakAreTakenAsTheyAre() throws Exception {
        UnitFile file = plain();
        set(launched("a.service", file, 1), launched("b.service", file, 1));
        manager.takeOrders();
        manager.machine.stop("a.service").get();
        loop.run();
        assertThat(manager.listener).isNotNull();
        manager.listener.relisted(manager.machine.states().get());
        settle();
        assertThat(state("a.service").getActiveState()).isEqualTo("inactive");
        assertThat(manager.takeOrders())
                .as("nobody ordered a to be started again")
                .isEmpty();
        manager.bootId = "d".repeat(32);
        manager.listener.relisted(manager.machine.states().get());
        settle();
        assertThat(manager.takeOrders()).as("systemd is another one").containsExactly("start a.service");
    }

    @Test
    void waitsForAManagerThatIsNotThereYet() throws Exception {
        set(launched("a.service", plain(), 1));
        manager.unreadable = 3;
        restartAgent();
        assertThat(state("a.service").getActiveState()).isEmpty();
        loop.advance(Duration.ofSeconds(10));
        assertThat(state("a.service").getActiveState()).isEqualTo("active");
    }

    @Test
    void ordersThatNoAgentCanCarryOutAreIgnored() throws Exception {
        set(
                unit("a.service", plain(), TargetState.TARGET_STATE_INACTIVE, 1),
                launched("b.service", plain(), 1).toBuilder().clearHash().build(),
                launched("c.service", plain(), 1));
        assertThat(manager.takeOrders()).containsExactly("install c.service", "start c.service");
    }
}
