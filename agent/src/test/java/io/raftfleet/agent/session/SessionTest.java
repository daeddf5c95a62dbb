package io.raftfleet.agent.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.Status;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.EngineFrame;
import io.raftfleet.proto.agent.InventoryRequest;
import io.raftfleet.proto.agent.OpenLog;
import io.raftfleet.proto.agent.StateReport;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.UnitFile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A machine and two engines on the loopback: who is followed, what is sent again, what happens once. */
class SessionTest {
    private static final String ID = TestMachine.ID;
    private static final TargetState LAUNCHED = TargetState.TARGET_STATE_LAUNCHED;

    @TempDir
    Path folder;

    private final TestRegistry registry = new TestRegistry();
    private final TestEngine first = new TestEngine(registry, true, 3);
    private final TestEngine second = new TestEngine(registry, false, 3);
    private TestMachine machine = new TestMachine(Path.of("/"), List.of());

    private void startMachine() throws Exception {
        machine.close();
        machine = new TestMachine(folder, List.of(first.address(), second.address()));
        machine.startAgent();
    }

    @AfterEach
    void stop() throws Exception {
        machine.close();
        first.close();
        second.close();
        assertThat(first.violations).isEmpty();
        assertThat(second.violations).isEmpty();
    }

    private static ConditionFactory soon() {
        return await().atMost(Duration.ofSeconds(15)).pollInterval(Duration.ofMillis(2));
    }

    private void awaitSession(TestEngine engine) {
        soon().until(() -> engine.sessions.containsKey(ID));
    }

    private AssignedUnit assign(TestEngine engine, String name, UnitFile file, long generation) {
        AssignedUnit unit = registry.assign(ID, name, file, LAUNCHED, generation);
        engine.send(ID, AssignmentDelta.newBuilder().addSet(unit).build());
        return unit;
    }

    private void awaitActive(String name) {
        soon().until(() -> registry.state(ID, name).getActiveState().equals("active"));
    }

    @Test
    void whatAMachineAnnouncesCanChangeAndUnitsDoNotNotice() throws Exception {
        UnitFile file = registry.store("[Service]\nExecStart=/bin/a\n");
        startMachine();
        awaitSession(first);
        assign(first, "a.service", file, 1);
        awaitActive("a.service");
        int pid = machine.pid("a.service");
        SessionKeeper session = Objects.requireNonNull(machine.session);
        session.announce("127.0.0.1", Map.of("host", "h1"));
        session.announce("127.0.0.2", Map.of("role", "db"));
        soon().until(() -> registry.hellos(ID).size() == 2);
        assertThat(registry.hellos(ID).get(1).getMetadataMap()).isEqualTo(Map.of("role", "db"));
        assertThat(registry.hellos(ID).get(1).getPrimaryIp()).isEqualTo("127.0.0.2");
        awaitSession(first);
        UnitFile other = registry.store("[Service]\nExecStart=/bin/b\n");
        assign(first, "b.service", other, 1);
        awaitActive("b.service");
        assertThat(machine.pid("a.service")).isEqualTo(pid);
        assertThat(registry.hellos(ID))
                .as("the same again is no reason for another session")
                .hasSize(2);
    }

    @Test
    void startsWhatIsAssignedAndReportsIt() throws Exception {
        UnitFile file = registry.store("[Service]\nExecStart=/bin/a\n");
        startMachine();
        awaitSession(first);
        assign(first, "a.service", file, 1);
        awaitActive("a.service");
        soon().until(() -> registry.state(ID, "a.service").getLaunched());
        assertThat(registry.hellos(ID).get(0).getMetadataMap()).containsEntry("host", "h1");
        assertThat(machine.memory.load()).isEqualTo(new ClusterMemory("cluster-1", 77, 3));
    }

    @Test
    void followsALeaderChangeAndTouchesNoUnit() throws Exception {
        UnitFile file = registry.store("[Service]\nExecStart=/bin/a\n");
        startMachine();
        awaitSession(first);
        AssignedUnit unit = assign(first, "a.service", file, 1);
        awaitActive("a.service");
        soon().until(() -> registry.stateDigest(ID).whole() != 0
                && registry.state(ID, "a.service").getLaunched());
        int pid = machine.pid("a.service");
        second.term = 4;
        second.leading = true;
        first.stepDown();
        awaitSession(second);
        // The same orders again, as a new leader may send them.
        second.send(ID, AssignmentDelta.newBuilder().addSet(unit).addSet(unit).build());
        assign(second, "b.service", file, 1);
        awaitActive("b.service");
        assertThat(machine.pid("a.service")).isEqualTo(pid);
        assertThat(machine.memory.load().term()).isEqualTo(4);
        assertThat(second.fetches).as("contents that are here already").isEmpty();
        assertThat(second.inventoryRequests).as("digests matched").isEmpty();
    }

    @Test
    void refusesALeaderOfALowerTerm() throws Exception {
        first.term = 9;
        startMachine();
        awaitSession(first);
        second.term = 8;
        second.leading = true;
        first.stepDown();
        int asked = second.finds.get();
        soon().until(() -> second.finds.get() > asked + 3);
        assertThat(second.hellos).hasValue(0);
        second.term = 10;
        awaitSession(second);
    }

    @Test
    void leavesAnEngineThatWelcomesWithALowerTermThanItSaid() throws Exception {
        first.term = 9;
        startMachine();
        awaitSession(first);
        // Points to the second by a redirect, which leads in an older term by then.
        second.term = 8;
        second.leading = true;
        first.redirectTo = second.address();
        first.leading = false;
        first.term = 9;
        first.stepDown();
        int asked = second.finds.get();
        soon().until(() -> second.finds.get() > asked + 3);
        assertThat(machine.memory.load().term()).isEqualTo(9);
    }

    @Test
    void anotherClusterStopsNothingAndIsNotJoined() throws Exception {
        UnitFile file = registry.store("[Service]\nExecStart=/bin/a\n");
        startMachine();
        awaitSession(first);
        assign(first, "a.service", file, 1);
        awaitActive("a.service");
        int pid = machine.pid("a.service");
        first.stepDown();
        TestRegistry other = new TestRegistry();
        other.clusterId = "cluster-2";
        try (TestEngine foreign = new TestEngine(other, true, 100)) {
            machine.stopAgent();
            machine.engines = List.of(foreign.address());
            machine.startAgent();
            soon().until(() -> foreign.finds.get() > 5);
            assertThat(foreign.hellos).hasValue(0);
            machine.stopAgent();
        }
        assertThat(machine.pid("a.service")).isEqualTo(pid);
    }

    @Test
    void followsARedirectAtOnce() throws Exception {
        first.claimsToLead = true;
        startMachine();
        awaitSession(first);
        second.term = 4;
        second.leading = true;
        second.claimsToLead = false;
        first.redirectTo = second.address();
        first.term = 4;
        // Says that it leads, and redirects each session: the agent goes where it points.
        Status status = Status.UNAVAILABLE;
        TestEngine.Session session = first.sessions.get(ID);
        assertThat(session).isNotNull();
        io.grpc.Metadata trailers = new io.grpc.Metadata();
        trailers.put(
                EngineSession.REDIRECT,
                io.raftfleet.proto.agent.Redirect.newBuilder()
                        .setLeaderGrpc(second.address())
                        .setTerm(4)
                        .build());
        first.leading = false;
        session.end(status, trailers);
        awaitSession(second);
    }

    @Test
    void aLeaderThatIsLateIsGivenLonger() throws Exception {
        Duration limit = Duration.ofMillis(100);
        first.helloTakes = limit.multipliedBy(3);
        machine = new TestMachine(folder, List.of(first.address(), second.address()));
        machine.welcomeWithin(limit);
        machine.startAgent().firstSession().get(15, TimeUnit.SECONDS);
        assertThat(first.hellos).as("given 100, 200 and 400 ms").hasValue(3);
    }

    @Test
    void leavesASilentLeaderForOneInAHigherTerm() throws Exception {
        first.silenceLimitMs = 50;
        startMachine();
        awaitSession(first);
        first.silent = true;
        int asked = second.finds.get();
        soon().until(() -> second.finds.get() > asked);
        assertThat(second.hellos).hasValue(0);
        second.term = 4;
        second.leading = true;
        awaitSession(second);
    }

    @Test
    void leavesALeaderWhenAnotherSaysThatItLeadsInAHigherTerm() throws Exception {
        first.silenceLimitMs = 600_000;
        startMachine();
        awaitSession(first);
        soon().until(() -> !first.watchers.isEmpty() && !second.watchers.isEmpty());
        first.silent = true;
        int asked = second.finds.get();
        second.leading = true;
        second.term = first.term;
        second.announce();
        second.term = first.term + 1;
        second.announce();
        awaitSession(second);
        assertThat(second.hellos).as("the same term is no reason to leave").hasValue(1);
        assertThat(second.finds).as("nobody had to ask").hasValue(asked);
    }

    @Test
    void extendsItsLeaseFromWhenAHeartbeatWasSent() throws Exception {
        startMachine();
        SessionKeeper keeper = machine.session;
        assertThat(keeper).isNotNull();
        soon().until(() -> keeper.lease().everHeld());
        long before = keeper.lease().heldUntil();
        long now = System.nanoTime();
        assertThat(keeper.lease().heldAt(now)).isTrue();
        assertThat(before - now).isLessThanOrEqualTo(Duration.ofSeconds(10).toNanos());
        soon().until(() -> keeper.lease().heldUntil() > before);
        first.silent = true;
        assertThat(keeper.lease().heldAt(now + Duration.ofSeconds(60).toNanos()))
                .isFalse();
    }

    @Test
    void givesUpAMachineIdInUseOnlyBeforeItsFirstSession() throws Exception {
        first.refusal = Status.ALREADY_EXISTS.withDescription("machine id is used by the agent at 10.0.0.9");
        startMachine();
        soon().until(() -> !machine.fatal.isEmpty());
        assertThat(machine.fatal)
                .singleElement()
                .asString()
                .contains("10.0.0.9")
                .contains("127.0.0.1")
                .contains(ID);
        assertThat(first.hellos).hasValue(TestMachine.LIMITS.duplicateTries());
        first.refusal = null;
        startMachine();
        SessionKeeper keeper = machine.session;
        assertThat(keeper).isNotNull();
        soon().until(() -> keeper.lease().everHeld());
        first.refusal = Status.ALREADY_EXISTS.withDescription("machine id is used by the agent at 10.0.0.9");
        int hellos = first.hellos.get();
        first.sessions.values().forEach(session -> session.end(Status.UNAVAILABLE));
        soon().until(() -> first.hellos.get() > hellos + 2 * TestMachine.LIMITS.duplicateTries());
        assertThat(machine.fatal).isEmpty();
        first.refusal = null;
        awaitSession(first);
    }

    @Test
    void movesOnlyTheBucketsThatDiffer() throws Exception {
        UnitFile file = registry.store("[Service]\nExecStart=/bin/a\n");
        for (int i = 0; i < 500; i++) {
            registry.assign(ID, "u" + i + ".service", file, LAUNCHED, 1);
        }
        startMachine();
        soon().until(() -> registry.states(ID).size() == 500
                && registry.states(ID).values().stream().allMatch(state -> state.getLaunched()));
        assertThat(first.fetches).as("shared contents, once").hasSize(1);
        // Behind the agent's back: one order differs, one is no more, one state is wrong.
        registry.assign(ID, "u1.service", file, LAUNCHED, 2);
        registry.unassign(ID, "u2.service");
        synchronized (registry) {
            registry.machine(ID).states.remove("u3.service");
        }
        int pid = machine.pid("u1.service");
        first.inventoryRequests.clear();
        first.inventories.clear();
        int reports = registry.reports(ID).size();
        first.sessions.values().forEach(session -> session.end(Status.UNAVAILABLE));
        soon().until(() -> registry.gone(ID).contains("u2.service"));
        soon().until(() -> machine.pid("u1.service") > pid);
        soon().until(() -> registry.state(ID, "u3.service").getActiveState().equals("active"));
        assertThat(first.inventoryRequests).singleElement().satisfies(request -> {
            assertThat(request.getBucketsList()).containsOnly(Digest.bucket("u1.service"), Digest.bucket("u2.service"));
            assertThat(request.getStateBucketsList()).containsOnly(Digest.bucket("u3.service"));
        });
        assertThat(first.inventories)
                .singleElement()
                .satisfies(inventory -> assertThat(inventory.getUnitsCount()).isLessThan(60));
        int moved = registry.reports(ID).stream()
                .skip(reports)
                .mapToInt(StateReport::getStatesCount)
                .sum();
        assertThat(moved).isLessThan(60);
    }

    @Test
    void anEngineThatAnswersNoInventoryIsTakenAtItsNextAcknowledgement() throws Exception {
        String text = "[Service]\nExecStart=/bin/late\n";
        startMachine();
        awaitSession(first);
        assign(first, "late.service", UnitFile.parse(text), 1);
        soon().until(() -> !registry.state(ID, "late.service").getError().isEmpty());
        machine.stopAgent();
        registry.store(text);
        registry.unassign(ID, "late.service");
        first.answersInventories = false;
        machine.startAgent();
        awaitActive("late.service");
        assertThat(first.inventories).hasSize(1);
    }

    @Test
    void streamsLogsAndEndsThemWithTheirReader() throws Exception {
        UnitFile file = registry.store("[Service]\nExecStart=/bin/a\n");
        startMachine();
        awaitSession(first);
        assign(first, "a.service", file, 1);
        awaitActive("a.service");
        open("l1", OpenLog.Kind.JOURNAL, "a.service", false);
        soon().until(() -> "".equals(first.logErrors.get("l1")));
        assertThat(String.valueOf(first.logs.get("l1"))).contains("a.service").contains("started");
        open("l2", OpenLog.Kind.STATUS, "none.service", false);
        soon().until(() -> first.logErrors.getOrDefault("l2", "").contains("none.service"));
        open("f1", OpenLog.Kind.JOURNAL, "a.service", true);
        open("f2", OpenLog.Kind.JOURNAL, "a.service", true);
        soon().until(() -> first.logReaders.containsKey("f1") && first.logReaders.containsKey("f2"));
        open("f3", OpenLog.Kind.JOURNAL, "a.service", true);
        soon().until(() -> first.logErrors.getOrDefault("f3", "").contains("2 logs"));
        assign(first, "a.service", file, 2);
        soon().until(() -> String.valueOf(first.logs.get("f1")).contains("stopped"));
        var reader = first.logReaders.get("f1");
        assertThat(reader).isNotNull();
        reader.onError(Status.CANCELLED.asRuntimeException());
        soon().until(() -> {
            open("f4", OpenLog.Kind.STATUS, "a.service", false);
            return String.valueOf(first.logs.get("f4")).contains("Main PID");
        });
    }

    private void open(String id, OpenLog.Kind kind, String unit, boolean follow) {
        TestEngine.Session session = first.sessions.get(ID);
        assertThat(session).isNotNull();
        session.send(EngineFrame.newBuilder()
                .setOpenLog(OpenLog.newBuilder()
                        .setLogId(id)
                        .setKind(kind)
                        .setUnit(unit)
                        .setLines(10)
                        .setFollow(follow))
                .build());
    }

    @Test
    void wholeBucketsReplaceAndAreSplitToTheAllowedSize() throws Exception {
        UnitFile file = registry.store("[Service]\nExecStart=/bin/a\n");
        for (int i = 0; i < 300; i++) {
            registry.assign(ID, "u" + i + ".service", file, LAUNCHED, 1);
        }
        startMachine();
        soon().until(() -> registry.states(ID).size() == 300
                && registry.states(ID).values().stream().allMatch(state -> state.getLaunched()));
        synchronized (registry) {
            registry.machine(ID).states.clear();
        }
        TestEngine.Session session = first.sessions.get(ID);
        assertThat(session).isNotNull();
        InventoryRequest.Builder all = InventoryRequest.newBuilder();
        for (int bucket = 0; bucket < Digest.BUCKETS; bucket++) {
            all.addStateBuckets(bucket);
        }
        session.send(EngineFrame.newBuilder().setInventoryRequest(all).build());
        soon().until(() -> registry.states(ID).size() == 300);
    }
}
