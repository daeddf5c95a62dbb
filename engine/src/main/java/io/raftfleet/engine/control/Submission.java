package io.raftfleet.engine.control;

import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitSource;
import org.jspecify.annotations.Nullable;

/**
 * A unit as it is to be in the registry.
 *
 * @param source the file as it was submitted; null when that is what {@code file} is, or is not kept
 * @param wants what the file asks of machines
 * @param by who submits it, as {@code Unit.changed_by} has it; empty for nobody
 */
public record Submission(
        String name, UnitFile file, @Nullable UnitSource source, Requirements wants, String by) {
    /** Of options alone. */
    public Submission(String name, UnitFile file, Requirements wants, String by) {
        this(name, file, null, wants, by);
    }
}
