package io.raftfleet.unit;

/**
 * One {@code Name=Value} line of a unit file.
 *
 * @param section the section that it stands in, without brackets
 * @param name the part before the first {@code =}
 * @param value the part after it; of lines that were continued as they stand, with their backslashes, line breaks, and the
 *     comments between them
 */
public record UnitOption(String section, String name, String value) {}
