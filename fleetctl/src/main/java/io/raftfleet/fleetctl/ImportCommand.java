package io.raftfleet.fleetctl;

import io.raftfleet.client.Endpoint;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.ParameterException;

/** {@code import}: copies what a running fleet has into this cluster. */
final class ImportCommand extends FleetCommand {
    String from = "";

    boolean dryRun;

    boolean adopt;

    ImportCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "import",
                "Copy units, desired states and dynamic metadata from a running fleet",
                "",
                "Reads fleet's HTTP API; changes nothing there. What this cluster has already is never changed, so it may be run again: once"
                        + " nothing is left to be taken over it returns 0. docs/migration.md tells the whole way.");
        syntax.add(Syntax.value(String.class, given -> from = given, "--from")
                .required(true)
                .paramLabel("URL")
                .description("fleet's API: http://HOST:PORT, https://HOST:PORT or unix:///PATH."));
        syntax.add(Syntax.flag(given -> dryRun = given, "--dry-run")
                .description("Change nothing; say what would be done, and what can't be."));
        syntax.add(Syntax.flag(given -> adopt = given, "--adopt")
                .description(
                        "Take over units where they run: on machines whose raftfleet agent uses fleet's units_directory, beside fleet's"
                                + " agent. Nothing is restarted."));
    }

    @Override
    public Integer call() {
        try (FleetClient fleet = session.client(source())) {
            FleetSource source;
            try {
                source = FleetSource.read(fleet);
            } catch (FleetClientException e) {
                throw new CommandException("Error reading fleet at " + from + ": " + reason(e), e);
            }
            try {
                return new Importer(session, source, dryRun, adopt).run() ? 0 : 1;
            } catch (FleetClientException e) {
                throw new CommandException("Error importing: " + e.getMessage(), e);
            }
        }
    }

    /** What can't be reached is fleet here, not an engine of the cluster. */
    private static String reason(FleetClientException e) {
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof IOException) {
                return cause.getMessage() + ". Is a fleetd up there, and does --from name its API?";
            }
        }
        return String.valueOf(e.getMessage());
    }

    private List<Endpoint> source() {
        try {
            Endpoint endpoint = Endpoint.parse(from);
            if (endpoint.kind() != Endpoint.Kind.GRPC) {
                return List.of(endpoint);
            }
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "--from: " + e.getMessage(), e);
        }
        throw new ParameterException(
                spec.commandLine(),
                "--from " + from + " is no HTTP API: give http://HOST:PORT, https://HOST:PORT or unix:///PATH");
    }
}
