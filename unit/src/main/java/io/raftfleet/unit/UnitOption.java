package io.raftfleet.unit;

/**
 * One {@code Name=Value} line of a unit file.
 *
 * @param section the section that it stands in, without brackets
 * @param name the part before the first {@code =}
 * @param value the part after it; lines that were continued keep their backslashes and newlines
 */
public record UnitOption(String section, String name, String value) {}
