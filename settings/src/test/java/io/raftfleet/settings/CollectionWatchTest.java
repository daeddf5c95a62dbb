package io.raftfleet.settings;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;

class CollectionWatchTest {
    /** Looks every {@code stepMs} for {@code seconds}; returns when it first has enough, in seconds, or -1. */
    private static long endsAfter(long seconds, long stepMs, LongUnaryOperator collectedMs) {
        var watch = new CollectionWatch();
        for (long at = 0; at <= seconds * 1000; at += stepMs) {
            if (watch.look(
                    Long.MAX_VALUE - 5_000_000_000L + TimeUnit.MILLISECONDS.toNanos(at),
                    TimeUnit.MILLISECONDS.toNanos(collectedMs.applyAsLong(at)))) {
                return at / 1000;
            }
        }
        return -1;
    }

    @Test
    void aProcessThatOnlyCollectsEndsAfterTheWindow() {
        assertThat(endsAfter(120, 1000, at -> at * 9 / 10)).isEqualTo(30);
    }

    @Test
    void longCollectionsMakeItLookLateAndItStillSees() {
        assertThat(endsAfter(120, 7000, at -> at)).isBetween(30L, 42L);
    }

    @Test
    void aProcessThatWorksGoesOn() {
        assertThat(endsAfter(600, 1000, at -> at / 2)).isEqualTo(-1);
    }

    @Test
    void aBusyWhileIsForgiven() {
        assertThat(endsAfter(600, 1000, at -> Math.min(at, 20_000))).isEqualTo(-1);
    }

    @Test
    void itSeesAlsoWhatComesLater() {
        assertThat(endsAfter(600, 1000, at -> Math.max(0, at - 300_000))).isBetween(320L, 330L);
    }
}
