package io.raftfleet.fleetctl;

import io.raftfleet.identity.SpiffeId;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.CreateTokenRequest;

/** {@code user}: people. */
final class UserCommand extends CommandGroup {
    UserCommand(Session session) {
        super(session);
    }

    /** Lets somebody in. */
    static final class Create extends FleetCommand {
        String name = "";

        String role = "";

        String ttl = "24h";

        Create(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "create",
                    "Make a token by which somebody gets a certificate",
                    "",
                    "Prints one line, for that person to paste into fleetctl login -. It is good for one use. Certificates that a user has are taken"
                            + " back by: fleetctl cluster revoke user/NAME");
            syntax.add(Syntax.argument(String.class, given -> name = given).paramLabel("NAME"));
            syntax.add(
                    Syntax.value(String.class, given -> role = given, "--role")
                            .required(true)
                            .paramLabel("ROLE")
                            .description(
                                    "viewer reads, operator also starts and stops units and reads journals and status, admin may everything."));
            syntax.add(Syntax.value(String.class, given -> ttl = given, "--ttl")
                    .paramLabel("TIME")
                    .description("How long the token is good for. Default: ${DEFAULT-VALUE}")
                    .initialValue(ttl));
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

    @Override
    void describe(Syntax syntax) {
        syntax.command("user", "Let people in");
    }
}
