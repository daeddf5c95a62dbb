package io.raftfleet.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ChainsTest {
    @Test
    void chainsAreOfThreeToFiveUnits() {
        var chains = Chains.chained("c", 14);
        assertThat(chains.stream().map(List::size)).containsExactly(3, 4, 5, 2);
    }

    @Test
    void eachUnitIsBoundToTheOneBefore() {
        var chain = Chains.chained("c", 3).getFirst();
        assertThat(chain.getFirst().getText()).doesNotContain("MachineOf");
        assertThat(chain.get(2).getText())
                .contains("After=c1.service\n", "BindsTo=c1.service\n", "[X-Fleet]\nMachineOf=c1.service\n");
    }

    @Test
    void singleUnitsNeedNothing() {
        assertThat(Chains.single("s", 3)).allMatch(chain -> chain.size() == 1);
    }
}
