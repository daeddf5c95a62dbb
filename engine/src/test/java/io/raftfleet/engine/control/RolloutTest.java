package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.fleet.ControlRolloutRequest;
import io.raftfleet.proto.fleet.ControlRolloutRequest.Order;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.StartRolloutRequest;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.model.RolloutPhase;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.Rollout;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A rolling change from its order to its end, as the leader paces it by what machines report and by a clock that stands until it is set. */
@Timeout(60)
class RolloutTest {
    private static final List<String> MACHINES = List.of("1".repeat(32), "2".repeat(32));
    private static final String OLD = "[Service]\nExecStart=/bin/old\n";
    private static final String NEW = "# new\n[Service]\nExecStart=/bin/new\n";
    private static final UnitHash OLD_HASH = UnitFile.stored(OLD).hash();
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final int HEALTH_MS = 5_000;

    private final Terms terms = new Terms();
    private final Registry registry = new Registry(1000);
    private final MemoryLog raft = new MemoryLog(registry);
    private final AtomicLong now = new AtomicLong(1_000_000);
    private final Controller controller = new Controller(
            new Controller.Inputs("e1", registry, raft, () -> Instant.ofEpochMilli(now.get()), new Random(7)),
            terms,
            new NoMetrics(),
            Runnable::run);
    private final LocalWrites writes = new LocalWrites(controller, LocalWrites.AfterCommit.NOTHING);
    private final Map<String, Long> reports = new HashMap<>();
    private long term = 1;
    private int requests;

    @BeforeEach
    void begin() throws Exception {
        controller.start();
        lead();
        for (var machine : MACHINES) {
            open(machine);
        }
    }

    @AfterEach
    void close() {
        controller.close();
    }

    @Test
    void eachGroupWaitsUntilTheOneBeforeItIsHealthy() throws Exception {
        units(5);
        var id = start(request(5).setMaxUnavailable(2).setCanary(1));
        settle();
        assertThat(renewed()).containsExactly("web@0.service");
        allUp();
        pass(HEALTH_MS - 1);
        assertThat(renewed()).as("healthy means active for so long").hasSize(1);
        pass(1);
        assertThat(renewed()).containsExactly("web@0.service", "web@1.service", "web@2.service");
        pass(60_000);
        assertThat(renewed()).as("they have not come up yet").hasSize(3);
        allUp();
        pass(HEALTH_MS);
        assertThat(renewed()).hasSize(5);
        allUp();
        pass(HEALTH_MS);
        assertThat(rollout(id).now().getPhase()).isEqualTo(RolloutPhase.ROLLOUT_PHASE_DONE);
        assertThat(source("web@4.service")).as("the file as it was submitted").isEqualTo(NEW);
        assertThat(events())
                .contains(
                        "rollout " + id + ": goes on with web@0.service (1 of 5)",
                        "rollout " + id + ": goes on with web@1.service to web@2.service (3 of 5)",
                        "replaced by another file: rollout " + id,
                        "rollout " + id + ": done, 5 units");
    }

    @Test
    void itStopsAtTheFirstGroupThatFailsAndCanBeUndone() throws Exception {
        units(4);
        var id = start(request(4).setMaxUnavailable(1));
        settle();
        allUp();
        pass(HEALTH_MS);
        report("web@1.service", state("web@1.service", "failed", "failed", 0).setError("exited with 203/EXEC"));
        settle();
        assertThat(rollout(id).now().getPhase()).isEqualTo(RolloutPhase.ROLLOUT_PHASE_STOPPED);
        assertThat(rollout(id).now().getReason())
                .matches("unit web@1\\.service failed on [12]{8}\\.\\.\\.: exited with 203/EXEC");
        pass(60_000);
        assertThat(renewed()).as("it goes no further, and takes nothing back").hasSize(2);

        assertThat(control(id, Order.ORDER_UNDO).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(rollout(id).now().getReason()).as("why it goes back").contains("203/EXEC");
        settle();
        assertThat(renewed()).as("the last one goes back first").containsExactly("web@0.service");
        allUp();
        pass(HEALTH_MS);
        allUp();
        pass(HEALTH_MS);
        assertThat(renewed()).isEmpty();
        assertThat(rollout(id).now().getPhase()).isEqualTo(RolloutPhase.ROLLOUT_PHASE_DONE);
        assertThat(control(id, Order.ORDER_UNDO).getMessage()).isEqualTo("rollout " + id + " is rolled back");
        assertThat(control(id, Order.ORDER_RESUME).getCode()).isEqualTo(ItemCode.ITEM_CODE_REFUSED);
    }

    @Test
    void withRollbackAFailedCanaryGoesBackByItself() throws Exception {
        units(4);
        var id = start(request(4).setMaxUnavailable(2).setCanary(1).setRollback(true));
        settle();
        report("web@0.service", state("web@0.service", "activating", "auto-restart", 0));
        settle();
        assertThat(rollout(id).now().getBack()).isTrue();
        assertThat(renewed()).isEmpty();
        allUp();
        pass(HEALTH_MS);
        assertThat(rollout(id).now().getPhase()).isEqualTo(RolloutPhase.ROLLOUT_PHASE_DONE);
        assertThat(rollout(id).now().getReason()).startsWith("unit web@0.service was started again by systemd on ");
        assertThat(events())
                .contains("replaced by another file: rollout " + id + " goes back")
                .anyMatch(event -> event.startsWith("rollout " + id + ": rolled back: unit web@0.service"));
    }

    @Test
    void whatSystemdStartsAgainIsNotHealthyThoughItIsUp() throws Exception {
        units(1);
        var id = start(request(1));
        settle();
        report("web@0.service", state("web@0.service", "active", "running", 100));
        pass(HEALTH_MS - 1);
        report("web@0.service", state("web@0.service", "active", "running", 101));
        settle();
        assertThat(rollout(id).now().getPhase()).isEqualTo(RolloutPhase.ROLLOUT_PHASE_STOPPED);
        assertThat(control(id, Order.ORDER_RESUME).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        pass(0);
        pass(HEALTH_MS);
        assertThat(rollout(id).now().getPhase())
                .as("it has been up since, and is looked at anew")
                .isEqualTo(RolloutPhase.ROLLOUT_PHASE_DONE);
    }

    @Test
    void whatNeverComesUpStopsItAfterAWhile() throws Exception {
        units(1);
        var id = start(request(1).setStartWaitMs(30_000));
        settle();
        report("web@0.service", state("web@0.service", "activating", "start", 0));
        pass(29_999);
        assertThat(rollout(id).now().getPhase()).isEqualTo(RolloutPhase.ROLLOUT_PHASE_RUNNING);
        pass(1);
        assertThat(rollout(id).now().getReason())
                .isEqualTo("unit web@0.service is not up after 30 s: activating (start)");
    }

    @Test
    void anotherLeaderGoesOnAndCountsAnew() throws Exception {
        units(2);
        var id = start(request(2));
        settle();
        allUp();
        pass(HEALTH_MS - 1);
        controller.leaderStopped();
        lead();
        pass(1);
        assertThat(renewed())
                .as("the new one has not seen it healthy for long enough")
                .hasSize(1);
        pass(HEALTH_MS);
        assertThat(renewed()).hasSize(2);
        allUp();
        pass(0);
        pass(HEALTH_MS);
        assertThat(rollout(id).now().getPhase()).isEqualTo(RolloutPhase.ROLLOUT_PHASE_DONE);
    }

    @Test
    void aMachineThatIsLostInTheMiddleMovesItsUnitsAndTheyAreWaitedForThere() throws Exception {
        units(1);
        var id = start(request(1));
        settle();
        allUp();
        pass(HEALTH_MS - 1);
        var machine = Objects.requireNonNull(unit("web@0.service").machineId());
        controller.silent(
                machine,
                registry.<Long>read(
                        view -> Objects.requireNonNull(view.machine(machine)).sessionEpoch()),
                "silent",
                true);
        settle(); // It is only offered: were the clock to go on before it is decided, the unit would be healthy by
        // then.
        pass(1);
        assertThat(unit("web@0.service").machineId()).isNotEqualTo(machine);
        pass(60_000);
        assertThat(rollout(id).now().getPhase()).isEqualTo(RolloutPhase.ROLLOUT_PHASE_RUNNING);
        allUp();
        pass(HEALTH_MS);
        assertThat(rollout(id).now().getPhase()).isEqualTo(RolloutPhase.ROLLOUT_PHASE_DONE);
    }

    @Test
    void unitsThatGoOrAreReplacedMeanwhileAreLeftAlone() throws Exception {
        units(4);
        var id = start(request(4).setMaxUnavailable(1));
        settle();
        writes.destroyUnits(
                        DestroyUnitsRequest.newBuilder()
                                .setRequestId(id())
                                .addNames("web@0.service")
                                .addNames("web@1.service")
                                .build(),
                        LIMIT)
                .get(10, TimeUnit.SECONDS);
        create("web@2.service", "[Service]\nExecStart=/bin/other\n", true);
        settle();
        allUp();
        pass(HEALTH_MS);
        allUp();
        pass(HEALTH_MS);
        assertThat(rollout(id).now().getPhase()).isEqualTo(RolloutPhase.ROLLOUT_PHASE_DONE);
        assertThat(text("web@2.service")).contains("/bin/other");
        assertThat(renewed()).containsExactly("web@3.service");
        assertThat(rollout(id).now().getLeftAlone()).isEqualTo(3);
        assertThat(rollout(id).now().getFirstLeftAlone()).isEqualTo("web@0.service");
        assertThat(events().getLast())
                .isEqualTo("rollout " + id + ": done, 1 of 4 units, but for 3 that were gone or had got another file"
                        + " meanwhile, web@0.service first");

        assertThat(control(id, Order.ORDER_UNDO).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(rollout(id).now().getLeftAlone()).as("on the way back").isZero();
        settle();
        allUp();
        pass(HEALTH_MS);
        assertThat(rollout(id).now().getLeftAlone()).isEqualTo(3);
        assertThat(rollout(id).now().getFirstLeftAlone()).isEqualTo("web@2.service");
    }

    @Test
    void beforeAllEnginesReadThemUnitsThatAreLeftAloneAreNotCounted() throws Exception {
        raft.agree(EntryFormats.WITH_LEFT_ALONE - 1);
        int before = raft.entries().size();
        units(1);
        var id = start(request(1));
        create("web@0.service", "[Service]\nExecStart=/bin/other\n", true);
        settle();
        assertThat(rollout(id).now().getPhase()).isEqualTo(RolloutPhase.ROLLOUT_PHASE_DONE);
        assertThat(rollout(id).now().getLeftAlone()).isZero();
        assertThat(raft.entries().subList(before, raft.entries().size()))
                .isNotEmpty()
                .allMatch(entry -> entry.getFormat() < EntryFormats.WITH_LEFT_ALONE);
    }

    @Test
    void twoOverTheSameUnitsTheSecondIsRefusedNamingTheFirst() throws Exception {
        units(3);
        var id = start(request(2));
        var second = writes.startRollout(request(3).build(), LIMIT)
                .get(10, TimeUnit.SECONDS)
                .getResults(0);
        assertThat(second.getCode()).isEqualTo(ItemCode.ITEM_CODE_REFUSED);
        assertThat(second.getMessage())
                .startsWith("unit web@0.service is in rollout " + id + ", which is under way: wait for its end");
        assertThat(control(id, Order.ORDER_PAUSE).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(refusal(request(3))).as("a paused one is under way").contains(id);
    }

    /** Its id is the beginning of the request's, which a client may choose. */
    @Test
    void ofAnIdThatIsTakenItIsRefusedAsAnythingElse() throws Exception {
        units(2);
        var first = request(1);
        var id = start(first);
        var taken = RequestId.newBuilder()
                .setId(first.getRequestId().getId().substring(0, 4).concat(ByteString.copyFromUtf8("y".repeat(12))))
                .setIssuedAtMs(now.get())
                .build();
        var other = StartRolloutRequest.newBuilder().addUnits(unit("web@1.service", NEW));
        var refused = begun(other.setRequestId(taken));
        assertThat(refused.getCode()).isEqualTo(ItemCode.ITEM_CODE_REFUSED);
        assertThat(refused.getMessage()).startsWith("there is a rollout " + id).endsWith("with a new request id");
        assertThat(begun(other.setRequestId(id()))).isEqualTo(Item.OK);
    }

    @Test
    void whatIsPausedWaits() throws Exception {
        units(2);
        var id = start(request(2));
        settle();
        allUp();
        assertThat(control(id, Order.ORDER_PAUSE).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(control(id, Order.ORDER_PAUSE).getCode()).isEqualTo(ItemCode.ITEM_CODE_UNCHANGED);
        pass(60_000);
        assertThat(renewed()).hasSize(1);
        assertThat(control(id, Order.ORDER_RESUME).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        pass(0);
        pass(HEALTH_MS);
        assertThat(renewed()).hasSize(2);
    }

    @Test
    void whatCanNotBeRolledIsRefusedAsAWhole() throws Exception {
        units(2);
        create("everywhere.service", OLD + "[X-Fleet]\nGlobal=true\n", false);
        assertThat(refusal(request(3)))
                .isEqualTo(
                        "unit web@2.service does not exist: a rollout is of units that are" + " there; start it first");
        assertThat(refusal(request(0).addUnits(unit("everywhere.service", NEW))))
                .contains("is global");
        assertThat(refusal(request(0).addUnits(unit("web@0.service", OLD)))).contains("has these contents already");
        assertThat(refusal(request(2).setMaxUnavailable(1).setCanary(2)))
                .contains("canary: it is 2, and max_unavailable is 1");
        assertThat(refusal(request(2).setMaxUnavailable(1001))).contains("max_unavailable: it is 1001; at most 1000");
        assertThat(refusal(request(2).addUnits(unit("web@0.service", NEW)))).contains("named twice");
        assertThat(refusal(request(0))).contains("there are none");
        var large = request(0);
        for (int i = 0; i < 2; i++) {
            large.addUnits(unit(
                    "web@" + i + ".service", NEW + "Environment=A=" + ("x".repeat(1000) + i + "\\\n").repeat(150)));
        }
        assertThat(refusal(large)).contains("roll fewer units at a time");
        raft.agree(EntryFormats.WITH_ROLLOUTS - 1);
        assertThat(refusal(request(2))).contains("upgrade all engines first");
        assertThat(registry.<Integer>read(view -> view.rollouts().size())).isZero();
        assertThat(control("00000000", Order.ORDER_UNDO).getCode()).isEqualTo(ItemCode.ITEM_CODE_NOT_FOUND);
    }

    @Test
    void theFilesBeforeAreKeptForSevenDays() throws Exception {
        units(1);
        var id = start(request(1));
        settle();
        allUp();
        pass(0);
        pass(HEALTH_MS);
        pass(RolloutPace.KEPT.toMillis() - 1);
        assertThat(registry.<String>read(view -> String.valueOf(view.contents(OLD_HASH))))
                .isEqualTo(OLD);
        pass(1);
        assertThat(registry.<Boolean>read(view -> view.contents(OLD_HASH) == null && view.rollout(id) == null))
                .isTrue();
    }

    @Test
    void aUnitThatIsNotLaunchedGetsTheFileAndStaysAsItIs() throws Exception {
        create("web@0.service", OLD, false, TargetState.TARGET_STATE_INACTIVE);
        var id = start(request(1));
        settle();
        assertThat(rollout(id).now().getPhase()).isEqualTo(RolloutPhase.ROLLOUT_PHASE_DONE);
        assertThat(renewed()).hasSize(1);
        assertThat(unit("web@0.service").target()).isEqualTo(TargetState.TARGET_STATE_INACTIVE);
    }

    /** Whatever happens: never more at once than allowed, and at its end all units that are left have one file. */
    @RepeatedTest(6)
    void whateverHappensNoMoreUnitsAreDownThanAllowed() throws Exception {
        long seed = Long.getLong("rollout.seed", System.nanoTime()); // a failure says which to replay
        var random = new Random(seed);
        int units = 3 + random.nextInt(8);
        int most = 1 + random.nextInt(3);
        int canary = 1 + random.nextInt(Math.min(2, most));
        units(units);
        var id = start(request(units).setMaxUnavailable(most).setCanary(canary).setRollback(random.nextBoolean()));
        settle();
        var gone = new HashSet<String>();
        for (int round = 0; round < 400 && rollout(id).active(); round++) {
            var down = new TreeSet<String>();
            for (int i = 0; i < units; i++) {
                var name = "web@" + i + ".service";
                if (!gone.contains(name) && !up(name)) {
                    down.add(name);
                }
            }
            assertThat(down.size())
                    .as("seed %d, round %d: %s", seed, round, down)
                    .isLessThanOrEqualTo(2 * most); // A group that failed, and the one that goes back.
            switch (random.nextInt(12)) {
                case 0 -> {
                    controller.leaderStopped();
                    lead();
                }
                case 1 -> control(id, Order.ORDER_PAUSE);
                case 2, 3 -> control(id, Order.ORDER_RESUME);
                case 4 -> {
                    if (random.nextInt(4) == 0) {
                        control(id, Order.ORDER_UNDO);
                    }
                }
                case 5 -> {
                    var name = "web@" + random.nextInt(units) + ".service";
                    if (random.nextInt(4) == 0 && gone.add(name)) {
                        writes.destroyUnits(
                                        DestroyUnitsRequest.newBuilder()
                                                .setRequestId(id())
                                                .addNames(name)
                                                .build(),
                                        LIMIT)
                                .get(10, TimeUnit.SECONDS);
                    }
                }
                case 6 -> {
                    if (!down.isEmpty() && random.nextInt(4) == 0) {
                        report(down.first(), state(down.first(), "failed", "failed", 0));
                    }
                }
                case 7, 8 -> pass(random.nextInt(2 * HEALTH_MS));
                default -> {
                    allUp();
                    pass(HEALTH_MS);
                }
            }
            settle();
        }
        if (rollout(id).active()) {
            control(id, Order.ORDER_RESUME);
        }
        for (int round = 0; round < 3 * units && rollout(id).active(); round++) {
            allUp();
            pass(HEALTH_MS);
        }
        var end = rollout(id).now();
        assertThat(rollout(id).active()).as("seed %d: %s", seed, end).isFalse();
        if (end.getPhase() == RolloutPhase.ROLLOUT_PHASE_DONE) {
            assertThat(renewed()).as("seed %d: %s", seed, end).hasSize(end.getBack() ? 0 : units - gone.size());
        }
        var again = new Registry(10);
        again.restore(
                1,
                registry.appliedIndex(),
                registry.capture().rows().stream()
                        .filter(row -> row.value() != null)
                        .iterator());
        assertThat(again.digest()).as("seed %d", seed).isEqualTo(registry.digest());
    }

    // --- Orders and machines -----------------------------------------------------------------------------------------

    private void lead() throws InterruptedException {
        controller.leaderStarted(term);
        assertThat(terms.next()).isEqualTo(term++);
    }

    private void open(String machine) throws Exception {
        long unused = controller
                .openSession(SessionOpened.newBuilder().setMachineId(machine).build())
                .get(10, TimeUnit.SECONDS);
    }

    /** So many units, launched and up with the old file. */
    private void units(int count) throws Exception {
        for (int i = 0; i < count; i++) {
            create("web@" + i + ".service", OLD, false);
        }
        settle();
        allUp();
    }

    private static NewUnit unit(String name, String text) {
        return NewUnit.newBuilder().setName(name).setText(text).build();
    }

    private StartRolloutRequest.Builder request(int units) {
        var request = StartRolloutRequest.newBuilder().setRequestId(id()).setHealthWaitMs(HEALTH_MS);
        for (int i = 0; i < units; i++) {
            request.addUnits(
                    i == 0
                            ? unit("web@0.service", NEW)
                            : NewUnit.newBuilder()
                                    .setName("web@" + i + ".service")
                                    .setHash(UnitFile.stored("[Service]\nExecStart=/bin/new\n")
                                            .hash()
                                            .toByteString())
                                    .build());
        }
        return request;
    }

    private RequestId id() {
        return RequestId.newBuilder()
                .setId(ByteString.copyFromUtf8(String.format("%04d", ++requests) + "x".repeat(12)))
                .setIssuedAtMs(now.get())
                .build();
    }

    private String start(StartRolloutRequest.Builder request) throws Exception {
        assertThat(begun(request)).isEqualTo(Item.OK);
        return registry.read(view -> List.copyOf(view.rollouts()).getLast().id());
    }

    private ItemResult begun(StartRolloutRequest.Builder request) throws Exception {
        return writes.startRollout(request.build(), LIMIT)
                .get(10, TimeUnit.SECONDS)
                .getResults(0);
    }

    private String refusal(StartRolloutRequest.Builder request) throws Exception {
        var result = begun(request);
        assertThat(result.getCode()).isNotEqualTo(ItemCode.ITEM_CODE_OK);
        return result.getMessage();
    }

    private ItemResult control(String id, Order order) throws Exception {
        return writes.controlRollout(
                        ControlRolloutRequest.newBuilder()
                                .setRequestId(id())
                                .setId(id)
                                .setOrder(order)
                                .build(),
                        LIMIT)
                .get(10, TimeUnit.SECONDS)
                .getResults(0);
    }

    private void create(String name, String text, boolean replace) throws Exception {
        create(name, text, replace, TargetState.TARGET_STATE_LAUNCHED);
    }

    private void create(String name, String text, boolean replace, TargetState target) throws Exception {
        var result = writes.createUnits(
                        CreateUnitsRequest.newBuilder()
                                .setRequestId(id())
                                .setReplace(replace)
                                .addUnits(unit(name, text).toBuilder().setTargetState(target))
                                .build(),
                        LIMIT)
                .get(10, TimeUnit.SECONDS);
        assertThat(result.getResults(0).getMessage()).isEmpty();
    }

    /** Time passes, and the leader looks. */
    private void pass(long millis) throws Exception {
        now.addAndGet(millis);
        settle();
    }

    /** The leader has looked until there was nothing more to be done: between two entries it looks. */
    private void settle() throws Exception {
        for (int turn = 0; turn < 5; turn++) {
            assertThat(control("none", Order.ORDER_PAUSE).getCode()).isEqualTo(ItemCode.ITEM_CODE_NOT_FOUND);
        }
    }

    private UnitState.Builder state(String name, String active, String sub, int pid) {
        var unit = unit(name);
        return UnitState.newBuilder()
                .setName(name)
                .setLoadState("loaded")
                .setActiveState(active)
                .setSubState(sub)
                .setMainPid(pid)
                .setHash(unit.hash().toByteString())
                .setLaunched(true)
                .setStartGeneration(unit.startGeneration());
    }

    private void report(String name, UnitState.Builder state) throws Exception {
        var machine = unit(name).machineId();
        if (machine == null) {
            return;
        }
        long epoch = registry.<Long>read(
                view -> Objects.requireNonNull(view.machine(machine)).sessionEpoch());
        controller
                .report(
                        StatesReported.newBuilder()
                                .setMachineId(machine)
                                .setSessionEpoch(epoch)
                                .setSequence(reports.merge(machine, 1L, Long::sum))
                                .addStates(state)
                                .build(),
                        Urgency.SOON)
                .get(10, TimeUnit.SECONDS);
    }

    /** Machines do as they are told: all launched units that are not up come up. */
    private void allUp() throws Exception {
        for (var name :
                registry.<List<String>>read(view -> List.copyOf(view.units().keySet()))) {
            if (unit(name).target() == TargetState.TARGET_STATE_LAUNCHED && !up(name)) {
                report(name, state(name, "active", "running", 7));
            }
        }
        settle();
    }

    private boolean up(String name) {
        return registry.<Boolean>read(view -> {
            var unit = view.unit(name);
            var machine = unit == null ? null : unit.machineId();
            var state = machine == null ? null : view.state(name, machine);
            return unit != null
                    && state != null
                    && state.getActiveState().equals("active")
                    && state.getStartGeneration() == unit.startGeneration();
        });
    }

    private UnitRecord unit(String name) {
        return Objects.requireNonNull(registry.read(view -> view.unit(name)));
    }

    private String text(String name) {
        return Objects.requireNonNull(
                registry.read(view -> view.contents(unit(name).hash())));
    }

    private String source(String name) {
        return Objects.requireNonNull(
                registry.read(view -> view.source(unit(name).source())));
    }

    private Rollout rollout(String id) {
        return Objects.requireNonNull(registry.read(view -> view.rollout(id)));
    }

    /** Units with the new file. */
    private Set<String> renewed() {
        return registry.<Set<String>>read(RolloutTest::renewed);
    }

    private static Set<String> renewed(RegistryView view) {
        var names = new TreeSet<String>();
        view.units().values().stream()
                .filter(unit -> String.valueOf(view.contents(unit.hash())).contains("/bin/new"))
                .forEach(unit -> names.add(unit.name()));
        return names;
    }

    private List<String> events() {
        return registry.read(view -> {
            var events = new ArrayList<String>();
            view.happenedAfter(0)
                    .forEach(event -> events.add(view.message(event).getMessage()));
            return events;
        });
    }
}
