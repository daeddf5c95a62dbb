package io.raftfleet.chaos.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each attack once, for a short time, with a fixed seed: nobody else notices. */
class HostileIT {
    private static final long SEED = 20_261;
    private static final Duration EACH = Duration.ofMillis(500);
    /** Not the usual one: machines that run tests may leave an engine without a processor for a while, which is not what is tested. */
    private static final Duration ELECTION = Duration.ofSeconds(2);

    @TempDir
    Path dir;

    @Test
    void nobodyElseNotices() throws IOException, InterruptedException {
        var kinds = HostileCampaign.kinds();
        // Not a temporary directory: its logs are what there is to look at, should this fail.
        var out = Path.of("target", "campaigns", "hostile-" + System.nanoTime()).toAbsolutePath();
        var options = new HostileOptions(SEED, Duration.ZERO, EACH, List.of(), ELECTION, out);
        System.out.println("HostileIT: " + options.command());
        var result = new HostileCampaign(options, System.out::println).run(dir.toRealPath());
        result.notes().forEach(note -> System.out.println("[figure] " + note));
        System.out.println("attacks: " + result.attacks());
        assertThat(result.findings()).allSatisfy(finding -> {
            assertThat(finding.violations()).as(finding.promise()).isEmpty();
            assertThat(finding.examined()).as(finding.promise()).isPositive();
        });
        assertThat(result.attacks().keySet()).containsExactlyInAnyOrderElementsOf(kinds);
        assertThat(result.attacks())
                .allSatisfy(
                        (kind, tried) -> assertThat(tried.reached()).as(kind).isPositive());
        try (var files = Files.walk(out)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
