package io.raftfleet.bench.result;

import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.Histogram;

/**
 * How long something took, many times.
 *
 * @param what it was
 * @param count how often
 * @param p50 in milliseconds, as the others
 * @param bins for a plot: each twice as wide as the one before
 */
public record Distribution(
        String what, long count, double p50, double p90, double p99, double p999, double max, List<Bin> bins) {
    /** The longest time that is told apart from longer ones: an hour. */
    private static final long LONGEST = 3_600_000_000_000L;

    private static final int DIGITS = 3;
    /** Where the first bin ends, in nanoseconds: 1/16 ms. */
    private static final long FIRST_BIN = 62_500;

    public Distribution {
        bins = List.copyOf(bins);
    }

    /** An empty histogram of nanoseconds, exact to three digits. */
    public static Histogram histogram() {
        return new Histogram(1, LONGEST, DIGITS);
    }

    /** A histogram of these. */
    public static Histogram histogram(Iterable<Long> nanos) {
        var histogram = histogram();
        nanos.forEach(value -> record(histogram, value));
        return histogram;
    }

    /** Notes a time, in nanoseconds; one beyond the range counts as its end. */
    public static void record(Histogram histogram, long nanos) {
        histogram.recordValue(Math.clamp(nanos, 0, LONGEST));
    }

    /** What a histogram of nanoseconds holds. */
    public static Distribution of(String what, Histogram histogram) {
        return new Distribution(
                what,
                histogram.getTotalCount(),
                millis(histogram, 50),
                millis(histogram, 90),
                millis(histogram, 99),
                millis(histogram, 99.9),
                histogram.getMaxValue() / 1e6,
                bins(histogram));
    }

    /** A percentile of a histogram of nanoseconds, in milliseconds. */
    public static double millis(Histogram histogram, double percent) {
        return histogram.getValueAtPercentile(percent) / 1e6;
    }

    private static List<Bin> bins(Histogram histogram) {
        var bins = new ArrayList<Bin>();
        if (histogram.getTotalCount() == 0) {
            return bins;
        }
        long from = 0;
        for (long to = FIRST_BIN; from <= histogram.getMaxValue(); to *= 2) {
            long count = histogram.getCountBetweenValues(from, to - 1);
            // A value at the border counts for both, as they are of the same step of the histogram.
            long before =
                    from == 0 || !histogram.valuesAreEquivalent(from, from - 1) ? 0 : histogram.getCountAtValue(from);
            if (count > before || !bins.isEmpty()) {
                bins.add(new Bin(from / 1e6, to / 1e6, count - before));
            }
            from = to;
        }
        return bins;
    }
}
