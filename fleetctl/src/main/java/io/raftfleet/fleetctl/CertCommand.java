package io.raftfleet.fleetctl;

import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.ca.CertificateAuthority;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** {@code cert}: a certificate authority in a directory, and what it issues. Talks to no engine. */
final class CertCommand extends CommandGroup {
    private static final int MAX_DAYS = 36_500;

    CertCommand(Session session) {
        super(session);
    }

    private static Duration days(int days) {
        if (days < 1 || days > MAX_DAYS) {
            throw new CommandException("--days " + days + ": it is 1 to " + MAX_DAYS);
        }
        return Duration.ofDays(days);
    }

    /** Makes an authority. */
    static final class CreateCa extends FleetCommand {
        String clusterId = "";

        int days = 3650;

        String directory = "";

        CreateCa(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "create-ca",
                    "Make a certificate authority in a directory",
                    "",
                    "ca.pem is for everybody's --ca-file, ca-key.pem for cert issue alone.");
            syntax.add(Syntax.value(String.class, given -> clusterId = given, "--cluster-id")
                    .required(true)
                    .paramLabel("UUID")
                    .description("The cluster's id, as its engines have it."));
            syntax.add(Syntax.value(int.class, given -> days = given, "--days")
                    .paramLabel("N")
                    .description("How long it holds. Default: ${DEFAULT-VALUE}")
                    .initialValue(days));
            syntax.add(Syntax.argument(String.class, given -> directory = given).paramLabel("DIR"));
        }

        @Override
        public Integer call() {
            Path target = session.terminal().directory().resolve(directory);
            try {
                var authority = CertificateAuthority.create(
                        target, clusterId.toLowerCase(Locale.ROOT), Instant.now(), days(days));
                session.out("Certificate authority of cluster " + authority.cluster() + " in " + target);
                return 0;
            } catch (IOException | IllegalArgumentException e) {
                throw CommandException.of(e);
            }
        }
    }

    /** Issues a certificate. */
    static final class Issue extends FleetCommand {
        String authority = "";

        String out = ".";

        @Nullable
        String role;

        List<String> hosts = new ArrayList<>();

        int days = 365;

        String kind = "";

        List<String> names = new ArrayList<>();

        Issue(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "issue",
                    "Issue a certificate to an engine, an agent or a user, or to several",
                    "",
                    "Writes KIND-NAME.pem and KIND-NAME-key.pem for each. An agent's name is its machine's id; a user has a role: viewer"
                            + " reads, operator also starts and stops units and reads journals, admin may everything.");
            syntax.add(Syntax.value(String.class, given -> authority = given, "--ca")
                    .required(true)
                    .paramLabel("DIR")
                    .description("Directory of the authority, made by cert create-ca."));
            syntax.add(Syntax.value(String.class, given -> out = given, "--out")
                    .paramLabel("DIR")
                    .description("Where to write. Default: here"));
            syntax.add(Syntax.value(String.class, given -> role = given, "--role")
                    .paramLabel("ROLE")
                    .description("A user's: viewer, operator or admin."));
            syntax.add(Syntax.strings(given -> hosts = given, "--host")
                    .splitRegex(",")
                    .paramLabel("NAME|IP")
                    .description("An engine's, for browsers and curl; engines, agents and fleetctl need none."));
            syntax.add(Syntax.value(int.class, given -> days = given, "--days")
                    .paramLabel("N")
                    .description("How long it holds. Default: ${DEFAULT-VALUE}")
                    .initialValue(days));
            syntax.add(Syntax.argument(String.class, given -> kind = given)
                    .index("0")
                    .paramLabel("engine|agent|user"));
            syntax.add(Syntax.arguments(given -> names = given)
                    .index("1..*")
                    .arity("1..*")
                    .paramLabel("NAME"));
        }

        @Override
        public Integer call() {
            Path directory = session.terminal().directory();
            try {
                var what = kind();
                var opened = CertificateAuthority.open(directory.resolve(authority));
                Path target = directory.resolve(out);
                for (String name : names) {
                    var issued = opened.issue(what, name, role(what), hosts, Instant.now(), days(days));
                    Path certificate = target.resolve(what.label() + "-" + name + ".pem");
                    Path key = target.resolve(what.label() + "-" + name + "-key.pem");
                    issued.write(certificate, key);
                    session.out("Certificate in " + certificate + ", its key in " + key);
                }
                return 0;
            } catch (IOException | IllegalArgumentException e) {
                throw CommandException.of(e);
            }
        }

        private Kind kind() {
            for (var candidate : Kind.values()) {
                if (candidate.label().equals(kind)) {
                    return candidate;
                }
            }
            throw new CommandException("\"" + kind + "\" can't have a certificate: engine, agent or user can");
        }

        private Optional<Role> role(SpiffeId.Kind what) {
            if (what != Kind.USER) {
                if (role != null) {
                    throw new CommandException("--role is for users: " + what.label() + "s have none");
                }
                return Optional.empty();
            }
            if (role == null) {
                throw new CommandException("a user needs a role: --role viewer, operator or admin");
            }
            return Optional.of(Role.of(role)
                    .orElseThrow(() -> new CommandException("--role " + role + ": it is viewer, operator or admin")));
        }
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "cert",
                "Make a cluster's certificate authority, and certificates of it",
                "",
                "Works on files alone, on any machine. Keep the authority's directory off the cluster: whoever has ca-key.pem is"
                        + " every engine, agent and user.");
    }
}
