package io.raftfleet.fleetctl;

import io.raftfleet.client.Endpoint;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/**
 * Flags that every command takes, before or after its name. Each has a variable: {@code --request-timeout} is FLEETCTL_REQUEST_TIMEOUT.
 * Those of fleet 1.0 that mean nothing any more are taken, so that scripts go on as they are, and not shown.
 */
final class GlobalOptions {
    @Option(
            names = "--endpoint",
            scope = ScopeType.INHERIT,
            paramLabel = "HOST:PORT[,...]",
            description =
                    "gRPC addresses of engines; any one suffices. For fleet's HTTP API http://HOST:PORT, https://HOST:PORT or"
                            + " unix:///PATH. Default: ${DEFAULT-VALUE}")
    String endpoint = Endpoint.DEFAULT;

    @Option(
            names = "--context",
            scope = ScopeType.INHERIT,
            paramLabel = "NAME",
            description =
                    "Use the engines and the certificate of the context of this name, which fleetctl login has made; with login: the name"
                            + " to make it by. With --endpoint, the certificate alone.")
    @Nullable
    String context;

    @Option(
            names = "--request-timeout",
            scope = ScopeType.INHERIT,
            paramLabel = "SECONDS",
            description =
                    "How long a single request may take, with its retries on other engines. Default: ${DEFAULT-VALUE}")
    double requestTimeout = 3.0;

    @Option(
            names = "--ca-file",
            scope = ScopeType.INHERIT,
            paramLabel = "FILE",
            description = "PEM certificates of the authority that engines' certificates come from.")
    @Nullable
    Path caFile;

    @Option(
            names = "--cert-file",
            scope = ScopeType.INHERIT,
            paramLabel = "FILE",
            description = "PEM certificate that says who calls; without it, plaintext.")
    @Nullable
    Path certFile;

    @Option(
            names = "--key-file",
            scope = ScopeType.INHERIT,
            paramLabel = "FILE",
            description = "PEM key of --cert-file.")
    @Nullable
    Path keyFile;

    @Option(
            names = "--tunnel",
            scope = ScopeType.INHERIT,
            paramLabel = "HOST[:PORT]",
            description =
                    "Reach engines, and with ssh machines, through this host by ssh. The engines' addresses are as that host"
                            + " sees them.")
    @Nullable
    String tunnel;

    @Option(
            names = "--ssh-username",
            scope = ScopeType.INHERIT,
            paramLabel = "USER",
            description = "With ssh and --tunnel: user to log in as. Default: as ssh is configured.")
    @Nullable
    String sshUsername;

    @Option(
            names = "--ssh-timeout",
            scope = ScopeType.INHERIT,
            paramLabel = "SECONDS",
            description = "With ssh and --tunnel: how long connecting may take. Default: ${DEFAULT-VALUE}")
    double sshTimeout = 10.0;

    @Option(
            names = "--known-hosts-file",
            scope = ScopeType.INHERIT,
            paramLabel = "FILE",
            description = "With ssh and --tunnel: where keys of machines are kept. Default: as ssh is configured.")
    @Nullable
    Path knownHostsFile;

    @Option(
            names = "--strict-host-key-checking",
            scope = ScopeType.INHERIT,
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "true|false",
            description =
                    "With ssh and --tunnel: refuse machines with another key than before. Default: ${DEFAULT-VALUE}")
    boolean strictHostKeyChecking = true;

    @Option(
            names = "--no-pager",
            scope = ScopeType.INHERIT,
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "true|false",
            description = "Do not show long output on a terminal through FLEETCTL_PAGER, PAGER, or less.")
    boolean noPager;

    @Option(
            names = "--no-color",
            scope = ScopeType.INHERIT,
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "true|false",
            description = "Do not colour states on a terminal.")
    boolean noColor;

    @Option(
            names = "--debug",
            scope = ScopeType.INHERIT,
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "true|false",
            description = "Tell of each retry, and of where errors come from.")
    boolean debug;

    /** What fleet's {@code --driver} can be here: a way around the API, to etcd, there is not. */
    enum Driver {
        API
    }

    /** Which of the two were given as flags, which count for more than variables. */
    boolean endpointGiven;

    boolean contextGiven;

    /** The context that counts: one of a flag, or of the variable where no flag names engines. */
    Optional<String> context() {
        return endpointGiven && !contextGiven ? Optional.empty() : Optional.ofNullable(context);
    }

    @Option(names = "--driver", scope = ScopeType.INHERIT, hidden = true)
    Driver driver = Driver.API;

    @Option(
            names = "--experimental-api",
            scope = ScopeType.INHERIT,
            arity = "0..1",
            fallbackValue = "true",
            hidden = true)
    boolean experimentalApi = true;

    @Option(names = "--etcd-key-prefix", scope = ScopeType.INHERIT, hidden = true)
    String etcdKeyPrefix = "";

    @Option(names = "--etcd-cafile", scope = ScopeType.INHERIT, hidden = true)
    void etcdCaFile(@Nullable Path file) {
        caFile = file == null ? caFile : file;
    }

    @Option(names = "--etcd-certfile", scope = ScopeType.INHERIT, hidden = true)
    void etcdCertFile(@Nullable Path file) {
        certFile = file == null ? certFile : file;
    }

    @Option(names = "--etcd-keyfile", scope = ScopeType.INHERIT, hidden = true)
    void etcdKeyFile(@Nullable Path file) {
        keyFile = file == null ? keyFile : file;
    }
}
