package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What operators say of rolling changes, and what they are told of them. */
@Timeout(60)
class RolloutCommandTest {
    private static final Pattern ID = Pattern.compile("Rollout ([0-9a-f]{8}) of");

    @TempDir
    private Path directory;

    private final InMemoryCluster cluster = new InMemoryCluster();

    @BeforeEach
    void begin() throws IOException {
        cluster.startEngine();
        cluster.addMachine("113f16a7c8d94f1a8a1e6c4f4b6a9d01", "10.0.0.1", Map.of());
        file("/bin/old");
        assertThat(run("start", "web@1", "web@2", "web@3").exit()).isZero();
    }

    @AfterEach
    void close() {
        cluster.close();
    }

    @Test
    void aPatternIsRolledOutAndWaitedFor() throws IOException {
        assertThat(run("start", "--replace", "--max-unavailable=2", "web@*").out())
                .contains("No unit differs from its local file: there is nothing to roll out\n");
        file("/bin/new");
        Result rolled = run("start", "--replace", "--max-unavailable=50%", "--canary=1", "web@*");
        assertThat(rolled.err()).isEmpty();
        assertThat(rolled.exit()).isZero();
        String id = id(rolled);
        assertThat(rolled.out())
                .isEqualTo("Rollout " + id
                        + " of 3 units begun; it goes on when this command ends, see: fleetctl rollout"
                        + " status " + id + "\nRollout " + id + ": running, 1 of 3 units: web@1.service\nRollout " + id
                        + ": running, 2 of 3 units: web@2.service\nRollout " + id
                        + ": running, 3 of 3 units: web@3.service\nRollout " + id + " done, 3 units\n");
        assertThat(run("names", "rollouts").out()).isEqualTo(id + "\n");
        var row = Objects.requireNonNull(cluster.units.get("web@3.service"));
        assertThat(row.getHash())
                .as("whose text is sent once")
                .isEqualTo(Objects.requireNonNull(cluster.units.get("web@1.service"))
                        .getHash());
        assertThat(run("rollout", "status").out())
                .containsPattern(id + "\tdone\t3/3\t.*Z\tuser/alice\tweb@1\\.service\t-\n");
        assertThat(run("rollout", "status", "--no-legend").out()).startsWith(id + "\t");
        String json = run("rollout", "status", "--json").out();
        assertThat(json)
                .startsWith("[\n{\"rollout\":\"" + id + "\",\"state\":\"done\",\"units\":3,\"through\":3,")
                .contains("\"by\":\"user/alice\"", "\"replacing\":[]", "\"healthWaitMs\":");
        assertThat(run("rollout", "status", "--json", id).out()).isEqualTo(json);
        assertThat(run("rollout", "status", "--json", "--wait", id).exit()).isEqualTo(2);
    }

    @Test
    void oneThatStopsSaysWhyAndWhatCanBeDone() throws IOException {
        file("/bin/new");
        cluster.rollouts.failure = "unit web@2.service failed";
        Result stopped = run("start", "--replace", "--max-unavailable=1", "web@*");
        String id = id(stopped);
        assertThat(stopped.exit()).isEqualTo(1);
        assertThat(stopped.err())
                .isEqualTo("Error: rollout " + id + " has stopped: unit web@2.service failed; fleetctl rollout resume "
                        + id
                        + " looks at that unit again, fleetctl rollout undo " + id
                        + " gives all units their former files\n");
        Result shown = run("rollout", "status", id);
        assertThat(shown.out())
                .startsWith("Rollout " + id + " is stopped, 2 of 3 units\nBecause unit web@2.service failed\n")
                .contains("1 at a time, 0 first, healthy when active for 10 s, stops when a unit is not\n")
                .contains(
                        "To go on: fleetctl rollout resume " + id + " looks at that unit again, fleetctl rollout undo ")
                .contains("web@2.service\t113f16a7.../10.0.0.1\tactive\trunning");
        Result undone = run("rollout", "undo", id);
        assertThat(undone.exit()).isZero();
        assertThat(undone.out())
                .startsWith("Rollout " + id + " goes back\n")
                .endsWith("Rollout " + id + " rolled back\n");
    }

    @Test
    void unitsThatItLeftAloneAreNoneThatItReplaced() throws IOException {
        file("/bin/new");
        cluster.rollouts.leftAlone = 2;
        Result rolled = run("start", "--replace", "--max-unavailable=1", "web@*");
        String id = id(rolled);
        assertThat(rolled.exit()).isEqualTo(1);
        assertThat(rolled.err())
                .isEqualTo("Error: rollout " + id + " is done with 1 of 3 units only; 2 were destroyed or got another"
                        + " file meanwhile and were left alone: web@1.service and 1 more\n");
        assertThat(run("rollout", "status").out()).contains(id + "\tdone\t1/3\t");
        assertThat(run("rollout", "status", id).out())
                .contains(
                        "2 were destroyed or got another file meanwhile and were left alone: web@1.service and 1 more");
        assertThat(run("rollout", "undo", "").exit()).isEqualTo(2);
    }

    @Test
    void oneThatGoesBackByItselfHasFailed() throws IOException {
        file("/bin/new");
        cluster.rollouts.failure = "unit web@2.service failed";
        Result back = run("start", "--replace", "--max-unavailable=1", "--rollback", "web@*");
        assertThat(back.exit()).isEqualTo(1);
        assertThat(back.err())
                .isEqualTo("Error: rollout " + id(back) + " was rolled back: unit web@2.service failed\n");
    }

    @Test
    void oneIsPausedAndResumed() throws IOException {
        file("/bin/new");
        String id = id(run("start", "--replace", "--max-unavailable=1", "--no-block", "web@*"));
        assertThat(run("rollout", "pause", id).out()).isEqualTo("Rollout " + id + " paused\n");
        Result waited = run("rollout", "status", "--wait", id);
        assertThat(waited.exit()).isEqualTo(1);
        assertThat(waited.err())
                .isEqualTo("Error: rollout " + id + " is paused by user/bob; fleetctl rollout resume " + id
                        + " has it go on\n");
        assertThat(run("rollout", "resume", id).out()).endsWith("Rollout " + id + " done, 3 units\n");
        assertThat(run("rollout", "pause", "00000000").err()).isEqualTo("Error: there is no rollout 00000000\n");
    }

    @Test
    void flagsThatMakeNoSenseAreRefusedBeforeAnythingIsDone() throws IOException {
        file("/bin/new");
        cluster.refused.add("web@1.service");
        for (String most : new String[] {"0", "1001", "0%", "101%", "many", "-1"}) {
            Result refused = run("start", "--replace", "--max-unavailable=" + most, "web@*");
            assertThat(refused.exit()).as(most).isEqualTo(2);
            assertThat(refused.err()).contains("--max-unavailable must be 1 to 1000, or 1% to 100%, it is " + most);
        }
        assertThat(run("start", "--max-unavailable=1", "web@*").err())
                .contains("--max-unavailable goes with --replace");
        assertThat(run("start", "--canary=1", "web@*").err()).contains("--canary goes with --replace");
        assertThat(run("start", "--replace", "--canary=1", "web@*").err()).contains("go with --max-unavailable");
        assertThat(run("start", "--replace", "--max-unavailable=1", "--canary=0", "web@*")
                        .err())
                .contains("--canary must be 1 to 1000");
        Result second = run("start", "--replace", "--max-unavailable=1", "web@*");
        assertThat(second.exit()).isEqualTo(1);
        assertThat(second.err())
                .isEqualTo("Error starting a rollout: unit web@1.service is in rollout 0000abcd, which is under way\n");
    }

    private static String id(Result result) {
        var matcher = ID.matcher(result.out());
        assertThat(matcher.find()).as(result.out() + result.err()).isTrue();
        return matcher.group(1);
    }

    private void file(String command) throws IOException {
        Files.writeString(directory.resolve("web@.service"), "[Service]\nExecStart=" + command + "\nRestart=always\n");
    }

    private Result run(String... arguments) {
        return Result.of(cluster, directory, Map.of(), arguments);
    }
}
