package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SharedRoomTest {
    private final SharedRoom room = new SharedRoom(100, 50);

    @Test
    void oneTakesItsShareAndLeavesTheRest() {
        assertThat(room.tryTake("a", 30)).isTrue();
        assertThat(room.tryTake("a", 21)).isFalse();
        assertThat(room.tryTake("a", 20)).isTrue();
        assertThat(room.tryTake("b", 50)).isTrue();
        assertThat(room.tryTake("c", 1)).isFalse();
        assertThat(room.used()).isEqualTo(100);
    }

    @Test
    void whatIsGivenBackIsThereAgain() {
        assertThat(room.tryTake("a", 50)).isTrue();
        room.giveBack("a", 10);
        room.giveBack("b", 0);
        assertThat(room.tryTake("a", 11)).isFalse();
        assertThat(room.tryTake("a", 10)).isTrue();
        room.giveBack("a", 50);
        assertThat(room.used()).isZero();
    }
}
