package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class CallClockTest {
    @Test
    @DisplayName("work for a call that was cancelled, or is late, stops within so many looks at names")
    void workStops() throws Exception {
        var client = Context.current().withCancellation();
        var cancelled = client.call(() -> new CallClock(Duration.ofHours(1)));
        assertThat(looks(cancelled, 10 * CallClock.EVERY)).isEqualTo(10 * CallClock.EVERY);
        client.cancel(null);
        assertThat(looks(cancelled, 10 * CallClock.EVERY)).isLessThanOrEqualTo(CallClock.EVERY);
        assertThatThrownBy(cancelled::check)
                .isInstanceOf(StatusRuntimeException.class)
                .hasMessageContaining("CANCELLED");

        var late = new CallClock(Duration.ofHours(-1));
        assertThat(looks(late, 10 * CallClock.EVERY)).isLessThanOrEqualTo(CallClock.EVERY);
        assertThatThrownBy(late::check)
                .isInstanceOf(StatusRuntimeException.class)
                .hasMessageContaining("DEADLINE_EXCEEDED");
    }

    private static int looks(CallClock clock, int most) {
        int done = 0;
        try {
            for (; done < most; done++) {
                clock.check(1);
            }
        } catch (StatusRuntimeException e) {
            return done;
        }
        return done;
    }
}
