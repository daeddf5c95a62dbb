package io.raftfleet.chaos.fault;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Whom a cut excuses, and whom it does not. */
class CutsTest {
    private static List<String> touched(Map<String, List<String>> cut) {
        return Cuts.touched(List.of("e1", "e2", "e3"), List.of("a1", "a2"), cut);
    }

    @Test
    void agentsGoToTheMajorityWhenOneEngineIsCutOff() {
        assertThat(touched(Map.of("e1", List.of("e2", "e3", "a1", "a2")))).containsExactly("e1");
    }

    @Test
    void anAgentOnTheSideOfTheMinorityIsAway() {
        assertThat(touched(Map.of("e1", List.of("e2", "e3", "a2"), "a1", List.of("e2", "e3", "a2"))))
                .containsExactly("e1", "a1");
    }

    @Test
    void twoEnginesThatShareAThirdMayBothLead() {
        assertThat(touched(Map.of("e1", List.of("e2")))).isEmpty();
        assertThat(touched(Map.of("e1", List.of("e2"), "a1", List.of("e2")))).containsExactly("a1");
    }

    @Test
    void oneDeafDirectionIsEnough() {
        assertThat(touched(Map.of("a2", List.of("e3")))).containsExactly("a2");
        assertThat(touched(Map.of("e3", List.of("a2")))).containsExactly("a2");
    }

    @Test
    void agentsNeedNotHearEachOtherNorEtcd() {
        assertThat(touched(Map.of("a1", List.of("a2", "etcd"), "etcd", List.of("e1", "e2", "e3"))))
                .isEmpty();
    }
}
