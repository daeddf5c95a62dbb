package io.raftfleet.fleetctl;

import io.raftfleet.identity.SpiffeId;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.CreateTokenRequest;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code user}: people. */
@Command(name = "user", abbreviateSynopsis = true, description = "Let people in")
final class UserCommand extends CommandGroup {
    UserCommand(Session session) {
        super(session);
    }

    /** Lets somebody in. */
    @Command(
            name = "create",
            abbreviateSynopsis = true,
            description = {
                "Make a token by which somebody gets a certificate",
                "",
                "Prints one line, for that person to paste into fleetctl login -. It is good for one use. Certificates that a user has are taken"
                        + " back by: fleetctl cluster revoke user/NAME"
            })
    static final class Create extends FleetCommand {
        @Parameters(paramLabel = "NAME")
        String name = "";

        @Option(
                names = "--role",
                required = true,
                paramLabel = "ROLE",
                description =
                        "viewer reads, operator also starts and stops units and reads journals, admin may everything.")
        String role = "";

        @Option(
                names = "--ttl",
                paramLabel = "TIME",
                description = "How long the token is good for. Default: ${DEFAULT-VALUE}")
        String ttl = "24h";

        Create(Session session) {
            super(session);
        }

        @Override
        public Integer call() {
            var answer = session.client()
                    .access(
                            AccessGrpc.getCreateTokenMethod(),
                            CreateTokenRequest.newBuilder()
                                    .setWho(Principals.of(SpiffeId.Kind.USER, name))
                                    .setRole(role)
                                    .setUses(1)
                                    .setLifetimeMs(Principals.time("--ttl", ttl).toMillis())
                                    .build());
            session.out(answer.getToken());
            session.err(
                    "It is for " + name
                            + ", who types fleetctl login - and pastes it. As an argument it would show in the list of processes.");
            return 0;
        }
    }
}
