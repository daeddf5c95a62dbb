package io.raftfleet.chaos.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FootprintTest {
    private static final long MIB = 1 << 20;
    private static final Footprint BEFORE = new Footprint(15 * MIB, MIB, 210 * MIB, 140, 60);

    private static List<String> violations(Footprint after) {
        return Footprint.compare(Map.of("e1", BEFORE), Map.of("e1", after)).violations().stream()
                .map(violation -> violation.what())
                .toList();
    }

    @Test
    void whatTheRegistryCountsMayGrow() {
        assertThat(violations(new Footprint(115 * MIB, 81 * MIB, 400 * MIB, 150, 70)))
                .isEmpty();
    }

    @Test
    void whatNobodyCountsMustNot() {
        assertThat(violations(new Footprint(115 * MIB, 21 * MIB, 400 * MIB, 150, 70)))
                .singleElement()
                .asString()
                .contains("e1 held heap 15.0 MiB", "and now heap 115.0 MiB with 21.0 MiB of registry");
        assertThat(violations(new Footprint(64 * MIB, MIB / 2, 210 * MIB, 140, 60)))
                .as("a registry that became smaller")
                .hasSize(1);
    }

    @Test
    void connectionsThreadsAndMemoryMustGo() {
        assertThat(violations(new Footprint(15 * MIB, MIB, 210 * MIB, 440, 60))).hasSize(1);
        assertThat(violations(new Footprint(15 * MIB, MIB, 210 * MIB, 140, 160)))
                .hasSize(1);
        assertThat(violations(new Footprint(15 * MIB, MIB, 700 * MIB, 140, 60))).hasSize(1);
    }
}
