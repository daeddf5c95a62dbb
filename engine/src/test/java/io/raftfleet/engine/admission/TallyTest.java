package io.raftfleet.engine.admission;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import org.junit.jupiter.api.Test;

class TallyTest {
    private final Tally strangers = new Tally(CallKind.JOIN.usual());

    private int taken(Tally tally, String address, int connections, int calls) {
        int taken = 0;
        for (int connection = 0; connection < connections; connection++) {
            for (int call = 0; call < calls; call++) {
                if (tally.tryTake(new Peer(address, address + "#" + connection)) == null) {
                    taken++;
                }
            }
        }
        return taken;
    }

    @Test
    void noAddressTakesAllPlacesHoweverManyConnectionsItOpens() {
        // Uploads of logs are few because journals that are read are: an engine asked for each of them.
        for (CallKind kind : EnumSet.complementOf(EnumSet.of(CallKind.LOG_UPLOAD))) {
            var limit = kind.usual();
            var tally = new Tally(limit);
            taken(tally, "10.0.0.1", 2 * limit.total(), 8);
            assertThat(tally.tryTake(new Peer("10.0.0.2", "b")))
                    .describedAs("why another address's call of kind %s is refused", kind)
                    .isNull();
        }
    }

    @Test
    void aBusyClientLeavesItsNeighboursAFewEach() {
        var tally = new Tally(new CallLimit(64, 32, 32));
        assertThat(taken(tally, "10.0.0.1", 1, 40)).isEqualTo(32);
        assertThat(tally.tryTake(new Peer("10.0.0.1", "neighbour"))).isNull();
    }

    @Test
    void strangersOfOneAddressHaveWhatTheirAddressMayHaveAndALittle() {
        assertThat(taken(strangers, "10.0.0.1", 8, 8)).isBetween(32, 48);
    }
}
