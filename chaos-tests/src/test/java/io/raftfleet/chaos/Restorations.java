package io.raftfleet.chaos;

import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.Daemon;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;

/** Clusters that lost everything but a backup. */
final class Restorations {
    private Restorations() {}

    /** Engines in place of the cluster's own, with their directories, that restore a backup where these are empty. */
    static List<Daemon> start(Cluster cluster, Path backup) {
        var engines = cluster.engines().stream()
                .map(engine -> cluster.variant(
                        engine.daemon(), List.of(), List.of("--restore-from-backup", backup.toString())))
                .toList();
        engines.forEach(Daemon::start);
        return engines;
    }

    static void end(List<Daemon> engines) {
        engines.forEach(Daemon::kill);
        engines.forEach(engine -> {
            var unused = engine.awaitExit(Ops.SOON);
        });
    }

    static void delete(Path dir) throws IOException {
        try (var files = Files.walk(dir)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
