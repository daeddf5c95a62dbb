package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.cluster.Orphan;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.model.TargetState;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code import} makes of a fleet that answers by API v1, two rows a page. */
@Timeout(60)
class ImportTest {
    private static final String M1 = "113f16a7c8d94f1a8a1e6c4f4b6a9d01";
    private static final String M2 = "85c0c59541c148259cd9f4e8ddef5df2";
    private static final String HELLO = "[Service]\nExecStart=/bin/sleep infinity\n";

    private final InMemoryCluster fleet = new InMemoryCluster();
    private final InMemoryCluster cluster = new InMemoryCluster();
    private final V1Server server;

    @TempDir
    private Path directory;

    ImportTest() throws IOException {
        server = new V1Server(fleet);
    }

    @BeforeEach
    void start() {
        fleet.addMachine(M1, "10.0.0.1", Map.of("role", "web"));
        cluster.startEngine();
        cluster.addMachine(M1, "10.0.0.1", Map.of("role", "web"));
        cluster.engines.getFirst().orphans.clear();
    }

    @AfterEach
    void stop() {
        server.close();
        fleet.close();
        cluster.close();
    }

    @Test
    void unitsComeWithTheirDesiredStatesAndASecondTimeNothingIsLeft() {
        has("a.service", HELLO, TargetState.TARGET_STATE_LAUNCHED);
        has("b.service", HELLO, TargetState.TARGET_STATE_LOADED);
        has("c@.service", HELLO, TargetState.TARGET_STATE_INACTIVE);
        has("g.service", HELLO + "\n[X-Fleet]\nGlobal=true\n", TargetState.TARGET_STATE_LAUNCHED);
        assertThat(importing("--dry-run")).isEqualTo(new Result(0, """
                        Would import a.service, launched
                        Would import b.service, loaded
                        Would import c@.service, inactive
                        Would import g.service, launched
                        Would import 4 units and adopt 0; 0 were here already, 0 can't be taken over as they are
                        """, ""));
        assertThat(cluster.units).isEmpty();
        Result done = importing();
        assertThat(done.exit()).isZero();
        assertThat(cluster.units.values())
                .extracting(unit -> unit.getName() + " " + Words.state(unit.getTargetState()))
                .containsExactly("a.service launched", "b.service loaded", "c@.service inactive", "g.service launched");
        assertThat(cluster.units.get("a.service"))
                .extracting(unit -> unit.getHash())
                .isEqualTo(InMemoryCluster.hash(HELLO));
        int writes = cluster.writes;
        assertThat(importing().out())
                .isEqualTo("Imported 0 units and adopted 0; 4 were here already, 0 can't be taken over as they are\n");
        assertThat(cluster.writes).isEqualTo(writes);
    }

    @Test
    void whatIsHereIsNeverChanged() {
        has("a.service", HELLO, TargetState.TARGET_STATE_LAUNCHED);
        has("b.service", HELLO, TargetState.TARGET_STATE_LAUNCHED);
        here("a.service", HELLO + "Restart=always\n", TargetState.TARGET_STATE_LAUNCHED);
        here("b.service", HELLO, TargetState.TARGET_STATE_LOADED);
        int writes = cluster.writes;
        Result result = importing();
        assertThat(result.exit()).isEqualTo(1);
        assertThat(result.err()).contains("Not taken over: unit a.service: another one of that name is here");
        assertThat(result.out()).contains("Unit b.service is here already: it is loaded here, and launched in fleet");
        assertThat(cluster.writes).isEqualTo(writes);
    }

    @Test
    void metadataOfMachinesThatAreHereAreSetBeforeUnitsArePlacedByThem() {
        fleet.addMachine(M1, "10.0.0.1", Map.of("role", "web", "disk", "ssd"));
        fleet.addMachine(M2, "10.0.0.2", Map.of("disk", "hdd"));
        has("a.service", HELLO, TargetState.TARGET_STATE_INACTIVE);
        Result result = importing();
        assertThat(result.exit()).isEqualTo(1);
        assertThat(result.out()).startsWith("Set metadata disk=ssd of machine " + M1 + "\n");
        assertThat(result.out()).doesNotContain("role=web");
        assertThat(result.err()).contains("machine " + M2, "it is not in this cluster yet");
        assertThat(cluster.engines.getFirst().calls).containsSubsequence("PatchMachines", "CreateUnits");
    }

    @Test
    void unitsThatRunOnMachinesOfThisClusterAreAdoptedLeadersFirst() {
        has("z-leads.service", HELLO, TargetState.TARGET_STATE_LAUNCHED);
        has("a-follows.service", HELLO + "\n[X-Fleet]\nMachineOf=z-leads.service\n", TargetState.TARGET_STATE_LAUNCHED);
        has("over.service", HELLO, TargetState.TARGET_STATE_LAUNCHED);
        for (String name : List.of("z-leads.service", "a-follows.service")) {
            orphan(name, M1, "active");
        }
        orphan("over.service", M1, "failed");
        Result result = importing("--adopt");
        assertThat(result.err()).isEmpty();
        assertThat(result.exit()).isZero();
        assertThat(result.out())
                .contains(
                        "Adopted a-follows.service on " + M1 + ", launched\n",
                        "Adopted over.service on " + M1
                                + ", loaded: fleet wants it launched, and it is failed there; nothing is started or stopped"
                                + " for that\n");
        assertThat(cluster.engines.getFirst().calls)
                .containsSubsequence("SettleOrphan z-leads.service " + M1, "SettleOrphan a-follows.service " + M1)
                .doesNotContain("CreateUnits");
    }

    @Test
    void whatRunsInFleetIsNeverStartedASecondTime() {
        has("a.service", HELLO, TargetState.TARGET_STATE_LAUNCHED);
        assertThat(importing("--adopt").err())
                .contains("unit a.service: it runs on machine " + M1 + ", whose agent has not found it");
        orphan("a.service", M1, "active");
        assertThat(importing().err()).contains("unit a.service: machine " + M1, "give --adopt");
        cluster.machines.clear();
        cluster.engines.getFirst().orphans.clear();
        Result away = importing("--adopt");
        assertThat(away.exit()).isEqualTo(1);
        assertThat(away.err()).contains("which is not in this cluster yet: start an agent there and import again");
        assertThat(cluster.units).isEmpty();
    }

    @Test
    void aFileThatIsAnotherOnItsMachineIsLeftAlone() {
        has("a.service", HELLO, TargetState.TARGET_STATE_LAUNCHED);
        orphan("a.service", M1, "active", HELLO + "Restart=always\n");
        Result result = importing("--adopt");
        assertThat(result.exit()).isEqualTo(1);
        assertThat(result.err()).contains("has another file of it than fleet says");
        assertThat(cluster.engines.getFirst().calls).noneMatch(call -> call.startsWith("SettleOrphan"));
    }

    @Test
    void aFleetThatIsNotThereIsToldAsSuch() {
        server.close();
        assertThat(importing().err())
                .startsWith("Error reading fleet at " + server.url() + ": Connection refused")
                .contains("Is a fleetd up there")
                .doesNotContain("--endpoint");
    }

    /** What --from takes is an HTTP API in any case. */
    @Test
    void whatIsNoFleetIsToldAsSuch() {
        assertThat(Result.of(cluster, directory, Map.of(), "import", "--from", "http://" + cluster.endpoints())
                        .err())
                .matches("Error reading fleet at http://127.0.0.1:\\d+: it [a-zA-Z0-9/. ]+\\."
                        + " Is a fleetd up there, and does --from name its API\\?\n");
    }

    private Result importing(String... more) {
        var all = new ArrayList<>(List.of("import", "--from", server.url()));
        all.addAll(List.of(more));
        return Result.of(cluster, directory, Map.of(), all.toArray(String[]::new));
    }

    private void orphan(String name, String machine, String active) {
        orphan(name, machine, active, text(name));
    }

    private void orphan(String name, String machine, String active, String text) {
        cluster.engines
                .getFirst()
                .orphans
                .add(Orphan.newBuilder()
                        .setName(name)
                        .setMachineId(machine)
                        .setActiveState(active)
                        .setHash(InMemoryCluster.hash(text))
                        .build());
    }

    private final Map<String, String> texts = new java.util.HashMap<>();

    private String text(String name) {
        return texts.getOrDefault(name, "");
    }

    private void has(String name, String text, TargetState target) {
        texts.put(name, text);
        put(fleet, name, text, target);
    }

    private void here(String name, String text, TargetState target) {
        put(cluster, name, text, target);
    }

    private static void put(InMemoryCluster where, String name, String text, TargetState target) {
        synchronized (where) {
            where.create(
                    NewUnit.newBuilder()
                            .setName(name)
                            .setText(text)
                            .setTargetState(target)
                            .build(),
                    false);
        }
        where.release();
    }
}
