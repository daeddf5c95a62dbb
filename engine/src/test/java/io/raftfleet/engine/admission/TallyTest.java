package io.raftfleet.engine.admission;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class TallyTest {
    private final Tally strangers = new Tally(CallKind.JOIN.usual());

    private int taken(Tally tally, String address, int connections, int calls) {
        int taken = 0;
        for (int connection = 0; connection < connections; connection++) {
            for (int call = 0; call < calls; call++) {
                if (tally.tryTake(new Peer(address, address + "#" + connection, false)) == null) {
                    taken++;
                }
            }
        }
        return taken;
    }

    @Test
    void noAddressTakesAllPlacesHoweverManyConnectionsItOpens() {
        for (CallKind kind : CallKind.values()) {
            var limit = kind.usual();
            var tally = new Tally(limit);
            taken(tally, "10.0.0.1", 2 * limit.total(), 8);
            assertThat(tally.tryTake(new Peer("10.0.0.2", "b", false)))
                    .describedAs("why another address's call of kind %s is refused", kind)
                    .isNull();
        }
    }

    @Test
    void aBusyClientLeavesItsNeighboursAFewEach() {
        var tally = new Tally(new CallLimit(64, 32, 32));
        assertThat(taken(tally, "10.0.0.1", 1, 40)).isEqualTo(32);
        assertThat(tally.tryTake(new Peer("10.0.0.1", "neighbour", false))).isNull();
    }

    @Test
    void whatOneAddressFloodsAnEngineWithLeavesOthersRoomOnTheWayToTheLeader() {
        for (CallKind kind : List.of(CallKind.CALL, CallKind.OPERATOR, CallKind.JOIN, CallKind.RENEW)) {
            var limit = kind.usual();
            var follower = new Tally(limit);
            var leader = new Tally(limit);
            var passing = new Peer("engine/e2", "10.0.0.9#0", true);
            for (int i = taken(follower, "10.0.0.1", 2 * limit.total(), 8); i > 0; i--) {
                assertThat(leader.tryTake(passing)).isNull();
            }
            assertThat(leader.tryTake(passing))
                    .describedAs("why another client's call of kind %s is not passed on", kind)
                    .isNull();
            while (leader.tryTake(passing) == null) {
                assertThat(leader.underWay()).isLessThan(limit.total());
            }
            assertThat(leader.tryTake(new Peer("10.0.0.2", "b", false))).isNull();
        }
    }

    @Test
    void strangersOfOneAddressHaveWhatTheirAddressMayHaveAndALittle() {
        assertThat(taken(strangers, "10.0.0.1", 8, 8)).isBetween(32, 48);
    }
}
