package io.raftfleet.fleetctl;

import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;

/**
 * What all commands have: the session, how they are called, and help. The result of {@link #call} is the exit code: 0 done, 1 error, 2 usage.
 */
abstract class FleetCommand implements Callable<Integer> {
    final Session session;

    /** What picocli knows of it; complete once {@link #described} was called. */
    final CommandSpec spec = Syntax.of(this);

    FleetCommand(Session session) {
        this.session = session;
    }

    /** Says so when there is no argument; fleet's exit code is 0 then. */
    boolean nothingGiven(@Nullable List<String> units) {
        if (units == null || units.isEmpty()) {
            session.err("No units given");
            return true;
        }
        return false;
    }

    /** Says what it is called and what it takes. */
    abstract void describe(Syntax syntax);

    /** Its command line; to be called once. */
    final CommandSpec described() {
        var syntax = new Syntax(spec);
        syntax.add(Syntax.help());
        describe(syntax);
        return spec;
    }
}
