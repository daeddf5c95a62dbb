package io.raftfleet.bench.result;

import org.jspecify.annotations.Nullable;

/**
 * One figure.
 *
 * @param what was measured
 * @param figure its value, in {@code unit}
 * @param unit such as "ms"
 * @param against what it is compared with: "limit", or a peer's name; null for a figure that stands alone
 * @param other the limit, or the peer's figure, in {@code unit}
 * @param ratio {@code figure} by {@code other}
 * @param met whether it is as good as it has to be; null where nothing is asked
 */
public record Row(
        String what,
        double figure,
        String unit,
        @Nullable String against,
        @Nullable Double other,
        @Nullable Double ratio,
        @Nullable Boolean met) {
    /** A figure that stands alone. */
    public static Row of(String what, double figure, String unit) {
        return new Row(what, figure, unit, null, null, null, null);
    }

    /** A figure that is to be at most so much. */
    public static Row atMost(String what, double figure, String unit, double limit) {
        return new Row(what, figure, unit, "limit", limit, ratio(figure, limit), figure <= limit);
    }

    /** A figure beside that of a peer, in the same run. */
    public static Row beside(String what, double figure, String unit, String peer, double other) {
        return new Row(what, figure, unit, peer, other, ratio(figure, other), null);
    }

    /** As {@link #beside}; the figure is to be at most so many times the peer's. */
    public static Row beside(String what, double figure, String unit, String peer, double other, double mostTimes) {
        return new Row(what, figure, unit, peer, other, ratio(figure, other), figure <= other * mostTimes);
    }

    private static @Nullable Double ratio(double figure, double other) {
        return other == 0 ? null : figure / other;
    }
}
