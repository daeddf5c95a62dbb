package io.raftfleet.engine.mirror;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SyncWritesTest {
    /** etcd's share of a call's deadline leaves time for the answer that etcd took too long. */
    @ParameterizedTest
    @CsvSource({"10000, 3000", "3100, 3000", "1450, 1350", "120, 60", "0, 1", "-5, 1"})
    void etcdGetsLessThanTheCaller(long leftMs, long patienceMs) {
        assertThat(SyncWrites.patience(Duration.ofMillis(leftMs).toNanos())).isEqualTo(Duration.ofMillis(patienceMs));
    }
}
