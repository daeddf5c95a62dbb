package io.raftfleet.agent.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.agent.loop.VirtualLoop;
import io.raftfleet.proto.agent.FindLeaderResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class AbsenceTest {
    private static final List<String> ENGINES = List.of("10.0.0.1:14201", "10.0.0.2:14201");

    private final VirtualLoop loop = new VirtualLoop();
    private final Lease lease = new Lease();
    private final List<String> said = new ArrayList<>();
    private final Absence absence = new Absence(loop, lease, said::add);

    @Test
    void anAbsenceIsToldOnceItLastsAndThenOnceAMinuteUntilItEnds() {
        lease.opened(Duration.ofSeconds(30));
        lease.acknowledged(lease.sending(loop.nanoTime()));
        absence.begins(Duration.ZERO);
        absence.heard(List.of(), ENGINES);
        loop.advance(Duration.ofSeconds(9));
        assertThat(said).as("a change of leaders takes less").isEmpty();

        loop.advance(Duration.ofSeconds(1));
        assertThat(said)
                .containsExactly("no word from a leader for 10 s: of [10.0.0.1:14201, 10.0.0.2:14201] none answers."
                        + " Units run on; its lease lasts 20 s yet");
        loop.advance(Duration.ofMinutes(10));
        assertThat(said).hasSize(11);
        assertThat(said.get(1)).contains("for 70 s", "its lease has been over for 40 s", "Fence=true");

        assertThat(absence.ends()).hasValue(Duration.ofSeconds(610));
        loop.advance(Duration.ofMinutes(10));
        assertThat(said).hasSize(11);
        absence.begins(Duration.ZERO);
        loop.advance(Duration.ofSeconds(10));
        assertThat(said.getLast()).startsWith("no word from a leader for 10 s");
    }

    @Test
    void aSilenceCountsFromWhatWasHeardLastAndALossInItChangesNothing() {
        absence.begins(Duration.ofSeconds(4));
        absence.heard(List.of(answer("10.0.0.2:14201", "10.0.0.1:14201")), ENGINES);
        loop.advance(Duration.ofSeconds(5));
        absence.begins(Duration.ZERO);
        assertThat(said).isEmpty();

        loop.advance(Duration.ofSeconds(1));

        assertThat(said)
                .singleElement()
                .asString()
                .startsWith("no word from a leader for 10 s: [10.0.0.2:14201] of " + ENGINES
                        + " answer, and say that 10.0.0.1:14201 leads, which says nothing here. Units run on");
        assertThat(absence.ends()).hasValue(Duration.ofSeconds(10));
        assertThat(absence.ends()).as("nothing was said since").isEmpty();
    }

    @Test
    void aLongSilenceIsToldWithWhatTheEnginesThatWereAskedInItSay() {
        absence.begins(Duration.ofSeconds(12));
        loop.advance(Duration.ofSeconds(1));
        assertThat(said).as("before they have answered").isEmpty();
        absence.heard(List.of(), ENGINES);
        loop.advance(Duration.ofSeconds(1));
        assertThat(said).singleElement().asString().startsWith("no word from a leader for 14 s: of " + ENGINES);
    }

    @Test
    void aSilenceThatIsOverSoonIsNotSpokenOf() {
        absence.begins(Duration.ofSeconds(2));
        loop.advance(Duration.ofSeconds(3));
        assertThat(absence.ends()).isEmpty();
        loop.advance(Duration.ofMinutes(5));
        assertThat(said).isEmpty();
    }

    private static LeaderFinder.Answer answer(String address, String leader) {
        return new LeaderFinder.Answer(
                address, FindLeaderResponse.newBuilder().setLeaderGrpc(leader).build());
    }
}
