package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.raftfleet.client.WaitGoal;
import io.raftfleet.client.WaitedUnit;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.UnitFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** That commands say and return what happened: to the order that they gave, not to what was there before. */
@Timeout(60)
class OutcomesTest {
    private static final String M1 = "113f16a7c8d94f1a8a1e6c4f4b6a9d01";
    private static final String ON = " on 113f16a7.../10.0.0.1";
    private static final String HELLO = "[Service]\nExecStart=/bin/sleep infinity\n";
    private static final String BAD = "[Service]\nExecStart=/bin/false\n";

    private final InMemoryCluster cluster = new InMemoryCluster();

    @TempDir
    private Path directory;

    @BeforeEach
    void start() {
        cluster.startEngine();
        cluster.addMachine(M1, "10.0.0.1", Map.of());
    }

    @AfterEach
    void stop() {
        cluster.close();
    }

    private Result run(String... arguments) {
        return Result.of(cluster, directory, Map.of(), arguments);
    }

    private CompletableFuture<Result> begin(String... arguments) {
        return CompletableFuture.supplyAsync(() -> run(arguments));
    }

    private static Result end(CompletableFuture<Result> command) throws Exception {
        return command.get(30, TimeUnit.SECONDS);
    }

    private void file(String name, String text) throws IOException {
        Path path = directory.resolve(name);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private Unit unit(String name) {
        synchronized (cluster) {
            return cluster.units.getOrDefault(name, Unit.getDefaultInstance());
        }
    }

    /** What the machine would say of a unit as it is now ordered. */
    private UnitState.Builder state(String name, String active, String sub) {
        Unit unit = unit(name);
        return UnitState.newBuilder()
                .setName(name)
                .setMachineId(M1)
                .setLoadState("loaded")
                .setActiveState(active)
                .setSubState(sub)
                .setHash(unit.getHash())
                .setStartGeneration(unit.getStartGeneration())
                .setLaunched(unit.getTargetState() == TargetState.TARGET_STATE_LAUNCHED);
    }

    private void awaitWatch(int watches) {
        Awaitility.await()
                .until(() -> cluster.engines.getFirst().calls.stream()
                                .filter("Watch"::equals)
                                .count()
                        >= watches);
    }

    private long watches() {
        return cluster.engines.getFirst().calls.stream().filter("Watch"::equals).count();
    }

    // -- start and restart -------------------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(strings = {"restart", "start"})
    void aFailureOfBeforeIsNotThatOfTheNewStart(String command) throws Exception {
        file("a.service", BAD);
        assertThat(run("start", "a.service").exit()).isEqualTo(1);
        cluster.hold();
        int before = (int) watches();
        var again = begin(command, "a.service");
        awaitWatch(before + 1);
        assertThat(unit("a.service").getStartGeneration()).isEqualTo(1);
        // The order is taken, and nothing has come of it yet.
        cluster.report(state("a.service", "failed", "failed").setPending(true).build());
        cluster.report(
                state("a.service", "activating", "start").setPending(true).build());
        assertThat(again).isNotDone();
        cluster.report(state("a.service", "active", "running").setMainPid(7).build());
        assertThat(end(again)).isEqualTo(new Result(0, "Unit a.service launched" + ON + "\n", ""));
    }

    @Test
    void aReplacedUnitIsJudgedByItsNewContents() throws Exception {
        file("a.service", BAD);
        assertThat(run("start", "a.service").exit()).isEqualTo(1);
        file("a.service", HELLO);
        assertThat(run("start", "--replace", "a.service"))
                .isEqualTo(new Result(0, "Unit a.service inactive\nUnit a.service launched" + ON + "\n", ""));
    }

    @Test
    void aStartThatComesToNothingIsToldWithItsReasonAndTheJournal() throws Exception {
        cluster.engines.getFirst().journal.addAll(List.of("one", "two", "three", "four", "five", "six"));
        cluster.hold();
        file("a.socket", "[Socket]\nListenStream=80\n");
        var start = begin("start", "a.socket");
        awaitWatch(1);
        cluster.report(state("a.socket", "inactive", "dead").setPending(true).build());
        cluster.report(state("a.socket", "inactive", "dead")
                .setError("Socket service a.service not loaded, refusing.")
                .build());
        assertPlaced("a.socket");
        assertThat(end(start)).isEqualTo(new Result(1, "Unit a.socket inactive\n", """
                Error waiting for units: unit a.socket on 113f16a7.../10.0.0.1: Socket service a.service not loaded, refusing.
                Last lines of the journal of a.socket:
                  two
                  three
                  four
                  five
                  six
                """));
    }

    /** The machine has got it, and obeys no more. */
    private void assertPlaced(String name) {
        synchronized (cluster) {
            Unit placed = unit(name).toBuilder()
                    .setMachineId(M1)
                    .setCurrentState(unit(name).getTargetState())
                    .build();
            cluster.show(placed);
        }
    }

    @Test
    void launchedUnitsThatAreDownStartAgainAndOthersAreLeftAlone() throws Exception {
        file("once.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n");
        file("up.service", HELLO);
        assertThat(run("start", "once.service", "up.service").exit()).isZero();
        assertThat(run("start", "once.service", "up.service"))
                .isEqualTo(new Result(0, "Unit once.service launched" + ON + "\n", ""));
        assertThat(unit("once.service").getStartGeneration()).isEqualTo(1);
        assertThat(unit("up.service").getStartGeneration()).isZero();
        cluster.report(state("up.service", "inactive", "dead").build()); // As its BindsTo= had it.
        assertThat(run("start", "up.service").out()).isEqualTo("Unit up.service launched" + ON + "\n");
        assertThat(unit("up.service").getStartGeneration()).isEqualTo(1);
    }

    @Test
    void aLaunchedUnitOnItsWayIsWaitedFor() throws Exception {
        file("a.service", HELLO);
        assertThat(run("start", "a.service").exit()).isZero();
        cluster.report(state("a.service", "activating", "start").build());
        int before = (int) watches();
        var start = begin("start", "a.service");
        awaitWatch(before + 1);
        cluster.report(
                state("a.service", "failed", "failed").setError("it was late").build());
        assertThat(end(start).err()).contains("failed (failed): it was late");
        assertThat(unit("a.service").getStartGeneration()).isZero();
    }

    @Test
    void aGlobalUnitThatIsDownSomewhereIsTold() throws Exception {
        file("all.service", BAD + "[X-Fleet]\nGlobal=true\n");
        assertThat(run("start", "all.service").exit()).isZero();
        Result again = run("start", "all.service");
        assertThat(again.exit()).isEqualTo(1);
        assertThat(again.err())
                .contains("down on 1 of 1 machines", "its main process exited", "fleetctl restart all.service");
    }

    @Test
    void aUnitThatDiesSoonAfterItsStartIsTold() throws Exception {
        file("a.service", HELLO);
        var start = begin("start", "--stay-up=30", "a.service");
        awaitWatch(1);
        cluster.report(state("a.service", "failed", "failed")
                .setError("its main process exited with status 3")
                .build());
        Result died = end(start);
        assertThat(died.exit()).isEqualTo(1);
        assertThat(died.err()).contains("failed (failed): its main process exited with status 3");

        file("b.service", HELLO);
        assertThat(run("start", "--stay-up=0.3", "b.service").exit()).isZero();
        file("c.service", HELLO);
        for (var none : new String[] {"-1", "NaN", "1e300"}) {
            assertThat(run("start", "--stay-up=" + none, "c.service").exit()).isEqualTo(2);
        }
        assertThat(run("list-unit-files").out()).as("nothing was asked").doesNotContain("c.service");
    }

    @Test
    void aUnitThatSystemdStartsAgainAndAgainIsTold() throws Exception {
        file("a.service", HELLO);
        var start = begin("start", "--stay-up=30", "a.service");
        awaitWatch(1);
        for (int pid = 1; pid < 10; pid++) {
            cluster.report(
                    state("a.service", "active", "running").setMainPid(pid).build());
            cluster.report(state("a.service", "activating", "auto-restart")
                    .setError("its main process exited with status 1")
                    .build());
        }
        assertThat(start).isNotDone();
        var waited = new WaitedUnit("a.service", unit("a.service").getHash(), 1_000);
        waited.is(unit("a.service"));
        waited.is(state("a.service", "activating", "auto-restart")
                .setError("it ended")
                .build());
        assertThat(waited.judge(WaitGoal.UP, 0)).isEqualTo(WaitedUnit.Outcome.PENDING);
        waited.is(state("a.service", "active", "running").setMainPid(1).build());
        assertThat(waited.judge(WaitGoal.UP, 1_000)).isEqualTo(WaitedUnit.Outcome.UP);
        waited.is(state("a.service", "activating", "auto-restart")
                .setError("it ended")
                .build());
        assertThat(waited.judge(WaitGoal.UP, TimeUnit.SECONDS.toNanos(3))).isEqualTo(WaitedUnit.Outcome.BAD);
        assertThat(waited.why()).isEqualTo("activating (auto-restart): it ended");
        cluster.report(state("a.service", "failed", "failed").build());
        assertThat(end(start).exit()).isEqualTo(1);
    }

    /** The process may be gone when systemd is asked for it, and be there when it is asked again. */
    @Test
    void aServiceWhoseProcessIsNotKnownHasToStayUpAsWell() throws Exception {
        long second = TimeUnit.SECONDS.toNanos(1);
        file("a.service", HELLO);
        run("start", "a.service");
        var loops = new WaitedUnit("a.service", hash("a.service"), 2 * second);
        loops.is(unit("a.service"));
        for (long now = 0; now < 2 * second; now += second / 2) {
            loops.is(state("a.service", "active", "running").build());
            assertThat(loops.judge(WaitGoal.UP, now)).isEqualTo(WaitedUnit.Outcome.UP);
            loops.is(state("a.service", "activating", "auto-restart")
                    .setError("it ended")
                    .build());
            assertThat(loops.judge(WaitGoal.UP, now + 1)).isEqualTo(WaitedUnit.Outcome.PENDING);
        }
        assertThat(loops.judge(WaitGoal.UP, 2 * second)).isEqualTo(WaitedUnit.Outcome.BAD);
        assertThat(loops.why()).isEqualTo("activating (auto-restart): it ended");

        var forks = new WaitedUnit("a.service", hash("a.service"), 2 * second);
        forks.is(unit("a.service"));
        forks.is(state("a.service", "active", "running").build());
        assertThat(forks.judge(WaitGoal.UP, 0)).isEqualTo(WaitedUnit.Outcome.UP);
        forks.is(state("a.service", "active", "running").setMainPid(7).build());
        assertThat(forks.judge(WaitGoal.UP, second)).isEqualTo(WaitedUnit.Outcome.UP);
        assertThat(forks.judge(WaitGoal.UP, 2 * second)).isEqualTo(WaitedUnit.Outcome.GOOD);

        var done = new WaitedUnit("a.service", hash("a.service"), 2 * second);
        done.is(unit("a.service"));
        done.is(state("a.service", "active", "exited").build());
        assertThat(done.judge(WaitGoal.UP, 0)).isEqualTo(WaitedUnit.Outcome.GOOD);
    }

    /** {@code JobTimeoutSec=}: systemd waits no longer, and the unit goes on to come up. */
    @Test
    void aStartWhoseJobIsOverBeforeTheUnitIsUpIsTold() throws Exception {
        file("a.service", HELLO);
        run("start", "a.service");
        var waited = new WaitedUnit("a.service", hash("a.service"), 0);
        waited.is(unit("a.service"));
        waited.is(state("a.service", "activating", "start").build());
        assertThat(waited.judge(WaitGoal.UP, 0)).isEqualTo(WaitedUnit.Outcome.PENDING);
        waited.is(state("a.service", "activating", "start")
                .setError("its start took too long")
                .build());
        assertThat(waited.judge(WaitGoal.UP, 1)).isEqualTo(WaitedUnit.Outcome.BAD);
        assertThat(waited.why()).isEqualTo("activating (start): its start took too long");
    }

    @Test
    void aUnitThatComesUpAtItsSecondTryIsFine() throws Exception {
        file("a.service", HELLO);
        var waited = new WaitedUnit("a.service", hash("a.service"), 0);
        run("start", "a.service");
        waited.is(unit("a.service"));
        waited.is(state("a.service", "failed", "failed").setError("it ended").build());
        assertThat(waited.judge(WaitGoal.UP, 0)).isEqualTo(WaitedUnit.Outcome.PENDING);
        waited.is(state("a.service", "activating", "auto-restart")
                .setError("it ended")
                .build());
        assertThat(waited.judge(WaitGoal.UP, TimeUnit.MILLISECONDS.toNanos(1))).isEqualTo(WaitedUnit.Outcome.PENDING);
        waited.is(state("a.service", "active", "running").setMainPid(2).build());
        assertThat(waited.judge(WaitGoal.UP, TimeUnit.MILLISECONDS.toNanos(500)))
                .isEqualTo(WaitedUnit.Outcome.GOOD);
        waited.is(state("a.service", "failed", "failed").setError("it ended").build());
        assertThat(waited.judge(WaitGoal.UP, TimeUnit.SECONDS.toNanos(1))).isEqualTo(WaitedUnit.Outcome.PENDING);
        assertThat(waited.judge(WaitGoal.UP, TimeUnit.SECONDS.toNanos(2))).isEqualTo(WaitedUnit.Outcome.BAD);
        assertThat(waited.why()).isEqualTo("failed (failed): it ended");
    }

    private ByteString hash(String name) throws Exception {
        return UnitFile.parse(Files.readString(directory.resolve(name))).hash().toByteString();
    }

    @Test
    void whatRunsInPlaceOfAUnitIsNotTheUnit() throws Exception {
        file("a.service", HELLO);
        assertThat(run("start", "a.service").exit()).isZero();
        cluster.report(state("a.service", "active", "running")
                .setError("this machine has a unit of its own with that name")
                .build());
        Result start = run("start", "a.service");
        assertThat(start.exit()).isEqualTo(1);
        assertThat(start.err()).contains("this machine has a unit of its own with that name");
        assertThat(run("status", "a.service").err()).contains("this machine has a unit of its own with that name");
    }

    // -- load, stop, unload, destroy ---------------------------------------------------------------------------------

    @Test
    void aUnitThatSystemdCannotLoadIsToldByLoad() throws Exception {
        file("a.service", HELLO);
        cluster.hold();
        var load = begin("load", "a.service");
        awaitWatch(1);
        assertPlaced("a.service");
        cluster.report(state("a.service", "inactive", "dead").setPending(true).build());
        cluster.report(state("a.service", "inactive", "dead")
                .setLoadState("bad-setting")
                .setError("bad unit file setting: a.service:2: no")
                .build());
        Result loaded = end(load);
        assertThat(loaded.exit()).isEqualTo(1);
        assertThat(loaded.err())
                .isEqualTo("Error waiting for units: unit a.service" + ON
                        + ": bad-setting inactive (dead): bad unit file setting: a.service:2: no\n");
    }

    @Test
    void stopWaitsUntilTheUnitIsDown() throws Exception {
        file("a.service", HELLO);
        run("start", "a.service");
        cluster.hold();
        int before = (int) watches();
        var stop = begin("stop", "a.service");
        awaitWatch(before + 1);
        assertPlaced("a.service");
        cluster.report(state("a.service", "deactivating", "stop-sigterm")
                .setPending(true)
                .build());
        assertThat(stop).isNotDone();
        cluster.report(state("a.service", "inactive", "dead").build());
        assertThat(end(stop))
                .isEqualTo(new Result(
                        0, "Unit a.service loaded" + ON + "\n", "Successfully stopped units [a.service].\n"));
    }

    @Test
    void aStopThatFailsOrIsUndoneIsTold() throws Exception {
        file("a.service", HELLO);
        run("start", "a.service");
        cluster.hold();
        int before = (int) watches();
        var stop = begin("stop", "a.service");
        awaitWatch(before + 1);
        assertPlaced("a.service");
        cluster.report(state("a.service", "active", "running")
                .setPending(true)
                .setError("not stopped: systemd says: no")
                .build());
        assertThat(end(stop).exit()).isEqualTo(1);
        cluster.report(state("a.service", "active", "running").build());
        before = (int) watches();
        var again = begin("stop", "a.service");
        awaitWatch(before + 1);
        cluster.report(state("a.service", "active", "running").build());
        Result undone = end(again);
        assertThat(undone.exit()).isEqualTo(1);
        assertThat(undone.err()).contains("it runs again: something on its machine has started it");
    }

    /** No command waits for ever for a state that nobody wants any more. */
    @ParameterizedTest
    @ValueSource(strings = {"stop", "unload", "load"})
    void aUnitThatSomebodyElseStartsMeanwhileIsWaitedForNoLonger(String command) throws Exception {
        file("a.service", HELLO);
        run("start", "a.service");
        cluster.hold();
        int before = (int) watches();
        var lowered = begin(command, "a.service");
        awaitWatch(before + 1);
        cluster.report(state("a.service", "deactivating", "stop-sigterm")
                .setPending(true)
                .build());
        assertThat(lowered).isNotDone();
        assertThat(run("start", "--no-block", "a.service").exit()).isZero();
        assertThat(unit("a.service").getTargetState()).isEqualTo(TargetState.TARGET_STATE_LAUNCHED);
        Result result = end(lowered);
        assertThat(result.exit()).isEqualTo(1);
        assertThat(result.err())
                .contains(
                        "Error waiting for units: unit a.service is to be launched now, somebody else has changed it\n");
    }

    /** What an engine lists holds the command's own order: when the unit is to be more, that was ordered later. */
    @ParameterizedTest
    @EnumSource(names = {"STOPPED", "LOADED", "UNLOADED"})
    void aUnitThatSomebodyElseStartsBeforeTheFirstLookIsNotWaitedFor(WaitGoal goal) throws Exception {
        file("a.service", HELLO);
        run("start", "a.service");
        var err = new ByteArrayOutputStream();
        var global = new GlobalOptions();
        global.endpoint = cluster.endpoints();
        global.requestTimeout = 30;
        var none = new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
        var told = new PrintStream(err, true, StandardCharsets.UTF_8);
        try (var session = new Session(
                new Terminal(InputStream.nullInputStream(), none, told, Map.of(), directory, false), global)) {
            assertThat(new UnitWaiter(session, goal, 0).await(Map.of("a.service", hash("a.service")), null))
                    .isEqualTo(1);
        }
        assertThat(err.toString(StandardCharsets.UTF_8))
                .isEqualTo(
                        "Error waiting for units: unit a.service is to be launched now, somebody else has changed it\n");
    }

    @Test
    void aRowOfBeforeTheOrderIsNotTakenForAnotherOrder() throws Exception {
        file("a.service", HELLO);
        run("start", "a.service");
        var launched = unit("a.service");
        var loaded = launched.toBuilder()
                .setTargetState(TargetState.TARGET_STATE_LOADED)
                .build();
        var waited = new WaitedUnit("a.service", hash("a.service"), 0);
        assertThat(waited.isRaised(WaitGoal.STOPPED, true)).as("nothing known").isFalse();
        waited.is(launched);
        assertThat(waited.isRaised(WaitGoal.STOPPED, false))
                .as("maybe of before")
                .isFalse();
        assertThat(waited.isRaised(WaitGoal.STOPPED, true)).isTrue();
        assertThat(waited.isRaised(WaitGoal.UP, true)).isFalse();
        assertThat(waited.isRaised(WaitGoal.DESTROYED, true)).isFalse();
        waited.is(loaded);
        assertThat(waited.isRaised(WaitGoal.LOADED, true)).isFalse();
        assertThat(waited.isRaised(WaitGoal.UNLOADED, true)).isTrue();
        waited.forget();
        waited.is(launched);
        assertThat(waited.isRaised(WaitGoal.STOPPED, false))
                .as("it was at the goal")
                .isTrue();
        assertThat(waited.isRaised(WaitGoal.UNLOADED, false)).isFalse();
    }

    @Test
    void whatIsOnlyLoadedAndRunsIsStoppedAndItsTriggersAreNamed() throws Exception {
        file("a.service", HELLO);
        run("load", "a.service");
        cluster.report(state("a.service", "active", "running").build());
        cluster.engines.getFirst().status = """
                     Loaded: loaded
                     Active: inactive (dead)
                TriggeredBy: ● a.socket
                             ○ b.timer
                       Docs: man:a(1)
                """;
        Result stop = run("stop", "a.service");
        assertThat(stop).isEqualTo(new Result(0, "Unit a.service loaded" + ON + "\n", """
                Unit a.service can be started again by a.socket, b.timer: stop that as well if it is to stay down
                Successfully stopped units [a.service].
                """));
        assertThat(unit("a.service").getStartGeneration()).isEqualTo(1);
        assertThat(unit("a.service").getTargetState()).isEqualTo(TargetState.TARGET_STATE_LOADED);
    }

    @ParameterizedTest
    @CsvSource({"unload, Unit a.service inactive", "destroy, Destroyed a.service"})
    void unloadAndDestroyWaitUntilTheMachineHasLetGo(String command, String says) throws Exception {
        file("a.service", HELLO);
        run("start", "a.service");
        UnitState stopping = state("a.service", "deactivating", "stop-sigterm")
                .setPending(true)
                .build();
        cluster.keepStates = true;
        cluster.report(stopping);
        int before = (int) watches();
        var taken = begin(command, "a.service");
        awaitWatch(before + 1);
        assertThat(taken).isNotDone();
        cluster.reportGone(stopping);
        Result result = end(taken);
        assertThat(result.exit()).isZero();
        assertThat(result.out()).isEqualTo(says + "\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"unload", "destroy"})
    void whatCouldNotBePutInPlaceGoesAllTheSame(String command) throws Exception {
        file("a.service", HELLO);
        run("start", "a.service");
        UnitState refused = state("a.service", "inactive", "dead")
                .setPending(true)
                .setError("not put in place: this machine runs a unit of its own with that name")
                .build();
        cluster.keepStates = true;
        cluster.report(refused);
        int before = (int) watches();
        var taken = begin(command, "a.service");
        awaitWatch(before + 1);
        assertThat(taken).isNotDone();
        cluster.reportGone(refused);
        Result result = end(taken);
        assertThat(result.err()).doesNotContain("Error");
        assertThat(result.exit()).isZero();
    }

    @Test
    void whatCanNotBeTakenAwayIsTold() throws Exception {
        file("a.service", HELLO);
        run("start", "a.service");
        cluster.keepStates = true;
        cluster.report(state("a.service", "inactive", "dead")
                .setPending(true)
                .setError("not taken away: read-only file system")
                .build());
        Result result = run("destroy", "a.service");
        assertThat(result.exit()).isEqualTo(1);
        assertThat(result.err()).contains("not taken away: read-only file system");
    }

    // -- names, templates, abbreviations -----------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(strings = {"a.target", "a.slice", "a.swap", "a.socket", "a.timer", "a.path", "a.mount", "a.automount"})
    void everyTypeOfUnitIsKnownToEveryCommand(String name) throws Exception {
        file(name, "[Unit]\nDescription=of some type\n");
        assertThat(run("start", name).exit()).isZero();
        assertThat(run("restart", name).exit()).isZero();
        assertThat(run("status", name).exit()).isZero();
        assertThat(run("cat", name).exit()).isZero();
        assertThat(run("journal", name).exit()).isZero();
        assertThat(run("stop", name).exit()).isZero();
        assertThat(run("unload", name).exit()).isZero();
        assertThat(run("destroy", name).out()).isEqualTo("Destroyed " + name + "\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"stop", "restart", "unload", "destroy"})
    void whatIsNotThereIsAnErrorAndTheOthersAreDone(String command) throws Exception {
        file("a.service", HELLO);
        run("start", "a.service");
        Result partly = run(command, "a.service", "b.service", "c*");
        assertThat(partly.exit()).isEqualTo(1);
        assertThat(partly.err()).contains("Unit b.service not found in registry", "No unit in registry matches c*");
        assertThat(partly.out()).contains("a.service");
    }

    @Test
    void aLocalTemplateCountsWhenToldToReplace() throws Exception {
        file("dir/x@.service", HELLO);
        assertThat(run("submit", "dir/x@.service").exit()).isZero();
        assertThat(run("start", "dir/x@1.service").exit()).isZero();
        file("dir/x@.service", HELLO + "Restart=always\n");
        assertThat(run("start", "--replace", "dir/x@1.service", "dir/x@2.service")
                        .exit())
                .isZero();
        assertThat(run("cat", "x@1.service").out()).contains("Restart=always");
        assertThat(run("cat", "x@2.service").out()).contains("Restart=always");
        assertThat(run("cat", "x@.service").out()).doesNotContain("Restart=always");
        Result kept = run("start", "dir/x@3.service");
        assertThat(kept.err())
                .contains(
                        "WARNING", "x@.service in registry differs from local template unit file dir/x@.service. Add");
        assertThat(run("cat", "x@3.service").out()).doesNotContain("Restart=always");
    }

    @ParameterizedTest
    @ValueSource(strings = {"d", "des", "destro", "u", "sto", "rest"})
    void abbreviationsDoNothing(String command) throws Exception {
        file("a.service", HELLO);
        run("start", "a.service");
        assertThat(run(command, "a.service").exit()).isEqualTo(2);
        assertThat(unit("a.service").getTargetState()).isEqualTo(TargetState.TARGET_STATE_LAUNCHED);
        assertThat(run("cluster", "rem", "e1").exit()).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"list-units", "list-unit-files", "list-machines", "cluster orphans"})
    void everyListComesAsJson(String command) throws Exception {
        file("a.service", HELLO);
        run("start", "a.service");
        List<String> arguments = new ArrayList<>(List.of(command.split(" ")));
        arguments.add("--json");
        Result list = run(arguments.toArray(String[]::new));
        assertThat(list.exit()).isZero();
        assertThat(list.out())
                .startsWith("[")
                .endsWith("]\n")
                .contains(command.equals("cluster orphans") ? "lost.service" : M1);
    }

    // -- leadership --------------------------------------------------------------------------------------------------

    @Test
    void aHandOverWhoseAnswerWasLostIsTold() {
        cluster.engines.getFirst().loseNextAnswer("TransferLeader", Status.UNAVAILABLE.withDescription("reset"));
        assertThat(run("--request-timeout=2", "cluster", "transfer-leader", "e2"))
                .isEqualTo(new Result(0, "Engine e2 leads\n", ""));
        Result third = run("--request-timeout=2", "cluster", "transfer-leader", "e3");
        assertThat(third.exit()).isEqualTo(1);
        assertThat(third.err()).contains("; engine e2 leads");
    }
}
