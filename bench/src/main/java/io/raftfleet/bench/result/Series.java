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
}
