/**
 * The unit-file vocabulary: parsing, serialising, hashes, names, requirements. Pure functions, no I/O.
 *
 * <p>{@link io.raftfleet.unit.UnitFile} reads what systemd reads and writes as go-systemd does, so that files which both read alike
 * get the hash that fleet shows. {@link io.raftfleet.unit.UnitName} knows names, templates and instances,
 * {@link io.raftfleet.unit.Requirements} what a unit asks of its machine, {@link io.raftfleet.unit.Glob} Go's
 * {@code path.Match}; {@link io.raftfleet.unit.Units} decides what may be submitted at all.
 *
 * <p>Everything that a user can get wrong ends in a checked {@link io.raftfleet.unit.InvalidUnitException} that names
 * the unit, the field and the reason. Inputs of any size and content are read in time linear in their size.
 */
@NullMarked
package io.raftfleet.unit;

import org.jspecify.annotations.NullMarked;
