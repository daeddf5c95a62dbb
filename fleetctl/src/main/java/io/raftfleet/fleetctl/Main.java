package io.raftfleet.fleetctl;

import io.netty.util.internal.logging.InternalLoggerFactory;
import io.netty.util.internal.logging.JdkLoggerFactory;
import io.raftfleet.client.FleetClient;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/**
 * The process {@code fleetctl}. The launcher sets the system properties {@code fleetctl.screen} and {@code fleetctl.interactive}
 * where results go, and a person watches, as {@link Terminal} has it.
 */
public final class Main {
    private static final int OUT_BUFFER = 1 << 16;
    /** Commands that ask no engine; {@code version} alone is one of them, too. */
    private static final Set<String> LOCAL = Set.of("cert", "fd-forward", "help", "verify");

    /** Types that no flag has. picocli would otherwise look up a dozen of them, each with classes of its own. */
    private static final String UNUSED_CONVERTERS = "java[.](sql|time)[.].*";

    private Main() {}

    /** Runs one command and ends the process with its exit code. */
    public static void main(String[] arguments) {
        var results = new Results(new FileOutputStream(FileDescriptor.out));
        var out = new PrintStream(new BufferedOutputStream(results, OUT_BUFFER), false, StandardCharsets.UTF_8);
        var err = new PrintStream(new FileOutputStream(FileDescriptor.err), false, StandardCharsets.UTF_8);
        var terminal = new Terminal(
                System.in,
                out,
                err,
                System.getenv(),
                Path.of(""),
                Boolean.getBoolean("fleetctl.screen"),
                Boolean.getBoolean("fleetctl.interactive"));
        settleLibraries();
        // No lambda: it would be the only one that is in no cache, as training begins elsewhere.
        Optional<String> called = CommandTable.called(arguments);
        if (called.isPresent() && asks(called.get(), arguments)) {
            warmUp(arguments);
        }
        int exit = Fleetctl.run(terminal, arguments);
        if (!results.lost().isEmpty()) {
            // Also when the cluster has done it: a token that nobody sees is lost.
            err.println("Error: standard output can't be written: " + results.lost());
            exit = exit == 0 ? 1 : exit;
        }
        // All is flushed, and nothing else has to be put in order: an orderly exit would only take longer.
        Runtime.getRuntime().halt(exit);
    }

    private static boolean asks(String command, String... arguments) {
        return command.equals("version") ? arguments.length > 1 : !LOCAL.contains(command);
    }

    /** Most of a command's time goes into first uses of libraries: let them happen while the arguments are parsed. */
    static void warmUp(String... arguments) {
        if (!System.getenv().containsKey(CommandTrace.ENDPOINT)) {
            // Engines are believed by their own authority. Those that come with Java would be read all the same, a
            // hundred and more of them.
            System.setProperty("javax.net.ssl.trustStore", "NONE");
        }
        // Otherwise Netty searches the whole jar for other logging libraries first.
        InternalLoggerFactory.setDefaultFactory(JdkLoggerFactory.INSTANCE);
        Thread.ofPlatform().daemon().name("warm-up").start(FleetClient::warmUp);
        Thread.ofPlatform().daemon().name("warm-up-messages").start(FleetClient::warmUpMessages);
        if (Contexts.mayShowCertificates(System.getenv(), arguments)) {
            Thread.ofPlatform().daemon().name("warm-up-tls").start(FleetClient::warmUpTls);
        }
    }

    /**
     * Tells libraries what to leave out, before they are used. They say nothing on standard error either: what went wrong is in the
     * command's own message, and what they quote of a peer could steer the terminal.
     */
    static void settleLibraries() {
        System.setProperty("picocli.converters.excludes", UNUSED_CONVERTERS);
        System.setProperty("picocli.disable.closures", "true"); // Or it searches the whole jar for Groovy.
        System.setProperty("java.util.logging.config.class", QuietLogging.class.getName());
        System.setProperty(
                "slf4j.internal.verbosity", "ERROR"); // SLF4J has nobody to speak to here, and need not say so
    }
}
