package io.raftfleet.fleetctl;

import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code verify}: fleet has taken signed units out, and kept the command to say so. */
@Command(name = "verify", abbreviateSynopsis = true, description = "DEPRECATED - No longer works")
final class VerifyCommand extends FleetCommand {
    @Parameters(paramLabel = "UNIT", arity = "0..*")
    @Nullable
    List<String> units;

    VerifyCommand(Session session) {
        super(session);
    }

    @Override
    public Integer call() {
        session.err("WARNING: The signed/verified units feature is DEPRECATED and cannot be used.");
        return 2;
    }
}
