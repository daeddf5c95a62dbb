package io.raftfleet.fleetctl;

import io.raftfleet.client.Endpoint;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ScopeType;

/**
 * Flags that every command takes, before or after its name. Each has a variable: {@code --request-timeout} is FLEETCTL_REQUEST_TIMEOUT.
 * Those of fleet 1.0 that mean nothing any more are taken, so that scripts go on as they are, and not shown.
 */
final class GlobalOptions {
    String endpoint = Endpoint.DEFAULT;

    @Nullable
    String context;

    double requestTimeout = 3.0;

    @Nullable
    Path caFile;

    @Nullable
    Path certFile;

    @Nullable
    Path keyFile;

    @Nullable
    String tunnel;

    @Nullable
    String sshUsername;

    double sshTimeout = 10.0;

    @Nullable
    Path knownHostsFile;

    boolean strictHostKeyChecking = true;

    boolean noPager;

    boolean noColor;

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

    Driver driver = Driver.API;

    boolean experimentalApi = true;

    String etcdKeyPrefix = "";

    /** Adds them. */
    void describe(Syntax syntax) {
        syntax.add(Syntax.value(String.class, given -> endpoint = given, "--endpoint")
                .paramLabel("HOST:PORT[,...]")
                .description(
                        "gRPC addresses of engines; any one suffices. For fleet's HTTP API http://HOST:PORT, https://HOST:PORT or"
                                + " unix:///PATH. Default: ${DEFAULT-VALUE}")
                .initialValue(endpoint)
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.value(String.class, given -> context = given, "--context")
                .paramLabel("NAME")
                .description(
                        "Use the engines and the certificate of the context of this name, which fleetctl login has made; with login: the name"
                                + " to make it by. With --endpoint, the certificate alone.")
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.value(double.class, given -> requestTimeout = given, "--request-timeout")
                .paramLabel("SECONDS")
                .description(
                        "How long a single request may take, with its retries on other engines. Default: ${DEFAULT-VALUE}")
                .initialValue(requestTimeout)
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.value(Path.class, given -> caFile = given, "--ca-file")
                .paramLabel("FILE")
                .description("PEM certificates of the authority that engines' certificates come from.")
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.value(Path.class, given -> certFile = given, "--cert-file")
                .paramLabel("FILE")
                .description("PEM certificate that says who calls; without it, plaintext.")
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.value(Path.class, given -> keyFile = given, "--key-file")
                .paramLabel("FILE")
                .description("PEM key of --cert-file.")
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.value(String.class, given -> tunnel = given, "--tunnel")
                .paramLabel("HOST[:PORT]")
                .description(
                        "Reach engines, and with ssh machines, through this host by ssh. The engines' addresses are as that host"
                                + " sees them.")
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.value(String.class, given -> sshUsername = given, "--ssh-username")
                .paramLabel("USER")
                .description("With ssh and --tunnel: user to log in as. Default: as ssh is configured.")
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.value(double.class, given -> sshTimeout = given, "--ssh-timeout")
                .paramLabel("SECONDS")
                .description("With ssh and --tunnel: how long connecting may take. Default: ${DEFAULT-VALUE}")
                .initialValue(sshTimeout)
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.value(Path.class, given -> knownHostsFile = given, "--known-hosts-file")
                .paramLabel("FILE")
                .description("With ssh and --tunnel: where keys of machines are kept. Default: as ssh is configured.")
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.yesOrNo(given -> strictHostKeyChecking = given, "--strict-host-key-checking")
                .description(
                        "With ssh and --tunnel: refuse machines with another key than before. Default: ${DEFAULT-VALUE}")
                .initialValue(strictHostKeyChecking)
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.yesOrNo(given -> noPager = given, "--no-pager")
                .description("Do not show long output on a terminal through FLEETCTL_PAGER, PAGER, or less.")
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.yesOrNo(given -> noColor = given, "--no-color")
                .description("Do not colour states on a terminal.")
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.yesOrNo(given -> debug = given, "--debug")
                .description("Tell of each retry, and of where errors come from.")
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.value(Driver.class, given -> driver = given, "--driver")
                .paramLabel("API")
                .hidden(true)
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.yesOrNo(given -> experimentalApi = given, "--experimental-api")
                .hidden(true)
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.value(String.class, given -> etcdKeyPrefix = given, "--etcd-key-prefix")
                .paramLabel("PREFIX")
                .hidden(true)
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.value(Path.class, given -> caFile = given, "--etcd-cafile")
                .paramLabel("FILE")
                .hidden(true)
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.value(Path.class, given -> certFile = given, "--etcd-certfile")
                .paramLabel("FILE")
                .hidden(true)
                .scopeType(ScopeType.INHERIT));
        syntax.add(Syntax.value(Path.class, given -> keyFile = given, "--etcd-keyfile")
                .paramLabel("FILE")
                .hidden(true)
                .scopeType(ScopeType.INHERIT));
    }
}
