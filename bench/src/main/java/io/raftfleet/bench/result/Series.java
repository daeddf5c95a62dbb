package io.raftfleet.bench.result;

import java.util.List;

/**
 * A figure over time.
 *
 * @param what it is
 * @param unit of its values
 * @param points in the order of time
 */
public record Series(String what, String unit, List<Point> points) {
    /** @param seconds since the measuring began */
    public record Point(double seconds, double value) {}

    public Series {
        points = List.copyOf(points);
    }

    /** The value at a time: that of the last point until then; before the first one its own; 0 when there is none. */
    public double at(double seconds) {
        double value = points.isEmpty() ? 0 : points.getFirst().value();
        for (var point : points) {
            if (point.seconds() > seconds) {
                break;
            }
            value = point.value();
        }
        return value;
    }
}
