package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.cluster.Orphan;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.MachinePresence;
import io.raftfleet.proto.model.UnitState;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What operators do to machines, and what they are told of them. */
@Timeout(60)
class MachineCommandsTest {
    private static final String M1 = "113f16a7c8d94f1a8a1e6c4f4b6a9d01";
    private static final String M2 = "85c0c595a02b4bb4bd9f6c0b6cf7a502";

    @TempDir
    private Path directory;

    private final InMemoryCluster cluster = new InMemoryCluster();

    @BeforeEach
    void begin() {
        cluster.startEngine();
        cluster.addMachine(M1, "10.0.0.1", Map.of("disk", "ssd"));
    }

    @AfterEach
    void close() {
        cluster.close();
    }

    @Test
    void aClusterWithNothingSpecialIsListedAsFleetDoes() {
        assertThat(run("list-machines").out())
                .isEqualTo("MACHINE\t\tIP\t\tMETADATA\n113f16a7...\t10.0.0.1\tdisk=ssd\n");
    }

    @Test
    void aLostMachineIsListedWithSinceWhenUnlessColumnsAreAskedFor() {
        cluster.addMachine(M2, "10.0.0.2", Map.of());
        lose(M2);
        assertThat(run("list-machines").out().lines())
                .anyMatch(line -> line.startsWith("MACHINE") && line.contains("STATE") && line.contains("SINCE"))
                .anyMatch(line -> line.startsWith("113f16a7") && line.contains("present") && line.endsWith("-"))
                .anyMatch(line ->
                        line.startsWith("85c0c595") && line.contains("lost") && line.endsWith("2026-11-18T00:53:20Z"));
        assertThat(run("list-machines", "--no-legend").out()).isEqualTo("113f16a7...\t10.0.0.1\tdisk=ssd\n");
        assertThat(run("list-machines", "--fields=machine").out()).doesNotContain("85c0c595");
        assertThat(run("list-machines", "--fields=machine,state", "--no-legend").out())
                .contains("85c0c595...\tlost\n");
        assertThat(run("list-machines", "--json").out()).contains("\"state\":\"lost\"");
        assertThat(run("machine", "forget", "85c0").out()).isEqualTo("Machine 85c0c595.../10.0.0.2 forgotten\n");
        assertThat(run("list-machines").out()).doesNotContain("85c0c595", "STATE");
    }

    @Test
    void aCordonIsToldAndListed() {
        assertThat(run("cordon", "113f16a7...").out()).isEqualTo("Machine 113f16a7.../10.0.0.1 cordoned\n");
        assertThat(run("list-machines").out()).contains("cordoned");
        assertThat(run("cordon", "113f").exit()).isZero();
        assertThat(run("uncordon", "113f").out()).isEqualTo("Machine 113f16a7.../10.0.0.1 uncordoned\n");
    }

    @Test
    void aDrainIsWaitedFor() throws IOException {
        start("a.service");
        cluster.addMachine(M2, "10.0.0.2", Map.of());
        Result drained = run("drain", "113f");
        assertThat(drained.err()).isEmpty();
        assertThat(drained.exit()).isZero();
        assertThat(drained.out())
                .startsWith("Machine 113f16a7.../10.0.0.1 draining\n")
                .endsWith("Machine 113f16a7.../10.0.0.1 drained\n");
        assertThat(Objects.requireNonNull(cluster.units.get("a.service")).getMachineId())
                .isEqualTo(M2);
    }

    @Test
    void whatFitsNowhereIsNamedWithTheReason() throws IOException {
        start("a.service");
        Result stuck = run("drain", "113f");
        assertThat(stuck.exit()).isEqualTo(1);
        assertThat(stuck.out()).contains("1 unit is left on machine 113f16a7.../10.0.0.1");
        assertThat(stuck.err())
                .contains(
                        "unit a.service fits no other machine: not cordoned: 0 of 1 machine\n",
                        "Error draining: 1 unit stays on machine 113f16a7.../10.0.0.1 until a machine suits it");
    }

    @Test
    void whatRunsOnAsItFailsOnItsNewMachineIsNamed() throws IOException {
        start("a.service");
        cluster.addMachine(M2, "10.0.0.2", Map.of());
        cluster.failingElsewhere.add("a.service");
        Result stuck = run("drain", "113f");
        assertThat(stuck.exit()).isEqualTo(1);
        assertThat(stuck.err()).isEqualTo("""
                unit a.service is failed on 85c0c595...: its main process exited with status 1; it runs on here
                Error draining: 1 unit stays on machine 113f16a7.../10.0.0.1 until it is up on its new one: \
                the drain goes on by itself then
                """);
    }

    @Test
    void whatTheClusterDoesNotKnowAndStillRunsThereFailsTheDrain() throws IOException {
        orphan("stray.service", M1, "active");
        orphan("over.service", M1, "inactive");
        orphan("elsewhere.service", M2, "active");
        // Destroyed, and not ended yet: the engine knows that, and names it no orphan.
        cluster.report(InMemoryEngine.state("leaving.service", M1, "deactivating", "stop-sigterm"));
        for (int time = 1; time <= 2; time++) {
            Result drained = run("drain", "113f");
            assertThat(drained.out()).as("time %d", time).endsWith("Machine 113f16a7.../10.0.0.1 drained\n");
            assertThat(drained.err()).isEqualTo("""
                    Error: unit stray.service runs there, and the cluster does not know it
                    Error draining: 1 unit that the cluster does not know is left alone on machine 113f16a7.../10.0.0.1: \
                    fleetctl cluster adopt UNIT has the drain move it, fleetctl cluster drop UNIT stops it
                    """);
            assertThat(drained.exit()).isEqualTo(1);
        }
    }

    @Test
    void aCordonOfADrainedMachineSaysThatItsGlobalUnitsStart() {
        assertThat(run("drain", "113f").exit()).isZero();
        assertThat(run("cordon", "113f").out())
                .isEqualTo("Machine 113f16a7.../10.0.0.1 cordoned; its global units start again\n");
    }

    @Test
    void whatFailsOnItsNewMachineFailsTheDrain() throws IOException {
        start("a.service");
        var unit = Objects.requireNonNull(cluster.units.get("a.service"));
        cluster.addMachine(M2, "10.0.0.2", Map.of());
        assertThat(run("drain", "--no-block", "113f").exit()).isZero();
        cluster.report(InMemoryEngine.state("a.service", M2, "failed", "failed").toBuilder()
                .setError("its main process exited with status 1")
                .build());
        cluster.report(InMemoryEngine.state("a.service", M1, "active", "running"));
        Result drained = run("drain", "113f");
        assertThat(drained.exit()).isEqualTo(1);
        assertThat(drained.err())
                .isEqualTo(
                        "Error: unit a.service has left and is failed on 85c0c595...: its main process exited with status 1\n");
        assertThat(unit.getMachineId()).isEqualTo(M1);
    }

    // -- a machine that is drained before what has left it is up elsewhere, as after a deadline ---------------------

    @Test
    void aDrainIsOverOnceWhatHasLeftIsUp() throws Exception {
        var drain = drainOfSilent("a.service");
        cluster.report(arriving("a.service", "inactive", "dead")
                .setLaunched(false)
                .setPending(true)
                .build());
        awaitLook();
        assertThat(drain).isNotDone();
        cluster.report(arriving("a.service", "activating", "start").build());
        awaitLook();
        assertThat(drain).isNotDone();
        cluster.report(arriving("a.service", "active", "running").build());
        assertThat(drain.get(30, TimeUnit.SECONDS)).satisfies(result -> {
            assertThat(result.err()).isEmpty();
            assertThat(result.exit()).isZero();
            assertThat(result.out()).endsWith("""
                            Machine 113f16a7.../10.0.0.1 drained
                            1 unit that has left machine 113f16a7.../10.0.0.1 is not up yet
                            """);
        });
    }

    @Test
    void aStartThatFailsAfterTheDrainFailsIt() throws Exception {
        var drain = drainOfSilent("a.service");
        cluster.report(
                arriving("a.service", "failed", "failed").setPending(true).build());
        cluster.report(arriving("a.service", "failed", "failed")
                .setError("its main process exited with status 1")
                .build());
        assertThat(drain.get(30, TimeUnit.SECONDS)).satisfies(result -> {
            assertThat(result.exit()).isEqualTo(1);
            assertThat(result.err())
                    .isEqualTo("Error: unit a.service has left and is failed on 85c0c595...:"
                            + " its main process exited with status 1\n");
        });
    }

    @Test
    void whatHasEndedWellAfterTheDrainHasArrived() throws Exception {
        var drain = drainOfSilent("a.service");
        cluster.report(arriving("a.service", "inactive", "dead").build());
        assertThat(drain.get(30, TimeUnit.SECONDS).exit()).isZero();
    }

    @Test
    void whatIsNotToRunIsNotWaitedFor() throws IOException {
        cluster.silentElsewhere.add("loaded.service");
        start("loaded.service");
        assertThat(run("stop", "loaded.service").exit()).isZero();
        cluster.addMachine(M2, "10.0.0.2", Map.of());
        Result drained = run("drain", "113f");
        assertThat(machine(M1).getMark().getKind()).isEqualTo(MachineMarkKind.MACHINE_MARK_KIND_DRAINED);
        assertThat(cluster.states).as("silent").isEmpty();
        assertThat(drained.err()).isEmpty();
        assertThat(drained.exit()).isZero();
    }

    @Test
    void whatIsNotUpInItsTimeIsNamed() throws Exception {
        cluster.silentElsewhere.addAll(List.of("pending.service", "silent.service", "slow.service"));
        for (var name : cluster.silentElsewhere) {
            start(name);
        }
        cluster.addMachine(M2, "10.0.0.2", Map.of());
        var clock = new AtomicLong();
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        var global = new GlobalOptions();
        global.endpoint = cluster.endpoints();
        global.requestTimeout = 30;
        var told = new PrintStream(out, true, StandardCharsets.UTF_8);
        var wrong = new PrintStream(err, true, StandardCharsets.UTF_8);
        try (var session = new Session(
                new Terminal(InputStream.nullInputStream(), told, wrong, Map.of(), directory, false), global)) {
            var reads = new AtomicLong();
            var waiter = DrainWaiter.before(session, machine(M1), () -> {
                reads.incrementAndGet();
                return clock.get();
            });
            assertThat(run("drain", "--no-block", "113f").exit()).isZero();
            cluster.report(arriving("pending.service", "inactive", "dead")
                    .setLaunched(false)
                    .setPending(true)
                    .build());
            cluster.report(arriving("slow.service", "activating", "start").build());
            var exit = CompletableFuture.supplyAsync(waiter::await);
            Awaitility.await()
                    .until(() -> out.toString(StandardCharsets.UTF_8)
                            .endsWith("3 units that have left machine 113f16a7.../10.0.0.1 are not up yet\n"));
            // The drain has come to its end, whatever is ordered now.
            assertThat(run("uncordon", "113f").exit()).isZero();
            clock.set(TimeUnit.SECONDS.toNanos(119));
            long before = reads.get();
            Awaitility.await().until(() -> exit.isDone() || reads.get() >= before + 4);
            assertThat(exit).isNotDone();
            clock.set(TimeUnit.MINUTES.toNanos(2));
            assertThat(exit.get(30, TimeUnit.SECONDS)).isEqualTo(1);
        }
        var late = " on 85c0c595... 2 minutes after the end of the drain: ";
        assertThat(err.toString(StandardCharsets.UTF_8).lines())
                .containsExactly(
                        "Error: unit pending.service has left and is not up" + late
                                + "that machine has not started it; see: fleetctl why pending.service",
                        "Error: unit silent.service has left and is not up" + late
                                + "that machine has not said anything of it; see: fleetctl why silent.service",
                        "Error: unit slow.service has left and is not up" + late
                                + "it is activating (start); see: fleetctl why slow.service");
    }

    /** Begins a drain whose unit has left, and of which its new machine has said nothing yet. */
    private CompletableFuture<Result> drainOfSilent(String name) throws IOException {
        start(name);
        cluster.addMachine(M2, "10.0.0.2", Map.of());
        cluster.silentElsewhere.add(name);
        var drain = CompletableFuture.supplyAsync(() -> run("drain", "113f"));
        Awaitility.await().until(() -> looks() >= 1);
        awaitLook();
        return drain;
    }

    /** How often it was looked for units that have left, which comes after the look for orphans. */
    private long looks() {
        return cluster.engines.getFirst().calls.stream()
                .dropWhile(call -> !call.equals("ListOrphans"))
                .filter("ListUnitStates"::equals)
                .count();
    }

    /** Until a look that began from now on has been answered: when the one after it comes. */
    private void awaitLook() {
        long before = looks();
        Awaitility.await().until(() -> looks() >= before + 2);
    }

    /** What its new machine says of a unit as it is ordered. */
    private UnitState.Builder arriving(String name, String active, String sub) {
        return InMemoryEngine.state(name, M2, active, sub).toBuilder()
                .setHash(Objects.requireNonNull(cluster.units.get(name)).getHash())
                .setLaunched(true);
    }

    @Test
    void aLostMachineIsMarkedAndNotWaitedFor() {
        lose(M1);
        Result lost = run("drain", "113f");
        assertThat(lost.exit()).isEqualTo(1);
        assertThat(lost.err())
                .contains("is lost since 2026-11-18T00:53:20Z: its units are placed elsewhere without it");
    }

    @Test
    void metadataAreSetAndRemoved() {
        assertThat(run("machine", "set", "disk=hdd", "rack=r7", "113f").out())
                .isEqualTo("Machine 113f16a7.../10.0.0.1 has disk=hdd,rack=r7\n");
        assertThat(machine(M1).getMetadataMap()).containsEntry("disk", "hdd").containsEntry("rack", "r7");
        assertThat(run("machine", "unset", "disk", "113f").out())
                .isEqualTo("Machine 113f16a7.../10.0.0.1 has no disk\n");
        assertThat(machine(M1).getMetadataMap()).doesNotContainKey("disk");
        assertThat(run("machine", "set", "disk", "113f").err()).contains("\"disk\" is no KEY=VALUE");
    }

    @Test
    void badFlagsAreRefused() {
        assertThat(run("drain", "--deadline=soon", "113f").err()).contains("\"soon\" is no time");
        assertThat(run("drain", "--max-parallel=1001", "113f").err()).contains("must be 1 to 1000");
        assertThat(run("drain", "1", "8").exit()).isEqualTo(2);
        assertThat(run("drain", "none").err()).contains("machine none does not exist");
    }

    @Test
    void aGroupOfCommandsSaysWhichThereAre() {
        assertThat(run("machine")).isEqualTo(new Result(2, "", "Which one? fleetctl machine set, unset, forget\n"));
        assertThat(run("cluster").err())
                .startsWith("Which one? fleetctl cluster status, ")
                .contains("revoke, revoked");
    }

    @Test
    void adoptAndDropTakeOneMachineAsItIsNamedAndNoneThatIsNot() {
        cluster.addMachine(M2, "10.0.0.2", Map.of());
        String twin = "113f" + M2.substring(4);
        cluster.addMachine(twin, "10.0.0.3", Map.of());
        for (String machine : List.of(M1, M2, twin)) {
            orphan("stray.service", machine, "active");
        }
        for (String verb : List.of("adopt", "drop")) {
            for (String unclear : List.of("", "...", "113f", "1", "dead")) {
                assertThat(run("cluster", verb, "stray.service", "--machine", unclear)
                                .exit())
                        .as("%s --machine '%s'", verb, unclear)
                        .isEqualTo(1);
            }
        }
        assertThat(settled()).isEmpty();
        assertThat(run("cluster", "drop", "stray.service", "--machine", "113f16a7.../10.0.0.1")
                        .out())
                .isEqualTo("Dropped stray.service on " + M1 + "\n");
        assertThat(run("cluster", "adopt", "stray.service", "--machine", "85c0").out())
                .isEqualTo("Adopted stray.service on " + M2 + "\n");
        assertThat(settled()).containsExactly("SettleOrphan stray.service " + M1, "SettleOrphan stray.service " + M2);
        assertThat(run("cluster", "drop", "lost.service", "--machine", "85c0").err())
                .isEqualTo("Unit lost.service is no orphan on that machine; see fleetctl cluster orphans\n");
    }

    private List<String> settled() {
        return cluster.engines.getFirst().calls.stream()
                .filter(call -> call.startsWith("SettleOrphan"))
                .toList();
    }

    @Test
    void anEmptyWordOrOneThatFitsSeveralNamesNothing() {
        for (var command : List.of(
                List.of("watch", "--machine", ""),
                List.of("watch", "--machine", "..."),
                List.of("watch", "machines", ""),
                List.of("ssh", ""),
                List.of("drain", ""),
                List.of("machine", "forget", ""),
                List.of("plan", "--drain", ""),
                List.of("cluster", "transfer-leader", ""),
                List.of("token", "create", "--role", "agent", "--machine-id", ""),
                List.of("token", "create", "--role", "engine", "--engine-id", ""))) {
            Result result = run(command.toArray(String[]::new));
            assertThat(result.exit()).as("%s", command).isNotZero();
            assertThat(result.err()).as("%s", command).contains("empty");
        }
        cluster.addMachine("113f" + M2.substring(4), "10.0.0.3", Map.of());
        for (var command : List.of(List.of("ssh", "113f"), List.of("events", "113f"))) {
            assertThat(run(command.toArray(String[]::new)).err())
                    .as("%s", command)
                    .contains("found more than one machine whose id starts with 113f");
        }
    }

    private void orphan(String name, String machine, String active) {
        cluster.report(InMemoryEngine.state(name, machine, active, "any"));
        cluster.engines
                .getFirst()
                .orphans
                .add(Orphan.newBuilder()
                        .setName(name)
                        .setMachineId(machine)
                        .setActiveState(active)
                        .build());
    }

    private Machine machine(String id) {
        return Objects.requireNonNull(cluster.machines.get(id));
    }

    private void lose(String id) {
        cluster.machines.computeIfPresent(
                id,
                (same, machine) -> machine.toBuilder()
                        .setPresence(MachinePresence.MACHINE_PRESENCE_LOST)
                        .setLostMs(1_794_963_200_000L)
                        .build());
    }

    private void start(String name) throws IOException {
        Files.writeString(directory.resolve(name), "[Service]\nExecStart=/bin/sleep infinity\n");
        assertThat(run("start", name).exit()).isZero();
    }

    private Result run(String... arguments) {
        return Result.of(cluster, directory, Map.of(), arguments);
    }
}
