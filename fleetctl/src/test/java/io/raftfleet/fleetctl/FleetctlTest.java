package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import io.raftfleet.client.WaitGoal;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
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
import org.junit.jupiter.params.provider.ValueSource;

/** Whole commands against gRPC servers on loopback; outputs are what fleetctl 1.0 prints in the same situation. */
@Timeout(60)
class FleetctlTest {
    private static final String M1 = "113f16a7c8d94f1a8a1e6c4f4b6a9d01";
    private static final String M2 = "85c0c59541c148259cd9f4e8ddef5df2";
    private static final String HELLO = "[Service]\nExecStart=/bin/sleep infinity\n";

    private final InMemoryCluster cluster = new InMemoryCluster();

    @TempDir
    private Path directory;

    @BeforeEach
    void startEngine() {
        cluster.startEngine();
    }

    @AfterEach
    void stop() {
        cluster.close();
    }

    private Result run(String... arguments) {
        return run(Map.of(), arguments);
    }

    private Result run(Map<String, String> environment, String... arguments) {
        return Result.of(cluster, directory, environment, arguments);
    }

    private void file(String name, String text) throws IOException {
        Path path = directory.resolve(name);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private void twoMachines() {
        cluster.addMachine(M1, "172.17.8.103", Map.of("az", "us-west-1b", "disk", "ssd"));
        cluster.addMachine(M2, "", Map.of());
    }

    private Unit unit(String name) {
        synchronized (cluster) {
            Unit unit = cluster.units.get(name);
            assertThat(unit).as(name).isNotNull();
            return unit == null ? Unit.getDefaultInstance() : unit;
        }
    }

    // -- Lists
    // ---------------------------------------------------------------------------------------------------------

    @Test
    void listUnitsPrintsFleetsColumns() {
        twoMachines();
        cluster.add(
                Unit.newBuilder().setName("hello.service").build(),
                InMemoryEngine.state("hello.service", M1, "active", "running"));
        cluster.add(
                Unit.newBuilder().setName("b.service").build(),
                InMemoryEngine.state("b.service", M2, "failed", "failed"));
        cluster.add(
                Unit.newBuilder().setName("c.service").build(),
                InMemoryEngine.state("c.service", "0123456789", "inactive", "dead"));

        assertThat(run("list-units")).isEqualTo(new Result(0, """
                UNIT\t\tMACHINE\t\t\t\tACTIVE\t\tSUB
                b.service\t85c0c595...\t\t\tfailed\t\tfailed
                c.service\t01234567...\t\t\tinactive\tdead
                hello.service\t113f16a7.../172.17.8.103\tactive\t\trunning
                """, ""));
        assertThat(run("list-units", "--no-legend", "--full", "--fields=machine,unit")
                        .out())
                .isEqualTo("""
                85c0c59541c148259cd9f4e8ddef5df2\t\tb.service
                0123456789\t\t\t\t\tc.service
                113f16a7c8d94f1a8a1e6c4f4b6a9d01/172.17.8.103\thello.service
                """);
        assertThat(run("list-units", "--fields", "hash,load").out())
                .startsWith("HASH\tLOAD\n" + Words.hash(InMemoryCluster.hash("b.service"), false) + "\tloaded\n");
    }

    @Test
    void listsOfSomeUnitsByNameAndPattern() throws IOException {
        twoMachines();
        file("web@.service", HELLO);
        file("picky.service", HELLO + "[X-Fleet]\nMachineMetadata=disk=tape\n");
        assertThat(run("start", "--no-block", "web@1.service", "web@2.service", "web@30.service", "picky.service")
                        .exit())
                .isZero();

        assertThat(run("list-units", "--fields=unit", "--no-legend", "web@?.service"))
                .isEqualTo(new Result(0, "web@1.service\nweb@2.service\n", ""));
        assertThat(run("list-units", "--fields=unit", "--no-legend", "web@30", "web@1*")
                        .out())
                .as("a name without its type, and a pattern")
                .isEqualTo("web@1.service\nweb@30.service\n");
        assertThat(run("list-units", "pic*").err()).contains("picky.service waits for a machine");
        assertThat(run("list-units", "nothing*")).isEqualTo(new Result(0, "UNIT\tMACHINE\tACTIVE\tSUB\n", ""));
        assertThat(run("list-unit-files", "--fields=unit", "--no-legend", "picky", "web@[3-9]*")
                        .out())
                .isEqualTo("picky.service\nweb@30.service\n");
    }

    @Test
    void listUnitsSaysWhyUnitsWait() throws IOException {
        twoMachines();
        file("picky.service", HELLO + "[X-Fleet]\nMachineMetadata=disk=tape\n");
        assertThat(run("start", "--no-block", "picky.service").exit()).isZero();

        Result list = run("list-units");
        assertThat(list.out()).isEqualTo("UNIT\tMACHINE\tACTIVE\tSUB\n");
        assertThat(list.err())
                .isEqualTo("Unit picky.service waits for a machine: metadata disk=tape: 0 of 2 machines\n");
        assertThat(run("list-units", "--json").out())
                .contains("\"unit\":\"picky.service\"")
                .contains("\"vetoes\":[\"metadata disk=tape: 0 of 2 machines\"]");
        assertThat(run("status", "picky.service"))
                .isEqualTo(new Result(
                        1,
                        "",
                        "Unit picky.service does not appear to be loaded. It waits for a machine: metadata disk=tape: 0 of 2"
                                + " machines\n"));
        Result stop = run("stop", "picky.service");
        assertThat(stop.exit()).isEqualTo(1);
        assertThat(stop.err()).contains("Unable to stop unit picky.service in state inactive", "unload picky.service");
        assertThat(run("unload", "picky.service").exit()).isZero();
        assertThat(run("list-units").err()).isEmpty();
    }

    @Test
    void listUnitFilesPrintsFleetsColumns() throws IOException {
        twoMachines();
        file("everywhere.service", HELLO + "[X-Fleet]\nGlobal=true\n");
        file("ssd.service", "[Unit]\nDescription=On a disk\n" + HELLO + "[X-Fleet]\nMachineMetadata=disk=ssd\n");
        file("idle.service", HELLO);
        run("start", "everywhere.service", "ssd.service");
        run("submit", "idle.service");

        assertThat(run("list-unit-files", "--fields=unit,dstate,state,target").out())
                .isEqualTo("""
                UNIT\t\t\tDSTATE\t\tSTATE\t\tTARGET
                everywhere.service\tlaunched\t-\t\tglobal
                idle.service\t\tinactive\tinactive\t-
                ssd.service\t\tlaunched\tlaunched\t113f16a7.../172.17.8.103
                """);
        assertThat(run("list-unit-files").out())
                .startsWith("UNIT\t\t\tHASH\tDSTATE\t\tSTATE\t\tTARGET\n")
                .contains("\t" + Words.hash(unit("idle.service").getHash(), false) + "\t");
        assertThat(run("list-unit-files", "--fields=desc,global", "--no-legend").out())
                .isEqualTo("-\t\ttrue\n-\t\tfalse\nOn a disk\tfalse\n");
    }

    @Test
    void listsAndStatusWarnOfFilesOfBefore() throws IOException {
        twoMachines();
        file("hello.service", HELLO);
        file("other.service", HELLO);
        run("start", "hello.service", "other.service");
        String warning = "WARNING: Unit hello.service: that it replaces a.service counts for nothing\n";
        cluster.warnings.put("hello.service", "that it replaces a.service counts for nothing");
        assertThat(run("list-units").err()).isEqualTo(warning);
        assertThat(run("list-unit-files").err()).isEqualTo(warning);
        assertThat(run("status", "hello.service").err()).isEqualTo(warning);
        assertThat(run("status", "other.service").err()).isEmpty();
        for (String list : List.of("list-units", "list-unit-files")) {
            assertThat(run(list, "--json").out())
                    .containsOnlyOnce("\"warnings\":[\"that it replaces")
                    .containsOnlyOnce("\"warnings\":[]");
            assertThat(run(list, "--json").err()).isEmpty();
        }
    }

    @Test
    void listMachinesPrintsFleetsColumns() {
        twoMachines();
        assertThat(run("list-machines")).isEqualTo(new Result(0, """
                MACHINE\t\tIP\t\tMETADATA
                113f16a7...\t172.17.8.103\taz=us-west-1b,disk=ssd
                85c0c595...\t-\t\t-
                """, ""));
        assertThat(run("list-machines", "-l", "--fields=machine", "--no-legend").out())
                .isEqualTo(M1 + "\n" + M2 + "\n");
        assertThat(run("list-machines", "--json").out())
                .contains("{\"machine\":\"" + M1
                        + "\",\"ip\":\"172.17.8.103\",\"metadata\":{\"az\":\"us-west-1b\",\"disk\":\"ssd\"}");
    }

    @Test
    void staleListsNeedNoQuorum() {
        twoMachines();
        cluster.quorum = false;
        for (var list : List.of("list-units", "list-unit-files", "list-machines")) {
            assertThat(run(list, "--request-timeout=0.3").exit()).as(list).isEqualTo(1);
            assertThat(run(list, "--stale").exit()).as(list).isEqualTo(0);
        }
        assertThat(run("list-machines", "--stale", "--no-legend").out()).startsWith("113f16a7...");
    }

    @Test
    void aWaitOutlastsATimeInWhichNoEngineAnswers() throws IOException {
        twoMachines();
        file("patient.service", "[Service]\nExecStart=/bin/true\n");
        cluster.outageToCome = 12;
        Result started = run("--request-timeout=0.3", "start", "--stay-up=0", "patient.service");
        assertThat(started.err())
                .startsWith("Still waiting, for another 60 s at most, though ")
                .endsWith("\nAn engine answers again\n");
        assertThat(started.out()).contains("Unit patient.service launched on ");
        assertThat(started.exit()).isZero();
    }

    @Test
    void whatIsNoRegularFileIsNotReadOrWritten() throws Exception {
        assertThat(new ProcessBuilder(
                                "mkfifo", directory.resolve("pipe.service").toString())
                        .start()
                        .waitFor())
                .isZero();
        for (String command : List.of("plan", "submit", "start")) {
            Result refused = run(command, "./pipe.service");
            assertThat(refused.exit()).as(command).isEqualTo(1);
            assertThat(refused.err()).as(command).contains("pipe.service is no regular file");
        }
        assertThat(run("cluster", "backup", "-").exit()).isEqualTo(2);
    }

    @Test
    void unknownFieldsAreRefused() {
        assertThat(run("list-units", "--fields=unit,colour"))
                .isEqualTo(
                        new Result(
                                1,
                                "",
                                "Invalid key in output format: \"colour\". Valid fields are active,hash,load,machine,restarts,sub,unit\n"));
        assertThat(run("list-machines", "--fields=").err())
                .isEqualTo("--fields names no field. Valid fields are ip,machine,metadata,since,state\n");
    }

    // -- Creating, starting
    // --------------------------------------------------------------------------------------------

    @Test
    void startSubmitsAndWaitsUntilActive() throws IOException {
        twoMachines();
        file("examples/hello.service", HELLO + "[X-Fleet]\nMachineMetadata=disk=ssd\n");
        assertThat(run("start", "examples/hello.service")).isEqualTo(new Result(0, """
                        Unit hello.service inactive
                        Unit hello.service launched on 113f16a7.../172.17.8.103
                        """, ""));
        // Launched already: nothing to do, nothing said.
        assertThat(run("start", "hello")).isEqualTo(new Result(0, "", ""));
        assertThat(run("cat", "hello.service").out())
                .isEqualTo("[Service]\nExecStart=/bin/sleep infinity\n[X-Fleet]\nMachineMetadata=disk=ssd\n");
    }

    @Test
    void startBlocksOnTheWatch() throws Exception {
        twoMachines();
        cluster.hold();
        file("hello.service", HELLO);
        var start = CompletableFuture.supplyAsync(() -> run("start", "hello.service"));
        InMemoryEngine engine = cluster.engines.getFirst();
        Awaitility.await().until(() -> engine.calls.contains("Watch"));
        assertThat(start).isNotDone();
        cluster.release();
        Result result = start.get(20, TimeUnit.SECONDS);
        assertThat(result.exit()).isZero();
        assertThat(result.out()).contains("Unit hello.service launched on ");
        assertThat(engine.calls.stream().filter("ListUnits"::equals).count()).isLessThanOrEqualTo(4);
    }

    @Test
    void startSurvivesTheEngineItWatches() throws Exception {
        twoMachines();
        cluster.startEngine();
        cluster.hold();
        file("hello.service", HELLO);
        var start = CompletableFuture.supplyAsync(() -> run("start", "hello.service"));
        Awaitility.await().until(() -> cluster.engines.getFirst().calls.contains("Watch"));
        cluster.engines.getFirst().kill();
        Awaitility.await().until(() -> cluster.engines.getLast().calls.contains("Watch"));
        cluster.release();
        assertThat(start.get(20, TimeUnit.SECONDS).exit()).isZero();
    }

    @Test
    void startGivesUpAfterItsAttemptsAndSaysWhy() throws IOException {
        twoMachines();
        file("picky.service", HELLO + "[X-Fleet]\nMachineMetadata=disk=tape\n");
        Result result = run("start", "--block-attempts=1", "picky.service");
        assertThat(result.exit()).isEqualTo(1);
        assertThat(result.out()).isEqualTo("Unit picky.service inactive\n");
        assertThat(result.err()).isEqualTo("""
                Unit picky.service waits for a machine: metadata disk=tape: 0 of 2 machines
                Error waiting for units: timed out waiting for unit picky.service to report state launched: metadata disk=tape: 0 of 2 machines
                """);
    }

    @Test
    void aWaitThatIsOverBeforeItCouldAskSaysWhyAllTheSame() throws IOException {
        twoMachines();
        file("picky.service", HELLO + "[X-Fleet]\nMachineMetadata=disk=tape\n");
        assertThat(run("start", "--no-block", "picky.service").exit()).isZero();
        var sink = new PrintStream(new ByteArrayOutputStream(), false, StandardCharsets.UTF_8);
        var err = new ByteArrayOutputStream();
        var global = new GlobalOptions();
        global.endpoint = cluster.endpoints();
        global.requestTimeout = 30;
        try (var session = new Session(
                new Terminal(
                        InputStream.nullInputStream(),
                        sink,
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        Map.of(),
                        directory,
                        false),
                global)) {
            assertThat(new UnitWaiter(session, WaitGoal.UP, 0)
                            .await(Map.of("picky.service", unit("picky.service").getHash()), Duration.ZERO))
                    .isEqualTo(1);
            assertThat(err.toString(StandardCharsets.UTF_8))
                    .contains("timed out waiting for unit picky.service to report state launched: metadata disk=tape:"
                            + " 0 of 2 machines");
        }
    }

    @Test
    void startFailsForAUnitThatFailsAndNotForOneThatFinishes() throws IOException {
        twoMachines();
        file("bad.service", "[Service]\nExecStart=/bin/false\n");
        file("once.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n");
        Result bad = run("start", "bad.service");
        assertThat(bad.exit()).isEqualTo(1);
        assertThat(bad.out()).isEqualTo("Unit bad.service inactive\n");
        assertThat(bad.err())
                .matches(
                        "Error waiting for units: unit bad.service on \\S+: failed \\(failed\\): its main process exited with"
                                + " status 1\n");
        assertThat(run("start", "once.service").exit()).isZero();
    }

    @Test
    void loadStopUnloadDestroyPrintWhatFleetPrints() throws IOException {
        twoMachines();
        file("hello.service", HELLO + "[X-Fleet]\nMachineMetadata=disk=ssd\n");
        assertThat(run("load", "hello.service").out())
                .isEqualTo("Unit hello.service inactive\nUnit hello.service loaded on 113f16a7.../172.17.8.103\n");
        assertThat(run("start", "hello.service").out())
                .isEqualTo("Unit hello.service launched on 113f16a7.../172.17.8.103\n");
        assertThat(run("restart", "hello.service").out())
                .isEqualTo("Unit hello.service launched on 113f16a7.../172.17.8.103\n");
        assertThat(unit("hello.service").getStartGeneration()).isEqualTo(1);
        assertThat(run("stop", "hello.service"))
                .isEqualTo(new Result(
                        0,
                        "Unit hello.service loaded on 113f16a7.../172.17.8.103\n",
                        "Successfully stopped units [hello.service].\n"));
        assertThat(run("stop", "hello.service"))
                .isEqualTo(new Result(0, "", "Stopped already: units [hello.service].\n"));
        assertThat(run("unload", "hello.service"))
                .isEqualTo(new Result(
                        0, "Unit hello.service inactive\n", "Successfully unloaded units [hello.service].\n"));
        assertThat(run("stop", "hello.service"))
                .isEqualTo(new Result(1, "", "Unable to stop unit hello.service in state inactive\n"));
        assertThat(run("destroy", "hello.service")).isEqualTo(new Result(0, "Destroyed hello.service\n", ""));
        for (String command : List.of("stop", "unload", "destroy", "restart")) {
            assertThat(run(command, "hello.service"))
                    .isEqualTo(new Result(
                            1, "", "Unit hello.service not found in registry; see: fleetctl list-unit-files\n"));
            assertThat(run(command)).isEqualTo(new Result(0, "", "No units given\n"));
        }
    }

    @Test
    void noBlockAndGlobalUnitsAreOnlyTriggered() throws IOException {
        twoMachines();
        file("hello.service", HELLO);
        file("everywhere.service", HELLO + "[X-Fleet]\nGlobal=true\n");
        assertThat(run("start", "--no-block", "hello.service").out())
                .isEqualTo("Unit hello.service inactive\nTriggered unit hello.service start\n");
        assertThat(run("start", "everywhere.service").out())
                .isEqualTo("Unit everywhere.service inactive\nTriggered global unit everywhere.service start\n");
        assertThat(run("list-units", "--no-legend", "--fields=unit").out())
                .isEqualTo("everywhere.service\neverywhere.service\nhello.service\n");
        assertThat(run("stop", "everywhere.service").out())
                .isEqualTo("Triggered global unit everywhere.service stop\n");
    }

    @Test
    void replacesOnlyWhenAskedAndWarnsOtherwise() throws IOException {
        twoMachines();
        file("hello.service", HELLO);
        run("start", "hello.service");
        String before = Words.hash(unit("hello.service").getHash(), true);
        file("hello.service", HELLO + "Restart=always\n");

        assertThat(run("start", "hello.service"))
                .isEqualTo(new Result(
                        0,
                        "",
                        "WARNING: Unit hello.service in registry differs from local unit file hello.service. Add --replace to"
                                + " override.\n"));
        assertThat(run("submit", "--replace", "hello.service").err())
                .isEqualTo(
                        "Warning: can not replace Unit(hello.service) in state 'launched', use the appropriate command\n");
        assertThat(Words.hash(unit("hello.service").getHash(), true)).isEqualTo(before);

        Result replaced = run("start", "--replace", "hello.service");
        assertThat(replaced.exit()).isZero();
        assertThat(replaced.out()).startsWith("Unit hello.service inactive\nUnit hello.service launched on ");
        assertThat(Words.hash(unit("hello.service").getHash(), true)).isNotEqualTo(before);
        assertThat(run("start", "--replace", "hello.service").out())
                .isEqualTo("Found same Unit(hello.service) in Registry, nothing to do\n");
    }

    @Test
    void instancesComeFromSubmittedThenLocalTemplates() throws IOException {
        twoMachines();
        file("units/a@.service", HELLO);
        assertThat(run("start", "units/a@1.service").exit()).isZero();
        assertThat(run("submit", "units/a@.service").out()).isEqualTo("Unit a@.service inactive\n");
        assertThat(run("start", "a@2.service", "a@3").exit()).isZero();
        assertThat(unit("a@3.service").getTargetState()).isEqualTo(TargetState.TARGET_STATE_LAUNCHED);
        assertThat(unit("a@3.service").getHash()).isEqualTo(unit("a@1.service").getHash());

        file("units/a@.service", HELLO + "Restart=always\n");
        assertThat(run("start", "units/a@4.service").err())
                .isEqualTo(
                        "WARNING: Unit a@.service in registry differs from local template unit file units/a@.service. Add"
                                + " --replace to override.\n");
        assertThat(run("start", "a@.service"))
                .isEqualTo(new Result(
                        1,
                        "",
                        "Error creating units: cannot activate template \"a@.service\": name an instance of it, like"
                                + " a@1.service\n"));
        assertThat(run("start", "b@1.service").err())
                .isEqualTo(
                        "Error creating units: failed getting Unit(b@1.service) from template: unable to find template"
                                + " Unit(b@.service) in Registry or on filesystem\n");
    }

    @Test
    void patternsSelectLocalFilesAndSubmittedUnits() throws IOException {
        twoMachines();
        file("web1.service", HELLO);
        file("web2.service", HELLO);
        file("web@.service", HELLO);
        file("notes.txt", "no unit");
        assertThat(run("submit", "web[12].service").exit()).isZero();
        Files.delete(directory.resolve("web2.service"));
        Result start = run("start", "web*");
        assertThat(start.exit()).isZero();
        assertThat(start.out())
                .contains("Unit web1.service launched", "Unit web2.service launched")
                .doesNotContain("web@");
        assertThat(run("stop", "web?.service").err())
                .isEqualTo("Successfully stopped units [web1.service web2.service].\n");
        assertThat(run("destroy", "web*").out()).isEqualTo("Destroyed web1.service\nDestroyed web2.service\n");
        assertThat(run("start", "db*").err())
                .isEqualTo(
                        "Error creating units: no local unit file and no unit in the registry matches db*; for units see:"
                                + " fleetctl list-unit-files; files are looked for in " + directory + "\n");
        Files.createDirectory(directory.resolve("sub"));
        assertThat(run("start", "sub/db*").err())
                .endsWith("files are looked for in " + directory.resolve("sub") + "\n");
    }

    @Test
    void aBackslashInANameIsNoPattern() throws IOException {
        twoMachines();
        file("disk-a\\x2db.service", HELLO);
        assertThat(run("start", "disk-a\\x2db.service").exit()).isZero();
        assertThat(run("stop", "disk-a\\x2db.service").err())
                .isEqualTo("Successfully stopped units [disk-a\\x2db.service].\n");
    }

    @Test
    void nothingIsWrittenWhenOneArgumentIsBad() throws IOException {
        twoMachines();
        file("good.service", HELLO);
        file("bad.service", "[Service]\nExecStart=/bin/true\n[X-Fleet]\nGlobal=true\nMachineID=" + M1 + "\n");
        file("empty.service", "");
        for (String bad : List.of("bad.service", "empty.service", "missing.service")) {
            Result result = run("start", "good.service", bad);
            assertThat(result.exit()).as(bad).isEqualTo(1);
            assertThat(result.err())
                    .as(bad)
                    .startsWith("Error creating units: ")
                    .contains(bad);
        }
        assertThat(cluster.writes).isZero();
    }

    @Test
    void threeThousandUnitsInOneCall() throws IOException {
        twoMachines();
        file("many@.service", HELLO);
        var arguments = new ArrayList<>(List.of("start"));
        for (int i = 0; i < 3000; i++) {
            arguments.add("many@" + i + ".service");
        }
        Result result = run(arguments.toArray(String[]::new));
        assertThat(result.exit()).isZero();
        assertThat(result.out().lines().filter(line -> line.contains(" launched on ")))
                .hasSize(3000);
        assertThat(cluster.writes).isEqualTo(1);
        assertThat(run("list-units", "--no-legend").out().lines()).hasSize(3000);
        assertThat(run("destroy", "many@*").out().lines()).hasSize(3000);
    }

    // -- Logs, engines, usage
    // ------------------------------------------------------------------------------------------

    @Test
    void journalAndStatusStreamFromTheAgent() throws IOException {
        twoMachines();
        InMemoryEngine engine = cluster.engines.getFirst();
        engine.journal.addAll(List.of("one", "two", "three"));
        file("hello.service", HELLO);
        assertThat(run("journal", "hello.service"))
                .isEqualTo(new Result(1, "", "Unit hello.service does not exist; see: fleetctl list-unit-files\n"));
        run("submit", "hello.service");
        assertThat(run("journal", "hello.service").err())
                .isEqualTo("Unit hello.service does not appear to be running; see: fleetctl why hello.service\n");
        assertThat(run("status", "hello.service").err())
                .isEqualTo("Unit hello.service does not appear to be loaded; see: fleetctl why hello.service\n");
        run("start", "hello.service");
        assertThat(run("journal", "--lines", "2", "--output=cat", "hello"))
                .isEqualTo(new Result(0, "two\nthree\n", ""));
        assertThat(engine.calls).contains("Journal hello.service 2 cat");
        assertThat(run("status", "hello.service")).isEqualTo(new Result(0, "* hello.service\n", ""));
        cluster.refused.add("hello.service");
        assertThat(run("status", "hello.service"))
                .as("asked by a viewer")
                .isEqualTo(new Result(
                        1,
                        "",
                        "Error retrieving status of unit hello.service: user/eve (viewer) may not call UnitStatus: it takes a user with"
                                + " role operator or admin. It has lines of the unit's journal; how a unit is, without them, say fleetctl"
                                + " list-units and fleetctl why hello.service\n"));
        assertThat(run("why", "hello.service").exit()).isZero();
        cluster.refused.clear();
        run("stop", "hello.service");
        assertThat(run("status", "hello.service").exit()).isEqualTo(3);
    }

    @Test
    void aLostAnswerIsNotDoneTwice() throws IOException {
        twoMachines();
        InMemoryEngine engine = cluster.engines.getFirst();
        file("hello.service", HELLO);
        run("start", "hello.service");
        int before = cluster.writes;
        engine.loseNextAnswer("SetTargetStates", Status.UNKNOWN.withDescription("lost the leader"));
        Result restart = run("restart", "hello.service");
        assertThat(restart.exit()).isZero();
        assertThat(cluster.writes).isEqualTo(before + 1);
        assertThat(unit("hello.service").getStartGeneration()).isEqualTo(1);
        assertThat(engine.calls.stream().filter("SetTargetStates"::equals).count())
                .isEqualTo(2);
    }

    @Test
    void certificatesThatCanNotBeReadAreOneLine() throws Exception {
        Result none = run("--ca-file=/none", "--cert-file=/none", "--key-file=/none", "list-machines");
        assertThat(none.exit()).isEqualTo(1);
        assertThat(none.err()).contains("/none").doesNotContain("Exception").hasLineCount(1);
    }

    @Test
    void anotherEngineIsAskedWhenOneIsDown() throws Exception {
        twoMachines();
        cluster.startEngine();
        cluster.engines.getFirst().kill();
        assertThat(run("list-machines", "--no-legend", "--fields=machine").out())
                .isEqualTo("113f16a7...\n85c0c595...\n");
        cluster.engines.getLast().kill();
        Result down = run("list-machines");
        assertThat(down.exit()).isEqualTo(1);
        assertThat(down.err())
                .startsWith(
                        "Error retrieving list of active machines from fleet API (no engine can be reached: 127.0.0.1:")
                .contains("connection refused", "bin/fleet status");
    }

    @Test
    void clusterStatusNeedsALeader() throws Exception {
        cluster.startEngine();
        assertThat(run("cluster", "status").exit()).isEqualTo(1);
        cluster.engines.getLast().leads = true;
        Result status = run("cluster", "status");
        assertThat(status.exit()).isZero();
        assertThat(status.out().lines().toList()).first().asString().startsWith("ENGINE\tENDPOINT");
        assertThat(status.out()).contains("leader", "follower", "001122334455");
        assertThat(run("cluster", "status", "--json").out()).contains("\"role\":\"leader\"");
        assertThat(status.out()).contains("The cluster writes entry format 1, as not all its engines read 2");
        assertThat(run("cluster", "status", "--json").out()).contains("\"entryFormat\":2", "\"agreedEntryFormat\":1");
        cluster.engines.getLast().agreedFormat = 2;
        assertThat(run("cluster", "status").out()).doesNotContain("entry format");
        assertThat(status.out()).contains("10.0M/100.0M").doesNotContain("of its quota");
        assertThat(run("cluster", "status", "--json").out())
                .contains("\"memory\":{\"held\":10485760,\"quota\":104857600,");
        cluster.engines.getLast().registryBytes = 81 << 20;
        assertThat(run("cluster", "status").out())
                .contains(
                        "81.0M/100.0M",
                        "The registry takes 81 % of its quota of memory, 81.0M of 100.0M",
                        "destroy units");
        assertThat(run("cluster", "transfer-leader", "e2").out()).isEqualTo("Engine e2 leads\n");
        String last = "127.0.0.1:" + cluster.engines.getLast().port;
        String first = "127.0.0.1:" + cluster.engines.getFirst().port;
        Result one = run("--endpoint", last, "cluster", "status");
        assertThat(one.exit()).isZero();
        assertThat(one.out().lines().toList())
                .as("every member has a row, and none lags for entries that are Raft's own")
                .anyMatch(line -> line.matches("e1\\s+" + first + "\\s.*\\s44\\s+42\\s+0\\s.*"))
                .anyMatch(line -> line.startsWith("e2"));
        cluster.engines.getFirst().kill();
        assertThat(run("cluster", "status").out()).contains("unreachable");
        Result half = run("--endpoint", last, "cluster", "status");
        assertThat(half.exit()).isEqualTo(1);
        assertThat(half.out().lines().toList()).anyMatch(line -> line.matches("e1\\s+" + first + "\\s.*unreachable.*"));
    }

    @Test
    void catPrintsTheFile() throws IOException {
        file("hello.service", HELLO);
        file("web@.service", "[Unit]\nDescription=%i\n\n" + HELLO);
        run("submit", "hello.service", "web@.service");
        assertThat(run("cat", "hello.service")).isEqualTo(new Result(0, HELLO, ""));
        assertThat(run("cat", "hello")).isEqualTo(new Result(0, HELLO, ""));
        assertThat(run("cat", "web@.service").out()).isEqualTo("[Unit]\nDescription=%i\n\n" + HELLO);
    }

    @Test
    void catPrintsTheBytesThatWereSubmitted() throws IOException {
        String written = "\ufeff; why\r\n[Service]\r\n\r\nExecStart = /bin/sleep infinity";
        file("a.service", written);
        assertThat(run("submit", "a.service").exit()).isZero();
        assertThat(run("cat", "a.service")).isEqualTo(new Result(0, written, ""));
        assertThat(unit("a.service").getHash()).isEqualTo(InMemoryCluster.hash(HELLO));
    }

    @Test
    void otherCommentsAreAnotherFileAndTheSameUnit() throws IOException {
        twoMachines();
        file("a.service", HELLO);
        assertThat(run("start", "a.service").exit()).isZero();
        long generation = unit("a.service").getStartGeneration();
        file("a.service", "# better explained\n" + HELLO);
        assertThat(run("start", "a.service"))
                .as("the options are the same: no warning")
                .isEqualTo(new Result(0, "", ""));
        assertThat(run("cat", "a.service").out()).isEqualTo(HELLO);
        assertThat(run("start", "--replace", "a.service"))
                .isEqualTo(new Result(
                        0,
                        "Unit a.service has the same options: its file was replaced, and it goes on as it is\n",
                        ""));
        assertThat(run("cat", "a.service").out()).isEqualTo("# better explained\n" + HELLO);
        assertThat(unit("a.service").getStartGeneration()).isEqualTo(generation);
        assertThat(run("start", "--replace", "a.service").out())
                .isEqualTo("Found same Unit(a.service) in Registry, nothing to do\n");
    }

    @Test
    void whoChangedAUnitLastIsShownWhereAskedFor() throws IOException {
        twoMachines();
        cluster.caller = "user/alice";
        file("a.service", HELLO);
        assertThat(run("start", "a.service").exit()).isZero();
        cluster.caller = "";
        file("b.service", HELLO);
        assertThat(run("start", "b.service").exit()).isZero();
        assertThat(run("list-unit-files").out()).doesNotContain("alice");
        assertThat(run("list-unit-files", "--fields", "unit,changedby,changedat")
                        .out()
                        .lines())
                .containsExactly(
                        "UNIT\t\tCHANGEDBY\tCHANGEDAT",
                        "a.service\tuser/alice\t2026-11-18T11:06:40Z",
                        "b.service\t-\t\t-");
        assertThat(run("list-unit-files", "--json").out())
                .contains("\"changedBy\":\"user/alice\",\"changedAt\":\"2026-11-18T11:06:40Z\"")
                .contains("\"changedBy\":null,\"changedAt\":null");
        assertThat(run("status", "a.service").out()).endsWith("Changed last by user/alice at 2026-11-18T11:06:40Z\n");
        assertThat(run("status", "b.service").out()).doesNotContain("Changed last");
    }

    @Test
    void exitCodesAndVersion() {
        assertThat(run("version").out()).matches("fleetctl version \\S+\n");
        assertThat(run("--version").out()).matches("fleetctl version \\S+\n");
        assertThat(run("version", "--json").out()).contains("\"engine\":\"9.9\"");
        assertThat(run().exit()).isZero();
        assertThat(run("help").out()).contains("list-unit-files", Version.number());
        assertThat(run("--help").out()).contains(Version.number());
        assertThat(run("help", "start").out()).contains("--block-attempts");
        assertThat(run("help", "start").out()).isEqualTo(run("start", "--help").out());
        assertThat(run("help", "cluster", "status").out())
                .isEqualTo(run("cluster", "status", "--help").out());
        assertThat(run("help", "--help").out()).contains("COMMAND");
        assertThat(run("help", "cluster", "satus").err())
                .contains("cluster has no command \"satus\"; did you mean status?");
        assertThat(run("help", "cat", "foo").err()).contains("fleetctl cat takes no argument \"foo\" there");
        assertThat(run("help", "cat", "foo").exit()).isEqualTo(2);
        assertThat(run("list-units", "--nonsense").exit()).isEqualTo(2);
        assertThat(run("frobnicate").exit()).isEqualTo(2);
        assertThat(run("list-m", "--no-legend").exit()).isEqualTo(2);
        assertThat(run("cat").err()).isEqualTo("One unit file must be provided: fleetctl cat UNIT\n");
        assertThat(run("cat", "x").err()).isEqualTo("Unit x.service not found; see: fleetctl list-unit-files\n");
        assertThat(run("--endpoint", "unix://fleet.sock", "list-units").err()).contains("begins with a slash");
    }

    @Test
    void whatTheCacheIsTrainedWithAreCommands() {
        for (List<String> command : Training.COMMANDS) {
            assertThat(run(command.toArray(String[]::new)).exit())
                    .as("%s", command)
                    .isNotEqualTo(2);
        }
    }

    @Test
    void flagsComeFromVariablesAndTheCommandLineWins() {
        twoMachines();
        var environment = Map.of("FLEETCTL_NO_LEGEND", "true", "FLEETCTL_FULL", "true", "FLEETCTL_FIELDS", "machine");
        assertThat(run(environment, "list-machines").out()).isEqualTo(M1 + "\n" + M2 + "\n");
        assertThat(run(environment, "list-machines", "--full=false").out()).startsWith("113f16a7...\n");
        assertThat(run(environment, "list-machines", "--full").out()).startsWith(M1);
        assertThat(run(Map.of("FLEETCTL_ENDPOINT", "nowhere"), "list-machines").exit())
                .isZero();
    }

    @Test
    void theEndpointMayComeFromItsVariableAlone() {
        twoMachines();
        var out = new ByteArrayOutputStream();
        var environment = Map.of("FLEETCTL_ENDPOINT", cluster.endpoints(), "FLEETCTL_NO_LEGEND", "true");
        var terminal = new Terminal(
                InputStream.nullInputStream(), new PrintStream(out), System.err, environment, directory, false);
        assertThat(Fleetctl.run(terminal, "list-machines")).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8).lines()).hasSize(2);
    }

    @Test
    void listsAreInTheOrderOfNames() throws IOException {
        twoMachines();
        var names = new ArrayList<String>();
        var command = new ArrayList<>(List.of("start"));
        file("hello@.service", HELLO);
        for (int i = 20; i >= 1; i--) {
            command.add("hello@%02d.service".formatted(i));
            names.addFirst("hello@%02d.service".formatted(i));
        }
        assertThat(run(command.toArray(String[]::new)).exit()).isZero();
        for (String list : List.of("list-unit-files", "list-units")) {
            assertThat(run(list, "--no-legend", "--fields", "unit").out().lines())
                    .containsExactlyElementsOf(names);
        }
    }

    /** All that fleetctl 1.0 has, by command; scripts go on as they are. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "list-units --ca-file x --cert-file x --key-file x --debug --driver API --endpoint http://x:1 --h",
                "--etcd-cafile=x --etcd-certfile=x --etcd-keyfile=x --etcd-key-prefix=/x --experimental-api cat --help",
                "--driver API --etcd-key-prefix /x --etcd-cafile x --etcd-certfile x --etcd-keyfile x cat --help",
                "--known-hosts-file=x --request-timeout=3 --ssh-timeout=10 --ssh-username=core --tunnel=x cat --help",
                "--strict-host-key-checking=false --experimental-api=true cat --h",
                "destroy --block-attempts=1 --no-block --help",
                "journal --f --follow --lines=1 --output=short --ssh-port=22 --sudo --help",
                "list-machines --fields=machine --full --l --no-legend --help",
                "list-unit-files --fields=unit --full --no-legend --help",
                "list-units --fields=unit --full --l --no-legend --help",
                "load --block-attempts=1 --no-block --replace --sign --help",
                "restart --block-attempts=1 --help",
                "ssh --A --forward-agent --machine=m --ssh-port=22 --unit=u --help",
                "start --block-attempts=1 --no-block --replace --sign --help",
                "status --ssh-port=22 --help",
                "stop --block-attempts=1 --no-block --help",
                "submit --replace --sign --help",
                "unload --block-attempts=1 --no-block --help",
                "verify --help",
                "fd-forward --help",
                "--help",
                "--h",
                "-h",
                "--version",
                "-v",
                "help",
                ""
            })
    void flagsOfFleetAreTaken(String arguments) {
        Result result = run(arguments.isEmpty() ? new String[0] : arguments.split(" ", -1));
        assertThat(result).as(result.err()).extracting(Result::exit).isEqualTo(0);
        assertThat(result.out()).isNotEmpty();
    }

    @Test
    void shortFlagsMeanWithTwoDashesWhatTheyMeanWithOne() throws IOException {
        twoMachines();
        assertThat(run("list-machines", "--no-legend", "--l").out())
                .isEqualTo(run("list-machines", "--no-legend", "-l").out())
                .startsWith(M1);
        assertThat(run("list-machines", "--no-legend", "-l", "--l=false").out()).startsWith("113f16a7...");
        assertThat(run(Map.of("FLEETCTL_DRIVER", "API"), "list-machines").exit())
                .isZero();
        Result etcd = run("--driver=etcd", "list-machines");
        assertThat(etcd.exit()).isEqualTo(2);
        assertThat(etcd.err()).contains("--driver", "is not one of: API");
        file("hello.service", HELLO);
        assertThat(run("submit", "--sign", "hello.service"))
                .isEqualTo(new Result(
                        0,
                        "Unit hello.service inactive\n",
                        "WARNING: --sign does nothing: units are not signed. Leave it out.\n"));
    }

    // -- What people mistype
    // -----------------------------------------------------------------------------------------

    @Test
    void aMistypedCommandOrOptionIsSuggested() {
        assertThat(run("strat", "a.service"))
                .isEqualTo(new Result(
                        2,
                        "",
                        "fleetctl: fleetctl has no command \"strat\"; did you mean start?\nSee: fleetctl --help\n"));
        assertThat(run("list-u").err()).contains("; did you mean list-unit-files or list-units?");
        assertThat(run("help", "rolout").err()).contains(" has no command \"rolout\"; did you mean rollout?");
        assertThat(run("xyzzy").err()).contains("; commands have their whole names");
        assertThat(run("cluster", "satus").err()).isEqualTo("""
                fleetctl: fleetctl cluster has no command "satus"; did you mean status?
                See: fleetctl cluster --help
                """);
        assertThat(run("list-units", "--feilds=unit")).isEqualTo(new Result(2, "", """
                fleetctl: fleetctl list-units has no option --feilds; did you mean --fields?
                See: fleetctl list-units --help
                """));
        assertThat(run("list-units", "-full").err()).contains("has no option -full; did you mean --full?");
        assertThat(run("--endpont=x", "list-units").err()).contains("did you mean --endpoint?");
        assertThat(run("list-machines", "a").err()).contains("takes no argument \"a\" there");
    }

    @Test
    void aMistypedUnitIsSuggestedFromAFewPages() throws IOException {
        twoMachines();
        file("web.service", HELLO);
        file("db@.service", HELLO);
        assertThat(run("start", "web.service", "db@1.service").exit()).isZero();
        var calls = cluster.engines.getFirst().calls;
        calls.clear();
        assertThat(run("stop", "web.servce").err())
                .isEqualTo("Unit web.servce.service not found in registry; did you mean web.service?\n");
        assertThat(calls.stream().filter("ListUnits"::equals).count()).isBetween(2L, 5L);
        for (String command : List.of("cat", "status", "why", "journal", "destroy", "unload", "restart", "ssh")) {
            assertThat(run(command, "bw.service")).satisfies(result -> {
                assertThat(result.exit()).as(command).isEqualTo(1);
                assertThat(result.err()).as(command).contains("; see: fleetctl list-unit-files");
            });
            assertThat(run(command, "wbe").err()).as(command).contains("; did you mean web.service?");
        }
        assertThat(run("start", "wep.service").err()).contains("; did you mean web.service?");
    }

    @Test
    void aNameThatNoUnitCanHaveIsSaidToBeNone() {
        for (String command :
                List.of("start", "stop", "load", "cat", "status", "why", "journal", "destroy", "unload", "ssh")) {
            Result result = run(command, "bad name.service");
            assertThat(result.exit()).as(command).isEqualTo(1);
            assertThat(result.err())
                    .as(command)
                    .contains("\"bad name.service\" is no name of a unit: character \" \" is not allowed")
                    .doesNotContain("not found", "does not exist", "unable to find");
        }
    }

    @Test
    void aMachineIsTakenAsTablesShowIt() throws IOException {
        twoMachines();
        assertThat(run("cordon", "113f16a7.../172.17.8.103").exit()).isZero();
        assertThat(run("cordon", "113f16a7.../172.17.8.1").err()).contains("does not exist");
        String full = run("list-machines", "--full", "--no-legend", "--fields=machine")
                .out()
                .lines()
                .filter(id -> id.startsWith("113f16a7"))
                .findFirst()
                .orElseThrow();
        assertThat(run("uncordon", full + "/172.17.8.103").exit()).isZero();
    }

    @Test
    void valuesThatAreNoneAreToldWithWhatIsExpected() {
        assertThat(run("--request-timeout=abc", "list-units")).isEqualTo(new Result(2, "", """
                fleetctl: --request-timeout "abc" is not a number of seconds, such as 2 or 0.5
                See: fleetctl --help
                """));
        assertThat(run("start", "--block-attempts", "x", "a.service").err())
                .startsWith("fleetctl: --block-attempts \"x\" is not a whole number, such as 10\n");
        assertThat(run("list-units", "--full=maybe").err())
                .startsWith("fleetctl: --full \"maybe\" is not true or false\n");
        assertThat(plain(Map.of("FLEETCTL_REQUEST_TIMEOUT", "soon"), "list-units")
                        .err())
                .startsWith("fleetctl: FLEETCTL_REQUEST_TIMEOUT \"soon\" is not a number of seconds");
    }

    @Test
    void aBackupIntoAFolderThatIsNotThereNamesTheFolder() throws IOException {
        assertThat(run("cluster", "backup", "none/x.backup"))
                .isEqualTo(new Result(
                        1,
                        "",
                        "folder " + directory.resolve("none")
                                + " does not exist: make it, or name a file in another\n"));
        file("notes.txt", "no folder");
        assertThat(run("cluster", "backup", "notes.txt/x").err())
                .contains(directory.resolve("notes.txt") + " is no folder: name a file in one");
    }

    @Test
    void manyMissingUnitsCostAFewQuestions() {
        var calls = cluster.engines.getFirst().calls;
        var command = new ArrayList<>(List.of("stop"));
        for (int i = 0; i < 1000; i++) {
            command.add("none-" + i);
        }
        Result result = run(command.toArray(String[]::new));
        assertThat(result.exit()).isEqualTo(1);
        assertThat(result.err().lines()).hasSize(1000);
        assertThat(calls.size()).isLessThan(20);
    }

    @Test
    void aMachineIsSuggestedByItsAddressAndByANearId() {
        twoMachines();
        assertThat(run("cordon", "172.17.8.103").err())
                .isEqualTo("machine 172.17.8.103 does not exist; did you mean 113f16a7 (172.17.8.103)?\n");
        assertThat(run("cordon", "113f61a7").err()).contains("; did you mean 113f16a7 (172.17.8.103)?");
        assertThat(run("cordon", "us-west-1b").err()).contains("; did you mean 113f16a7 (172.17.8.103)?");
        assertThat(run("cordon", "113f16a7").exit()).isZero();
        assertThat(run("cordon", "zzz").err()).contains("; see: fleetctl list-machines --full");
    }

    @Test
    void aContextSaysWhereTheEnginesAre() throws IOException {
        twoMachines();
        file("home/raftfleet/contexts/here.conf", "endpoint=" + cluster.endpoints() + "\nplaintext=true\n");
        file("home/raftfleet/contexts/gone.conf", "endpoint=127.0.0.1:1\nplaintext=true\n");
        var home = directory.resolve("home").toString();
        assertThat(plain(Map.of("XDG_CONFIG_HOME", home), "--context", "here", "list-machines"))
                .satisfies(result -> assertThat(result.exit()).as(result.err()).isZero());
        assertThat(plain(Map.of("XDG_CONFIG_HOME", home, "FLEETCTL_CONTEXT", "here"), "list-machines")
                        .exit())
                .isZero();
        // A flag counts for more than a variable, and --endpoint for more than the context's.
        var elsewhere = Map.of("XDG_CONFIG_HOME", home, "FLEETCTL_ENDPOINT", "127.0.0.1:1", "FLEETCTL_CONTEXT", "gone");
        assertThat(plain(elsewhere, "list-machines", "--context=here").exit()).isZero();
        assertThat(plain(elsewhere, "list-machines", "--endpoint", cluster.endpoints())
                        .exit())
                .isZero();
        assertThat(plain(elsewhere, "--context=gone", "list-machines", "--endpoint", cluster.endpoints())
                        .exit())
                .isZero();
        Result wrong = plain(Map.of("XDG_CONFIG_HOME", home), "--context=hree", "list-machines");
        assertThat(wrong.exit()).isEqualTo(1);
        assertThat(wrong.err()).contains("there is no context \"hree\"", "; did you mean here?");
    }

    @Test
    void shellsCompleteFromNamesThatNeedNoCare() throws IOException {
        twoMachines();
        cluster.addMachine("$(reboot)", "", Map.of());
        file("web.service", HELLO);
        file("odd\\x2d.service", HELLO);
        assertThat(run("submit", "web.service", "odd\\x2d.service").exit()).isZero();
        assertThat(run("names", "units")).isEqualTo(new Result(0, "odd\\x2d.service\nweb.service\n", ""));
        assertThat(run("names", "machines")).isEqualTo(new Result(0, M1 + "\n" + M2 + "\n", ""));
        assertThat(run("names", "everything").exit()).isEqualTo(1);
    }

    @Test
    void aWriteOfSeveralCallsTellsHowFarItIs() {
        var told = new ArrayList<String>();
        var options = io.raftfleet.client.ClientOptions.of(io.raftfleet.client.Endpoint.parseList(cluster.endpoints()))
                .withRequestTimeout(Duration.ofSeconds(30))
                .withBatches((answered, all) -> told.add(answered + " of " + all));
        try (var client = new io.raftfleet.client.FleetClient(options)) {
            client.destroyUnits(java.util.stream.IntStream.range(0, 10_001)
                    .mapToObj(i -> "u" + i + ".service")
                    .toList());
            client.destroyUnits(List.of("a.service"));
        }
        assertThat(told).containsExactly("0 of 10001", "10000 of 10001");
    }

    /** Without the cluster's endpoint among the flags. */
    private Result plain(Map<String, String> environment, String... arguments) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        var terminal = new Terminal(
                InputStream.nullInputStream(),
                new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(err, false, StandardCharsets.UTF_8),
                environment,
                directory,
                false);
        int exit = Fleetctl.run(terminal, arguments);
        return new Result(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }
}
