package io.raftfleet.fleetctl;

import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.join.JoinedFiles;
import io.raftfleet.identity.join.Joining;
import io.raftfleet.identity.join.TokenInput;
import io.raftfleet.identity.join.UserContext;
import io.raftfleet.proto.cluster.EngineAddresses;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;

/** {@code login}: a certificate for whoever has a token, and a context. */
@Command(
        name = "login",
        abbreviateSynopsis = true,
        description = {
            "Get a certificate with a token of fleetctl user create",
            "",
            "Writes it, its key and a context into ~/.config/raftfleet, where fleetctl finds them by the cluster's endpoints."
        })
final class LoginCommand extends FleetCommand {
    @ArgGroup(multiplicity = "1")
    TokenInput token = new TokenInput();

    LoginCommand(Session session) {
        super(session);
    }

    @Override
    public Integer call() {
        try {
            var parsed = token.read(
                    session.terminal().directory(),
                    session.terminal().in(),
                    SpiffeId.Kind.USER,
                    "fleetctl user create");
            @Nullable String context = session.global().contextGiven ? session.global().context : null;
            String name = context == null
                    ? parsed.cluster().substring(0, Math.min(8, parsed.cluster().length()))
                    : context;
            Path home = UserContext.home(session.terminal().environment())
                    .orElseThrow(() -> new CommandException("neither XDG_CONFIG_HOME nor HOME is set"));
            var joining = new Joining(parsed, parsed.name(), List.of(), new SecureRandom());
            var given = joining.join(session.requestTimeout());
            var files = JoinedFiles.write(
                    home.resolve("certificates").resolve(parsed.cluster()),
                    "user-" + parsed.name(),
                    joining.key(),
                    given);
            String endpoints = given.getEnginesList().stream()
                    .map(EngineAddresses::getGrpcAddress)
                    .collect(Collectors.joining(","));
            Path file = UserContext.write(home, name, endpoints, files);
            session.out("Logged in to cluster " + parsed.cluster() + " as " + parsed.name() + "; context " + file);
            session.out("Try: fleetctl --context " + name + " list-machines");
            return 0;
        } catch (IOException | IllegalArgumentException e) {
            throw CommandException.of(e);
        }
    }
}
