package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.mirror.MirrorFailovers;
import java.nio.file.Path;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** The leader dies, or stands still and goes on, while it writes the mirror under load. */
@EnabledIf("io.raftfleet.etcd.testing.EtcdServer#installed")
class MirrorFailoverIT {
    @TempDir
    private Path dir;

    @Test
    void theMirrorEqualsTheRegistry() {
        long seed = ThreadLocalRandom.current().nextLong(Integer.MAX_VALUE);
        System.out.println("seed " + seed);
        try (var failovers = new MirrorFailovers(dir, 3, seed)) {
            for (var fault : MirrorFailovers.Fault.values()) {
                System.out.println("[figure] " + failovers.round(fault));
            }
            assertThat(failovers.history().transactions()).isPositive();
        }
    }
}
