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
import picocli.CommandLine.Model.CommandSpec;

/** {@code login}: a certificate for whoever has a token, and a context. */
final class LoginCommand extends FleetCommand {
    private final Token token = new Token();

    LoginCommand(Session session) {
        super(session);
    }

    /** What daemons that join take too, so that it is said once, in annotations. */
    private static final class Token {
        @ArgGroup(multiplicity = "1")
        TokenInput input = new TokenInput();
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "login",
                "Get a certificate with a token of fleetctl user create",
                "",
                "Writes it, its key and a context into ~/.config/raftfleet, where fleetctl finds them by the cluster's endpoints.");
        spec.addMixin("token", CommandSpec.forAnnotatedObject(token));
    }

    @Override
    public Integer call() {
        try {
            var parsed = token.input.read(
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
