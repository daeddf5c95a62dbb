package io.raftfleet.bench.result;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class DistributionTest {
    @Test
    void percentilesAreThoseOfTheTimes() {
        var times = LongStream.rangeClosed(1, 1000)
                .map(ms -> ms * 1_000_000)
                .boxed()
                .toList();
        var distribution = Distribution.of("x", Distribution.histogram(times));
        assertThat(distribution.count()).isEqualTo(1000);
        assertThat(distribution.p50()).isCloseTo(500, within(1.0));
        assertThat(distribution.p99()).isCloseTo(990, within(1.0));
        assertThat(distribution.max()).isCloseTo(1000, within(1.0));
    }

    @Test
    void everyTimeIsInOneBin() {
        var times = LongStream.rangeClosed(1, 5000).map(i -> i * 31_250).boxed().toList();
        var distribution = Distribution.of("x", Distribution.histogram(times));
        assertThat(distribution.bins().stream().mapToLong(Bin::count).sum()).isEqualTo(5000);
        assertThat(distribution.bins()).allMatch(bin -> bin.count() >= 0);
        assertThat(distribution.bins().getFirst().fromMillis()).isZero();
        for (int i = 1; i < distribution.bins().size(); i++) {
            assertThat(distribution.bins().get(i).fromMillis())
                    .isEqualTo(distribution.bins().get(i - 1).toMillis());
        }
    }

    @Test
    void aTimeBeyondTheRangeCountsAsItsEnd() {
        assertThat(Distribution.of("x", Distribution.histogram(List.of(Long.MAX_VALUE, -5L)))
                        .count())
                .isEqualTo(2);
    }

    @Test
    void noTimesHaveNoBins() {
        assertThat(Distribution.of("x", Distribution.histogram()).bins()).isEmpty();
    }
}
