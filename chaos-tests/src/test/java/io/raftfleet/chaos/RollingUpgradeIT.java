package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.Daemon;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.proto.cluster.StatusResponse;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.log.UnitRow;
import io.raftfleet.unit.BackupRows;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * Engines that read an older format are replaced one by one, in a cluster that is in use. It was restored from a backup before, which
 * leaves an orphan: what only the newer format can say is that a machine is to drop it. And what only the newest says of a unit is
 * what its file asks of machines: nothing is refused for that, it appears with the first unit that is made when all read it.
 */
class RollingUpgradeIT {
    private static final int NEWEST = 12;

    private static final Duration LIMIT = Duration.ofSeconds(2);
    private static final int MORE = 5;
    /** Units that ask something of machines: one is made before each upgrade, the last one after all. */
    private static final List<String> ASKING = Ops.names("asking", 4);

    private static final List<String> OLDER = List.of("--entry-format", "1");

    @Test
    void noWriteFailsNoProcessChangesAndNothingNewIsWrittenBeforeAllReadIt() throws IOException {
        try (var cluster = Cluster.start(ClusterOptions.of("upgrade").with(AgentSpec.hollow("hollow", 2)))) {
            try {
                var names = Ops.names("steady", 6);
                Ops.launch(cluster.client(), names);
                var processes = Ops.processes(cluster, Ops.awaitActive(cluster.client(), names));
                var older = restoredWithOrphan(cluster);
                awaitStatus(cluster, "[1, 1, 1] agreed on 1");

                var writers = new Writers(cluster);
                try (writers) {
                    upgrade(cluster, older, writers);
                    newFormatIsWritten(cluster);
                    var before = ASKING.subList(0, older.size());
                    assertThat(withFacts(cluster))
                            .as("units that were made while an older engine took part")
                            .doesNotContainAnyElementsOf(before);
                    var last = ASKING.getLast();
                    Ops.create(cluster.client(), asking(last));
                    assertThat(withFacts(cluster)).contains(last).doesNotContainAnyElementsOf(before);
                    Ops.awaitActive(cluster.client(), ASKING);
                    olderIsRefused(cluster, writers);
                }
                assertThat(writers.failures()).isEmpty();
                cluster.awaitEqual(Ops.SOON);
                assertThat(Ops.units(cluster.client())).hasSize(names.size() + ASKING.size() + writers.written());
                assertThat(Ops.processes(cluster, Ops.awaitActive(cluster.client(), names)))
                        .isEqualTo(processes);
            } catch (AssertionError | RuntimeException e) {
                e.addSuppressed(new IllegalStateException(cluster.logTails()));
                throw e;
            }
        }
    }

    /** The cluster begins anew from a backup, with older engines, beside a unit that is newer than the backup. */
    private static List<Daemon> restoredWithOrphan(Cluster cluster) throws IOException {
        var backup = Files.createTempDirectory(cluster.scratch(), "backup").resolve("file");
        Ops.fleetctl(cluster, "cluster", "backup", backup.toString());
        Ops.launch(cluster.client(), List.of("orphan.service"));
        Ops.awaitActive(cluster.client(), List.of("orphan.service"));
        cluster.engines().forEach(EngineNode::kill);
        var older = new ArrayList<Daemon>();
        for (var engine : cluster.engines()) {
            delete(engine.dataDir());
            var options = new ArrayList<>(OLDER);
            options.addAll(List.of("--restore-from-backup", backup.toString()));
            older.add(cluster.variant(engine.daemon(), List.of(), options));
            older.getLast().start();
        }
        Await.until(
                "the machines have told of the orphan",
                Ops.SOON,
                () -> cluster.client().listOrphans().getOrphansCount() == 1);
        return older;
    }

    private static void upgrade(Cluster cluster, List<Daemon> older, Writers writers) {
        for (int i = 0; i < older.size(); i++) {
            var engine = cluster.engines().get(i);
            writers.awaitMore(MORE);
            Ops.create(cluster.client(), asking(ASKING.get(i)));
            // The one that leads is asked, and it may be of either kind.
            // It learns what another one reads by asking, which may take it a moment after that one's restart.
            var named = "upgrade " + ids(cluster.engines().subList(i, older.size())) + " first";
            Await.until("what is new is refused: " + named, Ops.SOON, () -> {
                try {
                    throw new AssertionError(Ops.fleetctl(cluster, "cluster", "drop", "orphan.service"));
                } catch (IllegalStateException e) {
                    var said = String.valueOf(e.getMessage());
                    assertThat(said).contains("the orphan is left as it is", "needs entry format 2");
                    return said.contains(named);
                }
            });
            older.get(i).terminate();
            var unused = older.get(i).awaitExit(Ops.SOON);
            writers.awaitMore(MORE);
            engine.start();
            awaitUpToDate(cluster, engine);
            if (i == 0) {
                awaitStatus(cluster, "[" + NEWEST + ", 1, 1] agreed on 1");
                assertThat(Ops.fleetctl(cluster, "cluster", "status"))
                        .contains("The cluster writes entry format 1, as not all its engines read " + NEWEST);
            }
            assertThat(writers.failures()).as("upgrade of " + engine).isEmpty();
        }
        awaitStatus(cluster, "[" + NEWEST + ", " + NEWEST + ", " + NEWEST + "] agreed on " + NEWEST);
    }

    private static NewUnit asking(String name) {
        return Ops.sleeper(name, "Conflicts=unlike-any-*.service");
    }

    /** Units of which the registry's rows say what their files ask for; of others each engine reads that in the file. */
    private static Set<String> withFacts(Cluster cluster) throws IOException {
        var file = Files.createTempDirectory(cluster.scratch(), "rows").resolve("file");
        Ops.fleetctl(cluster, "cluster", "backup", file.toString());
        var names = new TreeSet<String>();
        var unused = BackupRows.read(Files.newInputStream(file), file.toString(), row -> {
            if (row.getKey().byteAt(0) == 'u') {
                var unit = UnitRow.parseFrom(row.getValue());
                if (unit.hasFacts()) {
                    names.add(unit.getName());
                }
            }
        });
        return names;
    }

    private static void newFormatIsWritten(Cluster cluster) {
        assertThat(Ops.fleetctl(cluster, "cluster", "status")).doesNotContain("The cluster writes entry format");
        Ops.fleetctl(cluster, "cluster", "drop", "orphan.service");
        Await.until(
                "the orphan is gone",
                Ops.SOON,
                () -> cluster.client().listOrphans().getOrphansCount() == 0);
    }

    /** Not from its log, nor, when that was purged, from its checkpoint. */
    private static void olderIsRefused(Cluster cluster, Writers writers) {
        var leader = cluster.awaitLeader(Ops.SOON);
        var engine = cluster.followersOf(leader).getFirst();
        for (boolean checkpoint : List.of(false, true)) {
            if (checkpoint) {
                Ops.fleetctl(cluster, "cluster", "snapshot");
            }
            engine.stop(Ops.SOON);
            long applied = leader.status(LIMIT).getAppliedIndex();
            var old = cluster.variant(engine.daemon(), List.of(), OLDER);
            old.start();
            assertThat(old.awaitExit(Ops.SOON)).isEqualTo(13);
            assertThat(old.tail(100))
                    .containsPattern("entry format (1[0-9]|[2-9])\\b")
                    .contains("reads up to 1: upgrade this engine, or take away its entry_format");
            writers.awaitMore(MORE);
            assertThat(leader.status(LIMIT).getAppliedIndex()).isGreaterThan(applied);
            engine.start();
            cluster.awaitReady(Ops.SOON);
        }
        assertThat(writers.failures()).as("an older engine was refused").isEmpty();
    }

    private static void awaitUpToDate(Cluster cluster, EngineNode engine) {
        long committed = cluster.followersOf(engine).stream()
                .mapToLong(other -> other.status(LIMIT).getCommitIndex())
                .max()
                .orElseThrow();
        Await.until(
                engine + " has applied up to " + committed,
                Ops.SOON,
                () -> engine.status(LIMIT).getAppliedIndex() >= committed);
    }

    private static void awaitStatus(Cluster cluster, String expected) {
        Await.until("the engines' formats are " + expected, Ops.SOON, () -> {
            var answers = cluster.engines().stream()
                    .map(engine -> engine.status(LIMIT))
                    .toList();
            var found = answers.stream().map(StatusResponse::getEntryFormat).toList() + " agreed on "
                    + answers.stream()
                            .mapToInt(StatusResponse::getAgreedEntryFormat)
                            .max()
                            .orElse(0);
            if (!found.equals(expected)) {
                throw new IllegalStateException("they are " + found);
            }
            return true;
        });
    }

    private static List<String> ids(List<EngineNode> engines) {
        return engines.stream().map(EngineNode::id).toList();
    }

    private static void delete(Path dir) throws IOException {
        try (var files = Files.walk(dir)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
