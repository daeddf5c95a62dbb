package io.raftfleet.state.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SilentFollowersTest {
    private static final long SILENT = SilentFollowers.SILENCE.toMillis();

    private long now = Duration.ofDays(1).toNanos();
    private final List<String> connected = new ArrayList<>();
    private final SilentFollowers followers = new SilentFollowers(() -> null, new LeadershipConfirmation(), () -> now);

    private void look(Map<String, Long> sinceAnswers) {
        followers.look(sinceAnswers, id -> connected.add(id.toString()));
    }

    @Test
    void whoAnswersKeepsItsConnection() {
        look(Map.of("e2", 10L, "e3", SILENT - 1));
        assertThat(connected).isEmpty();
    }

    @Test
    void whoIsSilentIsConnectedAnewOnceInAWhileForAsLongAsItIs() {
        look(Map.of("e2", SILENT, "e3", 0L));
        look(Map.of("e2", SILENT + 100, "e3", 0L));
        assertThat(connected).containsExactly("e2");

        now += SilentFollowers.SILENCE.toNanos();
        look(Map.of("e2", 2 * SILENT, "e3", 0L));
        assertThat(connected).containsExactly("e2", "e2");

        look(Map.of("e2", 0L, "e3", 0L));
        look(Map.of("e2", SILENT, "e3", 0L));
        assertThat(connected).as("a silence of its own").containsExactly("e2", "e2", "e2");
    }

    @Test
    void whoIsNoMemberAnyMoreIsForgotten() {
        look(Map.of("e2", SILENT));
        look(Map.of());
        look(Map.of("e2", SILENT));
        assertThat(connected).containsExactly("e2", "e2");
    }
}
