package io.raftfleet.unit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Holds {@code docs/fleet-compat.md} to the tests that it names. */
class FleetCompatTest {
    private static final Pattern NAMED = Pattern.compile("`(\\w+)\\.(\\w+)`");
    private static final String FUNCTIONAL = """
            TestKnownHostsVerification TestFleetctlWithEnv TestDynamicClusterNewMemberUnitMigration
            TestDynamicClusterMemberReboot TestSingleNodeConnectivityLoss TestClientVersionFlag
            TestClientVersionHelpOutput TestClientHelpFlag TestInstallUnit TestMachinesList
            TestMachinesListBadNextPageToken TestMachinesPatchAddModify TestMachinesPatchDelete
            TestMachinesPatchBad TestTemplatesWithSpecifiersInMetadata TestNodeShutdown
            TestDetectMachineId TestScheduleMachineOf TestScheduleConflicts TestScheduleOneWayConflict
            TestScheduleMultipleConflicts TestScheduleReplace TestScheduleCircularReplace
            TestScheduleConditionMachineID TestScheduleGlobalUnits TestScheduleGlobalConflicts
            TestReconfigureServer TestShutdown TestShutdownVsMonitor TestSystemdUnitFlow
            TestTunnelScheduleBatchUnits TestUnitRunnable TestUnitSubmit TestUnitLoad TestUnitStart
            TestUnitSubmitReplace TestUnitLoadReplace TestUnitStartReplace TestUnitRestart
            TestUnitSSHActions TestUnitCat TestUnitStatus TestListUnitFilesOrder""";
    private static final Path ROOT =
            Objects.requireNonNull(Path.of("").toAbsolutePath().getParent());

    @Test
    void everyRowNamesTestsThatExist() throws IOException {
        var faults = new ArrayList<String>();
        int rows = 0;
        for (var line : Files.readAllLines(ROOT.resolve("docs/fleet-compat.md"))) {
            if (!line.startsWith("| ") || line.startsWith("| ---") || line.endsWith("| test |")) {
                continue;
            }
            rows++;
            var tests = line.substring(line.indexOf(" | ") + 3);
            var named = NAMED.matcher(tests).results().toList();
            if (named.isEmpty()) {
                faults.add("no test is named: " + line);
            }
            for (var test : named) {
                if (!exists(test)) {
                    faults.add("there is no test " + test.group());
                }
            }
        }
        assertThat(faults).isEmpty();
        assertThat(rows).isGreaterThan(90);
    }

    /** All of fleet 1.0's, in {@code functional/*_test.go}. */
    @Test
    void everyFunctionalTestOfFleetsHasARow() throws IOException {
        var rows = Files.readAllLines(ROOT.resolve("docs/fleet-compat.md")).stream()
                .filter(line -> line.startsWith("| `Test"))
                .map(line -> line.substring(0, line.indexOf(" | ")))
                .toList();
        assertThat(List.of(FUNCTIONAL.split("\\s+")))
                .hasSize(43)
                .allSatisfy(test -> assertThat(rows).anyMatch(row -> row.contains("`" + test + "`")));
    }

    private static boolean exists(MatchResult test) throws IOException {
        for (var file : sources(test.group(1) + ".java")) {
            var source = Files.readString(file);
            if (source.contains("void " + test.group(2) + "(")
                    || source.contains("Stream<DynamicTest> " + test.group(2) + "(")) {
                return true;
            }
        }
        return false;
    }

    private static List<Path> sources(String name) throws IOException {
        var found = new ArrayList<Path>();
        try (Stream<Path> modules = Files.list(ROOT)) {
            for (var tests : modules.map(module -> module.resolve("src/test/java"))
                    .filter(Files::isDirectory)
                    .toList()) {
                try (Stream<Path> files = Files.walk(tests)) {
                    files.filter(file -> file.endsWith(name)).forEach(found::add);
                }
            }
        }
        return found;
    }
}
