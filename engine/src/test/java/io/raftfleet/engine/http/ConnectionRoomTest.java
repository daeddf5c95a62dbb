package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.Channel;
import io.netty.channel.embedded.EmbeddedChannel;
import io.raftfleet.engine.http.ConnectionClock.Phase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ConnectionRoomTest {
    private static final int PLACES = 4;
    private static final HttpSettings SETTINGS = HttpSettings.of("127.0.0.1", 0, Optional.empty(), "test");

    /** By how much the room's clock is ahead, in nanoseconds. */
    private long later;

    private final ConnectionRoom room = new ConnectionRoom("the port", PLACES, () -> System.nanoTime() + later);
    private final List<Channel> inside = new ArrayList<>();

    private boolean enter(int host, Phase phase) {
        var connection = new EmbeddedChannel();
        var clock = new ConnectionClock(SETTINGS);
        clock.enter(phase);
        inside.add(connection);
        return room.enter(connection, "10.0.0." + host, clock);
    }

    private List<Boolean> open() {
        return inside.stream().map(Channel::isOpen).toList();
    }

    @Test
    void aNewcomerGetsThePlaceOfTheLongestIdleOneOfTheAddressWithTheMost() {
        enter(2, Phase.IDLE);
        enter(1, Phase.ANSWERING);
        enter(1, Phase.IDLE);
        enter(1, Phase.IDLE);
        assertThat(enter(3, Phase.IDLE)).isTrue();
        assertThat(open()).containsExactly(true, true, false, true, true);
    }

    @Test
    void whoOpensConnectionsWithoutEndClosesItsOwn() {
        enter(2, Phase.IDLE);
        for (int i = 0; i < 3 * PLACES; i++) {
            assertThat(enter(1, Phase.IDLE)).isTrue();
        }
        assertThat(inside.getFirst().isOpen()).isTrue();
        assertThat(inside.stream().filter(Channel::isOpen)).hasSize(PLACES);
    }

    @Test
    void idleOnesGoBeforeThoseThatSendARequest() {
        enter(1, Phase.RECEIVING);
        enter(1, Phase.RECEIVING);
        enter(1, Phase.IDLE);
        enter(1, Phase.RECEIVING);
        assertThat(enter(1, Phase.IDLE)).isTrue();
        assertThat(open()).containsExactly(true, true, false, true, true);
    }

    @Test
    void thoseThatDribbleGoOldestFirst() {
        for (int i = 0; i < PLACES; i++) {
            enter(1, Phase.RECEIVING);
        }
        assertThat(enter(2, Phase.IDLE)).isTrue();
        assertThat(open()).containsExactly(false, true, true, true, true);
    }

    @Test
    void whatIsAnsweredIsLeftAlone() {
        for (int i = 0; i < PLACES; i++) {
            enter(1 + i % 2, i < 2 ? Phase.ANSWERING : Phase.SENDING);
        }
        assertThat(enter(3, Phase.IDLE)).isFalse();
        assertThat(inside.subList(0, PLACES)).allMatch(Channel::isOpen);
    }

    @Test
    void whatIsAnsweredGoesWhenItsAddressHasMoreThanHalf() {
        enter(2, Phase.IDLE);
        for (int i = 1; i < PLACES; i++) {
            enter(1, Phase.ANSWERING);
        }
        assertThat(enter(3, Phase.IDLE)).isTrue();
        assertThat(open()).containsExactly(true, false, true, true, true);
        assertThat(enter(4, Phase.ANSWERING)).as("half is left alone").isTrue();
        assertThat(open()).startsWith(false, false, true, true);
    }

    @Test
    void noAddressTakesAnAnswerFromItself() {
        for (int i = 0; i < PLACES; i++) {
            enter(1, Phase.ANSWERING);
        }
        assertThat(enter(1, Phase.IDLE)).isFalse();
        assertThat(inside.subList(0, PLACES)).allMatch(Channel::isOpen);
    }

    @Test
    void whatLingersGoesFirst() {
        enter(1, Phase.IDLE);
        enter(1, Phase.RECEIVING);
        enter(1, Phase.LINGERING);
        enter(1, Phase.IDLE);
        assertThat(enter(1, Phase.IDLE)).isTrue();
        assertThat(open()).containsExactly(true, true, false, true, true);
    }

    @Test
    void whoTakesItsAnswerSlowlyGoesAsWhoSendsSlowly() {
        for (int i = 0; i < PLACES; i++) {
            enter(1 + i % 2, i == 2 ? Phase.SENDING : Phase.ANSWERING);
        }
        assertThat(enter(3, Phase.IDLE)).isFalse();
        later = Duration.ofSeconds(2).toNanos();
        assertThat(enter(3, Phase.IDLE)).isTrue();
        assertThat(inside.get(2).isOpen()).isFalse();
    }

    @Test
    void aClosedOneLeavesItsPlace() {
        for (int i = 0; i < PLACES; i++) {
            enter(1, Phase.ANSWERING);
        }
        inside.get(1).close().syncUninterruptibly();
        assertThat(enter(1, Phase.ANSWERING)).isTrue();
        assertThat(enter(1, Phase.ANSWERING)).isFalse();
    }
}
