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
 * @param reason what it is a part of, for its event; empty when somebody asked for just this
 */
public record Submission(
        String name, UnitFile file, @Nullable UnitSource source, Requirements wants, String by, String reason) {
    /** Asked for by itself. */
    public Submission(String name, UnitFile file, @Nullable UnitSource source, Requirements wants, String by) {
        this(name, file, source, wants, by, "");
    }

    /** Of options alone. */
    public Submission(String name, UnitFile file, Requirements wants, String by) {
        this(name, file, null, wants, by);
    }
}
