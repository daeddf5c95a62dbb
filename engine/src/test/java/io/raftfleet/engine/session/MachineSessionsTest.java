package io.raftfleet.engine.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.raftfleet.engine.session.MachineSessions.Agent;
import io.raftfleet.engine.session.MachineSessions.Claim;
import io.raftfleet.engine.session.MachineSessions.Present;
import io.raftfleet.engine.session.MachineSessions.Silent;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Test;

class MachineSessionsTest {
    private static final long SECOND = 1_000_000_000L;
    private static final Agent AGENT = new Agent(1, "10.0.0.1");
    private static final Agent RESTARTED = new Agent(2, "10.0.0.1");
    private static final Agent OTHER = new Agent(3, "10.0.0.3");

    private final MachineSessions<String> machines = new MachineSessions<>(Duration.ofSeconds(30));

    @Test
    void aNewLeaderGivesEveryMachineOneFullTtl() {
        begin(Map.of("m1", 1L, "m2", 1L), 100 * SECOND);
        assertThat(silent(130 * SECOND - 1, 10)).isEmpty();
        assertThat(silent(130 * SECOND, 10))
                .extracting(Silent::machineId, Silent::everHeard)
                .containsExactlyInAnyOrder(tuple("m1", false), tuple("m2", false));
    }

    @Test
    void whoIsHeardIsNotLost() {
        begin(Map.of("m1", 1L, "m2", 1L), 0);
        open("m1", "s", 2, 0);
        assertThat(machines.heard("m1", "s", 20 * SECOND)).isTrue();
        assertThat(lost(30 * SECOND)).containsExactly("m2");
        machines.lost("m2");
        assertThat(lost(49 * SECOND)).isEmpty();
        assertThat(lost(50 * SECOND)).containsExactly("m1");
        machines.lost("m1");
        assertThat(lost(500 * SECOND)).as("given up once").isEmpty();
    }

    @Test
    void lossesAreLimited() {
        begin(Map.of("m1", 1L, "m2", 1L, "m3", 1L), 0);
        assertThat(silent(31 * SECOND, 2)).hasSize(2);
        assertThat(silent(31 * SECOND, 2)).hasSize(1);
    }

    @Test
    void aLossThatTheQueueRefusesIsOfferedUntilItIsTaken() {
        begin(Map.of("m1", 1L), 0);
        var offers = new AtomicInteger();
        for (long now = 30 * SECOND; now < 40 * SECOND; now += SECOND) {
            for (var silent : silent(now, 10)) {
                offers.incrementAndGet();
                assertThat(machines.lose(silent, now, (id, epoch) -> false).queued())
                        .isFalse();
            }
        }
        assertThat(offers).hasValue(10);
        assertThat(lost(40 * SECOND)).containsExactly("m1");
        assertThat(lost(41 * SECOND)).isEmpty();
        machines.lost("m1");
        assertThat(machines.size()).isZero();
    }

    @Test
    void aMachineHeardWhileTheQueueIsFullStays() {
        open("m1", "s", 1, 0);
        var silent = silent(30 * SECOND, 10).getFirst();
        assertThat(machines.lose(silent, 30 * SECOND, (id, epoch) -> false).queued())
                .isFalse();
        assertThat(machines.heard("m1", "s", 31 * SECOND)).isTrue();
        assertThat(silent(60 * SECOND, 10)).isEmpty();
        assertThat(silent(61 * SECOND, 10)).hasSize(1);
    }

    @Test
    void aMachineHeardBetweenTheLookAndTheLossStays() {
        open("m1", "s", 1, 0);
        var silent = silent(30 * SECOND, 10).getFirst();
        machines.heard("m1", "s", 30 * SECOND + 1);
        assertThat(machines.lose(silent, 30 * SECOND + 2, (id, epoch) -> true).queued())
                .isFalse();
        assertThat(machines.open("m1")).isEqualTo("s");
    }

    @Test
    void aLossThatComesToNothingIsOfferedAgain() {
        begin(Map.of("m1", 1L), 0);
        assertThat(lost(30 * SECOND)).containsExactly("m1");
        assertThat(lost(59 * SECOND)).isEmpty();
        assertThat(lost(60 * SECOND)).containsExactly("m1");
    }

    @Test
    void whoWasGivenUpIsHeardAgainOnlyInAnotherSession() {
        open("m1", "s", 7, 0);
        var silent = silent(30 * SECOND, 10).getFirst();
        assertThat(machines.lose(silent, 30 * SECOND, (id, epoch) -> true).over())
                .isEqualTo("s");
        assertThat(machines.heard("m1", "s", 31 * SECOND)).isFalse();
        claim("m1", AGENT, "t");
        machines.lost("m1");
        assertThat(machines.session("m1"))
                .as("the loss is of the other session")
                .isEqualTo("t");
        machines.present("m1", new Present(8, AGENT), 32 * SECOND);
        assertThat(machines.opened("m1", "t", 8)).isTrue();
        assertThat(machines.heard("m1", "t", 33 * SECOND)).isTrue();
        assertThat(lost(62 * SECOND)).isEmpty();
        assertThat(lost(63 * SECOND)).containsExactly("m1");
    }

    @Test
    void aSessionOpenedBeforeTheLossIsDecidedOutlivesIt() {
        open("m1", "s", 7, 0);
        assertThat(lost(30 * SECOND)).containsExactly("m1");
        claim("m1", AGENT, "t");
        machines.present("m1", new Present(8, AGENT), 31 * SECOND);
        assertThat(machines.opened("m1", "t", 8)).isTrue();
        assertThat(lost(60 * SECOND)).isEmpty();
    }

    @Test
    void aSessionThatIsOpenedTooLateIsOver() {
        begin(Map.of(), 0);
        claim("m1", AGENT, "s");
        machines.present("m1", new Present(1, AGENT), 0);
        assertThat(lost(30 * SECOND)).containsExactly("m1");
        assertThat(machines.opened("m1", "s", 1)).isFalse();
        machines.lost("m1");
        assertThat(machines.opened("m1", "s", 1)).isFalse();
    }

    @Test
    void anOpeningWhoseSessionIsGoneLeavesAMachineThatIsWaitedFor() {
        begin(Map.of(), 0);
        claim("m1", AGENT, "s");
        machines.ended("m1", "s");
        assertThat(machines.size()).isZero();
        machines.present("m1", new Present(1, AGENT), SECOND);
        assertThat(machines.opened("m1", "s", 1)).isFalse();
        assertThat(lost(31 * SECOND)).containsExactly("m1");
    }

    @Test
    void aLaterSessionOfTheSameAgentTakesThePlaceOfAnEarlierOne() {
        begin(Map.of(), 0);
        claim("m1", AGENT, "a");
        assertThat(claim("m1", AGENT, "b"))
                .isInstanceOfSatisfying(
                        Claim.Granted.class, g -> assertThat(g.displaced()).isEqualTo("a"));
        machines.ended("m1", "a");
        machines.present("m1", new Present(1, AGENT), 0);
        assertThat(machines.opened("m1", "a", 1)).isFalse();
        machines.present("m1", new Present(2, AGENT), 0);
        assertThat(machines.opened("m1", "b", 2)).isTrue();
        assertThat(machines.open("m1")).isEqualTo("b");
    }

    @Test
    void anotherAgentGetsTheMachineOnlyWhenTheFirstIsGone() {
        open("m1", "s", 1, 0);
        assertThat(claim("m1", RESTARTED, "t")).isEqualTo(new Claim.Held<String>("10.0.0.1"));
        machines.ended("m1", "s");
        assertThat(claim("m1", OTHER, "t")).as("may be alive elsewhere").isEqualTo(new Claim.Held<String>("10.0.0.1"));
        assertThat(claim("m1", RESTARTED, "t")).isInstanceOf(Claim.Granted.class);
        machines.ended("m1", "t");
        assertThat(lost(30 * SECOND)).containsExactly("m1");
        assertThat(claim("m1", OTHER, "u")).isEqualTo(new Claim.Held<String>("10.0.0.1"));
        machines.lost("m1");
        assertThat(claim("m1", OTHER, "u")).isInstanceOf(Claim.Granted.class);
    }

    @Test
    void withoutATermNobodyComesIn() {
        assertThat(claim("m1", AGENT, "s")).isInstanceOf(Claim.NotLeading.class);
        open("m1", "s", 1, 0);
        claim("m2", OTHER, "t");
        assertThat(machines.end()).containsExactlyInAnyOrder("s", "t");
        assertThat(claim("m1", AGENT, "u")).isInstanceOf(Claim.NotLeading.class);
        assertThat(machines.present("m1", new Present(9, AGENT), 0)).isNull();
        assertThat(machines.size()).isZero();
    }

    @Test
    void aRespiteIsAnotherTtlUnlessTheMachineWasHeardMeanwhile() {
        open("m1", "s", 1, 0);
        machines.respite(silent(30 * SECOND, 10), 30 * SECOND);
        assertThat(silent(59 * SECOND, 10)).isEmpty();
        assertThat(silent(60 * SECOND, 10))
                .extracting(Silent::machineId, Silent::everHeard)
                .containsExactly(tuple("m1", false));
        assertThat(machines.open("m1")).isEqualTo("s");
    }

    @Test
    void theClockMayWrap() {
        long almost = Long.MAX_VALUE - 5 * SECOND;
        open("m1", "s", 1, almost);
        assertThat(silent(almost + 29 * SECOND, 10)).isEmpty();
        assertThat(silent(almost + 30 * SECOND, 10)).hasSize(1);
    }

    @Test
    void aMachineThatMayRunFencedUnitsIsGivenTheTimeToStopThem() {
        open("m1", "s", 7, 0);
        machines.heard("m1", "s", 10 * SECOND);
        var asked = new AtomicInteger();
        ToLongFunction<String> extra = id -> {
            asked.incrementAndGet();
            return 12 * SECOND;
        };
        assertThat(machines.silent(39 * SECOND, 10, extra)).isEmpty();
        assertThat(asked).as("asked only when the TTL is over").hasValue(0);
        assertThat(machines.silent(40 * SECOND, 10, extra)).isEmpty();
        assertThat(machines.silent(51 * SECOND, 10, extra)).isEmpty();
        assertThat(asked).as("and not at every tick").hasValue(1);
        assertThat(machines.silent(52 * SECOND, 10, extra)).containsExactly(new Silent("m1", 7, true, 10 * SECOND));
    }

    @Test
    void aMachineHeardAfterItsTtlButBeforeItsUnitsCouldHaveStoppedStays() {
        open("m1", "s", 7, 0);
        assertThat(machines.silent(35 * SECOND, 10, id -> 12 * SECOND)).isEmpty();
        assertThat(machines.heard("m1", "s", 36 * SECOND)).isTrue();
        assertThat(silent(65 * SECOND, 10)).isEmpty();
        assertThat(silent(66 * SECOND, 10)).hasSize(1);
    }

    @Test
    void aMachineThatARestoredRegistrySpeaksOfIsExpectedForLonger() {
        begin(Map.of("m1", 0L, "m2", 0L), 0);
        assertThat(silent(269 * SECOND, 10)).isEmpty();
        claim("m1", OTHER, "s");
        machines.present("m1", new Present(1, OTHER), 270 * SECOND);
        assertThat(machines.opened("m1", "s", 1)).isTrue();
        assertThat(silent(299 * SECOND, 10)).isEmpty();
        assertThat(lost(300 * SECOND)).as("sooner than the grace").containsExactlyInAnyOrder("m1", "m2");
    }

    private void begin(Map<String, Long> epochs, long now) {
        var present = new HashMap<String, Present>();
        epochs.forEach((id, epoch) -> present.put(id, new Present(epoch, AGENT)));
        machines.begin(1, present, now);
    }

    private Claim<String> claim(String id, Agent agent, String session) {
        return machines.claim(id, agent, session, CompletableFuture::new);
    }

    /** Opens a session, in a term that begins for it if need be. */
    private void open(String id, String session, long epoch, long now) {
        if (machines.term() == 0) {
            begin(Map.of(), now);
        }
        assertThat(claim(id, AGENT, session)).isInstanceOf(Claim.Granted.class);
        machines.present(id, new Present(epoch, AGENT), now);
        assertThat(machines.opened(id, session, epoch)).isTrue();
    }

    private List<Silent> silent(long now, int limit) {
        return machines.silent(now, limit, id -> 0);
    }

    /** Has all machines that are silent declared lost; returns which. */
    private List<String> lost(long now) {
        return silent(now, 10).stream()
                .filter(silent ->
                        machines.lose(silent, now, (id, epoch) -> true).queued())
                .map(Silent::machineId)
                .toList();
    }
}
