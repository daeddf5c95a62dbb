package io.raftfleet.bench.result;

/**
 * How many values fell into a range.
 *
 * @param fromMillis its begin, inclusive
 * @param toMillis its end, exclusive
 * @param count how many
 */
public record Bin(double fromMillis, double toMillis, long count) {}
