package io.raftfleet.engine.session;

import static com.google.common.util.concurrent.Uninterruptibles.awaitUninterruptibly;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatObject;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.equalTo;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.engine.control.Controller;
import io.raftfleet.engine.control.LocalWrites;
import io.raftfleet.engine.control.NoMetrics;
import io.raftfleet.engine.control.Urgency;
import io.raftfleet.identity.Role;
import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.EngineFrame;
import io.raftfleet.proto.agent.Heartbeat;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.proto.agent.Inventory;
import io.raftfleet.proto.agent.LogUpload;
import io.raftfleet.proto.agent.LogUploadDone;
import io.raftfleet.proto.agent.StateReport;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.log.UnitRestored;
import io.raftfleet.proto.log.UnitScheduled;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.raft.RaftConfig;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.Fence;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.tasks.Ticker;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.RunnableScheduledFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Sessions, the look for silent machines and the decision thread together, over a log that commits when a test lets it. */
class SessionsTest {
    private static final String MACHINE = "0123456789abcdef0123456789abcdef";
    private static final Duration TTL = Duration.ofSeconds(30);
    private static final String PLAIN = "[Service]\nExecStart=/bin/true\n";

    private final Registry registry = new Registry(1000);
    private final SlowLog log = new SlowLog();
    private final AtomicLong nanos = new AtomicLong();
    private final AtomicInteger handOvers = new AtomicInteger();
    private final CompletableFuture<Void> leading = new CompletableFuture<>();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final Controller controller = new Controller(
            new Controller.Inputs("e1", registry, log, InstantSource.system(), new Random(7)),
            new Leadership(),
            new NoMetrics(),
            Thread::startVirtualThread);
    private final Sessions sessions = new Sessions(
            "cluster",
            registry,
            controller,
            new Check(),
            new Sessions.Timing(TTL, Duration.ofSeconds(1), Duration.ofSeconds(3)),
            nanos::get,
            Runnable::run);

    @BeforeEach
    void lead() throws Exception {
        registry.addListener(sessions);
        controller.start();
        controller.leaderStarted(1);
        leading.get(10, TimeUnit.SECONDS);
        var ticker = new Ticker(timer, System::nanoTime);
        new LivenessMonitor(registry, controller, sessions, nanos::get, handOvers::incrementAndGet).start(ticker);
        ticker.start();
    }

    @AfterEach
    void close() {
        log.go();
        timer.shutdownNow();
        controller.close();
    }

    @Test
    void aSilentMachineIsLostThoughTheAgentsLaneWasFullWhenItsTtlWasOver() throws Exception {
        controller
                .openSession(SessionOpened.newBuilder().setMachineId(MACHINE).build())
                .get(10, TimeUnit.SECONDS);
        fillTheAgentsLane();
        nanos.addAndGet(TTL.toNanos());
        // Two ticks at least have found it silent and could do nothing about it.
        awaitTicks(2);
        assertThat(machine().present()).isTrue();
        log.go();
        await().atMost(Duration.ofSeconds(20)).until(() -> {
            nanos.addAndGet(Duration.ofSeconds(1).toNanos());
            return !machine().present();
        });
    }

    @Test
    void machinesThatCameAMomentAgoAndFellSilentMoveNoLeader() throws Exception {
        var honest = new Stream();
        hello(honest, Caller.PLAINTEXT, "f".repeat(32));
        await().until(honest::isWelcome);
        nanos.addAndGet(Duration.ofMinutes(1).toNanos());
        heartbeat(honest, 1);
        for (int number = 1; number <= 4; number++) {
            var stranger = new Stream();
            hello(stranger, Caller.PLAINTEXT, String.format(Locale.ROOT, "%032x", number));
            await().until(stranger::isWelcome);
            heartbeat(stranger, 1);
        }
        for (int second = 2; second < 60; second++) {
            nanos.addAndGet(Duration.ofSeconds(1).toNanos());
            heartbeat(honest, second);
        }
        await().atMost(Duration.ofSeconds(20)).until(() -> registry.read(RegistryView::presentMachines) == 1);
        assertThat(handOvers).hasValue(0);
    }

    @Test
    void aLeaderThatHearsNobodyAnyMoreInAClustersFirstSecondsBlamesItself() throws Exception {
        var streams = new ArrayList<Stream>();
        for (int number = 0; number < 4; number++) {
            var stream = new Stream();
            hello(stream, Caller.PLAINTEXT, String.format(Locale.ROOT, "%032x", number + 1));
            await().until(stream::isWelcome);
            streams.add(stream);
            // The first is there at once, the others' first try came before an engine led.
            nanos.addAndGet(number == 0 ? TimeUnit.MILLISECONDS.toNanos(400) : 0);
        }
        nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(50));
        streams.forEach(stream -> heartbeat(stream, 1));
        nanos.addAndGet(TTL.toNanos());
        await().untilAtomic(handOvers, equalTo(1));
        assertThat(registry.<Integer>read(RegistryView::presentMachines)).isEqualTo(4);
    }

    private static void heartbeat(Stream stream, long sequence) {
        Objects.requireNonNull(stream.session)
                .onNext(AgentFrame.newBuilder()
                        .setHeartbeat(Heartbeat.newBuilder().setSequence(sequence))
                        .build());
    }

    @Test
    void aLeaderThatHearsNobodyAnyMoreBlamesItselfHoweverManyThereAre() throws Exception {
        int machines = 100;
        var streams = new ArrayList<Stream>();
        for (int number = 0; number < machines; number++) {
            var stream = new Stream();
            hello(stream, Caller.PLAINTEXT, String.format(Locale.ROOT, "%032x", number + 1));
            streams.add(stream);
        }
        await().until(() -> streams.stream().allMatch(Stream::isWelcome));
        // Heartbeats are spread over a second, and so are the ends of the machines' times.
        for (var stream : streams) {
            nanos.addAndGet(Duration.ofSeconds(1).toNanos() / machines);
            Objects.requireNonNull(stream.session)
                    .onNext(AgentFrame.newBuilder()
                            .setHeartbeat(Heartbeat.newBuilder().setSequence(1))
                            .build());
        }
        nanos.addAndGet(TTL.minusMillis(500).toNanos());
        await().untilAtomic(handOvers, equalTo(1));
        assertThat(registry.<Integer>read(RegistryView::presentMachines)).isEqualTo(machines);
        // With the others' ends nobody is blamed again: all were given another TTL.
        nanos.addAndGet(Duration.ofSeconds(5).toNanos());
        awaitTicks(3);
        assertThat(handOvers).hasValue(1);
        assertThat(registry.<Integer>read(RegistryView::presentMachines)).isEqualTo(machines);
        // Who stays silent is lost, whoever leads.
        await().atMost(Duration.ofSeconds(20)).until(() -> {
            nanos.addAndGet(Duration.ofSeconds(1).toNanos());
            return registry.read(RegistryView::presentMachines) == 0;
        });
    }

    @Test
    void aThirdThatDiesOneByOneIsNotBlamedOnTheLeader() {
        for (int number = 0; number < 9; number++) {
            var stream = new Stream();
            hello(stream, Caller.PLAINTEXT, String.format(Locale.ROOT, "%032x", number + 1));
            await().until(stream::isWelcome);
            nanos.addAndGet(Duration.ofSeconds(3).toNanos());
        }
        await().atMost(Duration.ofSeconds(20)).until(() -> {
            nanos.addAndGet(Duration.ofMillis(500).toNanos());
            return registry.read(RegistryView::presentMachines) == 0;
        });
        assertThat(handOvers).hasValue(0);
    }

    @Test
    void aLostMachinesFencedUnitsAloneAreWaitedFor() throws Exception {
        var first = "1".repeat(32);
        var second = "2".repeat(32);
        var streams = new ArrayList<Stream>();
        for (var machine : List.of(first, second)) {
            var stream = new Stream();
            hello(stream, Caller.PLAINTEXT, machine);
            await().until(stream::isWelcome);
        }
        // The next leadership begins with them.
        launch("single.service", "[Service]\nExecStart=/bin/single\n\n[X-Fleet]\nFence=true\n", first);
        launch("plain.service", "[Service]\nExecStart=/bin/plain\n", first);
        controller.leaderStopped();
        await().until(() -> !sessions.leading());
        controller.leaderStarted(2);
        await().until(sessions::leading);
        streams.clear();
        for (var machine : List.of(first, second)) {
            var stream = new Stream();
            hello(stream, Caller.PLAINTEXT, machine);
            await().until(stream::isWelcome);
            streams.add(stream);
        }
        nanos.addAndGet(TTL.dividedBy(2).toNanos());
        heartbeat(streams.get(1));
        nanos.addAndGet(TTL.dividedBy(2).toNanos());
        await().until(() ->
                place("single.service").equals(second) && place("plain.service").equals(second));
        assertThat(registry.<Boolean>read(view -> view.present(first))).isFalse();
        await().until(() -> ordered(streams.get(1)).contains("plain.service"));
        assertThat(ordered(streams.get(1))).as("what may run elsewhere yet").doesNotContain("single.service");
        heartbeat(streams.get(1));
        awaitTicks(2);
        nanos.addAndGet(Fence.afterTtl(TTL).toNanos() - 1);
        awaitTicks(2);
        assertThat(ordered(streams.get(1))).doesNotContain("single.service");
        nanos.addAndGet(1);
        await().until(() -> ordered(streams.get(1)).contains("single.service"));
    }

    @Test
    void aUnitThatStartsFirstIsStoppedOnceItIsUpOnItsNewMachine() throws Exception {
        var old = new Stream();
        hello(old);
        await().until(old::isWelcome);
        var text = "[Service]\nExecStart=/bin/a\n\n[X-Fleet]\nStartFirst=true\n";
        launch("a.service", text, MACHINE);
        await().until(() -> ordered(old).contains("a.service"));
        report(old, 1, running(text, "active"));
        await().until(() -> acknowledged(old, 1));
        var young = new Stream();
        hello(young, Caller.PLAINTEXT, "1".repeat(32));
        await().until(young::isWelcome);

        log.propose(
                        Entry.newBuilder()
                                .addRecords(Record.newBuilder()
                                        .setUnitScheduled(UnitScheduled.newBuilder()
                                                .setName("a.service")
                                                .setVersion(registry.<Long>read(
                                                        view -> Objects.requireNonNull(view.unit("a.service"))
                                                                .version()))
                                                .setMachineId("1".repeat(32))))
                                .build(),
                        TTL)
                .get(10, TimeUnit.SECONDS);
        await().until(() -> ordered(young).contains("a.service"));
        report(young, 1, running(text, "activating"));
        await().until(() -> acknowledged(young, 1));
        assertThat(removed(old)).as("it is not up there yet").isEmpty();
        report(young, 2, running(text, "active"));
        await().until(() -> removed(old).contains("a.service"));
    }

    private static UnitState running(String text, String active) {
        return UnitState.newBuilder()
                .setName("a.service")
                .setActiveState(active)
                .setLaunched(true)
                .setHash(UnitFile.stored(text).hash().toByteString())
                .build();
    }

    private static List<String> removed(Stream stream) {
        return stream.frames.stream()
                .flatMap(frame -> frame.getAssignments().getRemoveList().stream())
                .toList();
    }

    private void launch(String name, String text, String machine) throws Exception {
        log.propose(
                        Entry.newBuilder()
                                .addAllRecords(launched(name, text, machine))
                                .build(),
                        TTL)
                .get(10, TimeUnit.SECONDS);
    }

    private static List<Record> launched(String name, String text, String machine) throws InvalidUnitException {
        var file = UnitFile.parse(text);
        return List.of(
                Record.newBuilder()
                        .setContentsStored(ContentsStored.newBuilder()
                                .setContents(UnitContents.newBuilder()
                                        .setHash(file.hash().toByteString())
                                        .setText(file.text())))
                        .build(),
                Record.newBuilder()
                        .setUnitRestored(UnitRestored.newBuilder()
                                .setName(name)
                                .setHash(file.hash().toByteString())
                                .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                                .setMachineId(machine)
                                .setFacts(Requirements.of(name, file).facts()))
                        .build());
    }

    private String place(String unit) {
        return String.valueOf(registry.<@Nullable String>read(
                view -> Objects.requireNonNull(view.unit(unit)).machineId()));
    }

    private static List<String> ordered(Stream stream) {
        return stream.frames.stream()
                .flatMap(frame -> frame.getAssignments().getSetList().stream())
                .map(AssignedUnit::getName)
                .toList();
    }

    private static void heartbeat(Stream stream) {
        Objects.requireNonNull(stream.session)
                .onNext(AgentFrame.newBuilder()
                        .setHeartbeat(Heartbeat.newBuilder().setSequence(1))
                        .build());
    }

    private void awaitTicks(int ticks) throws Exception {
        for (int tick = 0; tick < ticks; tick++) {
            timer.schedule(() -> {}, 300, TimeUnit.MILLISECONDS).get(10, TimeUnit.SECONDS);
        }
    }

    @Test
    void aSessionThatIsRefusedDoesNotTakeThePlaceOfALaterOne() {
        var first = new Stream();
        var second = new Stream();
        var third = new Stream();
        hello(first);
        await().until(() -> first.isWelcome());
        // While the second takes the first one's place, the third comes.
        first.onEnd = () -> hello(third);
        hello(second);
        await().until(() -> third.isWelcome());
        assertThatObject(sessions.get(MACHINE)).isSameAs(third.session);
        assertThat(third.ended).isNull();
        assertThat(second.ended).isNotNull();
    }

    @Test
    void anOpeningThatTheQueueRefusesIsNotToldToLookForAnotherLeader() {
        fillTheAgentsLane();
        var stream = new Stream();
        hello(stream);
        await().until(() -> stream.ended != null);
        assertThat(Status.fromThrowable(Objects.requireNonNull(stream.ended)).getCode())
                .isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    }

    @Test
    void whoIsSlowToTakeAnAnswerHoldsUpNoDecision() throws Exception {
        var slow = new CountDownLatch(1);
        log.halt();
        var first = controller.openSession(
                SessionOpened.newBuilder().setMachineId("slow").build());
        var taken = first.thenAccept(epoch -> awaitUninterruptibly(slow));
        log.go();
        var second = controller.openSession(
                SessionOpened.newBuilder().setMachineId(MACHINE).build());
        await().until(() -> registry.read(view -> view.present(MACHINE)));
        assertThat(taken).isNotDone();
        slow.countDown();
        taken.get(10, TimeUnit.SECONDS);
        assertThat(second.get(10, TimeUnit.SECONDS)).isEqualTo(1);
    }

    @Test
    void aSessionThatCantBeToldIsEndedAndTheOthersAreTold() throws Exception {
        var failing = new Stream();
        var other = new Stream();
        hello(failing, Caller.PLAINTEXT, "1".repeat(32));
        hello(other, Caller.PLAINTEXT, "2".repeat(32));
        await().until(() -> failing.isWelcome() && other.isWelcome());
        failing.fails = EngineFrame::hasAssignments;
        log.propose(
                        Entry.newBuilder()
                                .addAllRecords(launched("a.service", PLAIN, "1".repeat(32)))
                                .addAllRecords(launched("b.service", PLAIN, "2".repeat(32)))
                                .build(),
                        TTL)
                .get(10, TimeUnit.SECONDS);
        assertThat(ordered(other)).containsExactly("b.service");
        assertThat(failing.ended).hasMessageContaining("open a new session");

        var next = new Stream();
        hello(next, Caller.PLAINTEXT, "1".repeat(32));
        await().until(next::isWelcome);
        Objects.requireNonNull(next.session)
                .onNext(AgentFrame.newBuilder()
                        .setInventory(Inventory.newBuilder().addBuckets(Digest.bucket("a.service")))
                        .build());
        assertThat(ordered(next)).containsExactly("a.service");
    }

    @Test
    void anInventoryInWhichNothingDiffersIsAnswered() {
        var stream = new Stream();
        hello(stream);
        await().until(stream::isWelcome);
        Objects.requireNonNull(stream.session)
                .onNext(AgentFrame.newBuilder()
                        .setInventory(Inventory.newBuilder().addBuckets(3))
                        .build());
        assertThat(stream.frames)
                .filteredOn(EngineFrame::hasAssignments)
                .singleElement()
                .satisfies(frame -> assertThat(frame.getAssignments())
                        .isEqualTo(AssignmentDelta.newBuilder()
                                .setRevision(registry.<Revision>read(RegistryView::revision))
                                .setAnswersInventory(true)
                                .build()));
    }

    /** Its sessions are counted anew once a machine was forgotten: an old one's frames must not pass for the new one's. */
    @Test
    void whatASessionOfAForgottenMachineStillSendsIsNotTakenForItsNewOnes() throws Exception {
        var old = new Stream();
        hello(old);
        await().until(old::isWelcome);
        report(old, 1, "active");
        await().until(() -> activeState().equals("active"));
        await().atMost(Duration.ofSeconds(20)).until(() -> {
            nanos.addAndGet(Duration.ofSeconds(1).toNanos());
            return !machine().present();
        });
        await().until(() -> old.ended != null);
        forget();
        var young = new Stream();
        hello(young);
        await().until(young::isWelcome);
        assertThat(epoch(young)).isEqualTo(epoch(old));

        report(old, 5, "failed");
        report(young, 1, "activating");
        await().until(() -> acknowledged(young, 1));
        assertThat(activeState()).isEqualTo("activating");
        assertThat(machine().sequence()).isEqualTo(1);
    }

    private void forget() throws Exception {
        var forgotten = new LocalWrites(controller, LocalWrites.AfterCommit.NOTHING)
                .patchMachines(
                        PatchMachinesRequest.newBuilder()
                                .setRequestId(RequestId.newBuilder()
                                        .setId(ByteString.copyFromUtf8("0123456789abcdef"))
                                        .setIssuedAtMs(System.currentTimeMillis()))
                                .addPatches(MachinePatch.newBuilder()
                                        .setMachineId(MACHINE)
                                        .setOrder(MachineOrder.newBuilder().setKind(MachineOrder.Kind.KIND_FORGET)))
                                .build(),
                        Duration.ofSeconds(10))
                .get(10, TimeUnit.SECONDS);
        assertThat(forgotten.getResults(0).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
    }

    private static long epoch(Stream stream) {
        return stream.frames.stream()
                .filter(EngineFrame::hasWelcome)
                .findFirst()
                .orElseThrow()
                .getWelcome()
                .getSessionEpoch();
    }

    private static void report(Stream stream, long sequence, String active) {
        report(
                stream,
                sequence,
                UnitState.newBuilder()
                        .setName("a.service")
                        .setActiveState(active)
                        .build());
    }

    private static void report(Stream stream, long sequence, UnitState state) {
        Objects.requireNonNull(stream.session)
                .onNext(AgentFrame.newBuilder()
                        .setStates(StateReport.newBuilder()
                                .setSessionEpoch(epoch(stream))
                                .setSequence(sequence)
                                .addStates(state))
                        .build());
    }

    private static boolean acknowledged(Stream stream, long sequence) {
        return stream.frames.stream().anyMatch(frame -> frame.getStateAck().getSequence() == sequence);
    }

    private String activeState() {
        return registry.read(view -> {
            var state = view.state("a.service", MACHINE);
            return state == null ? "" : state.getActiveState();
        });
    }

    /** With the decision thread waiting for its log, so that nothing is taken from the queue before {@link SlowLog#go}. */
    private void fillTheAgentsLane() {
        log.halt();
        assertThat(controller.report(StatesReported.getDefaultInstance(), Urgency.SOON))
                .isNotDone();
        await().until(log::isWaitedFor);
        while (controller.silent("none", 1, "a test", true)) {
            // Until the lane is full.
        }
    }

    private MachineRecord machine() {
        return Objects.requireNonNull(registry.read(view -> view.machine(MACHINE)));
    }

    @Test
    void anAgentOpensASessionForTheMachineOfItsCertificateAlone() {
        var own = new Stream();
        hello(own, new Caller(Caller.Kind.AGENT, MACHINE, Optional.empty()));
        await().until(own::isWelcome);
        for (var caller : List.of(
                new Caller(Caller.Kind.AGENT, "other", Optional.empty()),
                new Caller(Caller.Kind.USER, MACHINE, Optional.of(Role.ADMIN)))) {
            var stream = new Stream();
            hello(stream, caller);
            var status = Status.fromThrowable(Objects.requireNonNull(stream.ended));
            assertThat(status.getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
            assertThat(status.getDescription()).startsWith(caller + " may not open a session for machine " + MACHINE);
        }
        assertThat(own.ended).isNull();
    }

    @Test
    void anUploadThatNamesNoLogIsNotWaitedForForEver() {
        var uploads = new ScheduledThreadPoolExecutor(1);
        var broker = new LogBroker(sessions, new Random(3), uploads);
        var ended = new ArrayList<Status.Code>();
        Supplier<StreamObserver<LogUpload>> opened = () -> broker.upload(Caller.PLAINTEXT, new Uploading(ended));
        var silent = opened.get();
        var deadline = (RunnableScheduledFuture<?>) uploads.getQueue().element();
        assertThat(deadline.getDelay(TimeUnit.SECONDS)).isLessThanOrEqualTo(10);
        deadline.run();
        assertThat(ended).containsExactly(Status.Code.DEADLINE_EXCEEDED);
        silent.onNext(LogUpload.getDefaultInstance());
        silent.onCompleted();
        assertThat(ended).as("it is told once").hasSize(1);

        uploads.getQueue().clear();
        opened.get().onNext(LogUpload.newBuilder().setLogId("none").build());
        opened.get().onCompleted();
        opened.get().onError(Status.CANCELLED.asRuntimeException());
        assertThat(ended.subList(1, ended.size())).containsExactly(Status.Code.NOT_FOUND, Status.Code.INVALID_ARGUMENT);
        assertThat(uploads.getQueue()).hasSize(3).allMatch(task -> ((RunnableScheduledFuture<?>) task).isCancelled());
        uploads.shutdownNow();
    }

    private void hello(Stream stream) {
        hello(stream, Caller.PLAINTEXT);
    }

    private void hello(Stream stream, Caller caller) {
        hello(stream, caller, MACHINE);
    }

    private void hello(Stream stream, Caller caller, String machine) {
        stream.session = new AgentSession(sessions, caller, stream);
        stream.session.onNext(AgentFrame.newBuilder()
                .setHello(Hello.newBuilder().setMachineId(machine).setAgentInstance(1))
                .build());
    }

    /** An agent's side of a session. */
    private static final class Stream extends ServerCallStreamObserver<EngineFrame> {
        final List<EngineFrame> frames = new CopyOnWriteArrayList<>();

        @Nullable
        AgentSession session;

        volatile @Nullable Throwable ended;
        Runnable onEnd = () -> {};
        volatile Predicate<EngineFrame> fails = frame -> false;

        boolean isWelcome() {
            return frames.stream().anyMatch(EngineFrame::hasWelcome);
        }

        @Override
        public void onNext(EngineFrame frame) {
            if (fails.test(frame)) {
                throw new IllegalStateException("a test");
            }
            frames.add(frame);
        }

        @Override
        public void onError(Throwable t) {
            ended = t;
            onEnd.run();
        }

        @Override
        public void onCompleted() {}

        @Override
        public boolean isCancelled() {
            return false;
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public void setOnCancelHandler(Runnable handler) {}

        @Override
        public void setCompression(String compression) {}

        @Override
        public void setOnReadyHandler(Runnable handler) {}

        @Override
        public void disableAutoInboundFlowControl() {}

        @Override
        public void request(int count) {}

        @Override
        public void setMessageCompression(boolean enable) {}

        @Override
        public void disableAutoRequest() {}
    }

    /** An agent's side of a call that it uploads a log by. */
    private static final class Uploading extends ServerCallStreamObserver<LogUploadDone> {
        private final List<Status.Code> ended;

        Uploading(List<Status.Code> ended) {
            this.ended = ended;
        }

        @Override
        public void onNext(LogUploadDone done) {}

        @Override
        public void onError(Throwable t) {
            ended.add(Status.fromThrowable(t).getCode());
        }

        @Override
        public void onCompleted() {
            ended.add(Status.Code.OK);
        }

        @Override
        public boolean isCancelled() {
            return false;
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public void setOnCancelHandler(Runnable handler) {}

        @Override
        public void setCompression(String compression) {}

        @Override
        public void setOnReadyHandler(Runnable handler) {}

        @Override
        public void disableAutoInboundFlowControl() {}

        @Override
        public void request(int count) {}

        @Override
        public void setMessageCompression(boolean enable) {}

        @Override
        public void disableAutoRequest() {}
    }

    /** Applies what is proposed, at once or when it may go on. */
    private final class SlowLog implements Controller.Proposer {
        private CompletableFuture<Void> open = CompletableFuture.completedFuture(null);
        private long index;
        private boolean waiting;

        synchronized void halt() {
            open = new CompletableFuture<>();
        }

        synchronized void go() {
            open.complete(null);
        }

        /** Whether an entry was proposed that is not applied yet. */
        synchronized boolean isWaitedFor() {
            return waiting;
        }

        @Override
        public synchronized CompletableFuture<ApplyResult> propose(Entry entry, Duration deadline) {
            waiting = !open.isDone();
            return open.thenApply(none -> apply(entry));
        }

        @Override
        public int agreedFormat() {
            return RaftConfig.ENTRY_FORMAT;
        }

        private synchronized ApplyResult apply(Entry entry) {
            return registry.apply(1, ++index, entry);
        }
    }

    private final class Leadership implements Controller.LeadershipListener {
        @Override
        public void leading(long term) {
            sessions.begin(term);
            leading.complete(null);
        }

        @Override
        public void resigned(long term) {
            sessions.end();
        }
    }

    private static final class Check implements LeadershipCheck {
        @Override
        public CompletableFuture<?> confirm() {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public String leaderGrpc() {
            return "";
        }

        @Override
        public long term() {
            return 1;
        }
    }
}
