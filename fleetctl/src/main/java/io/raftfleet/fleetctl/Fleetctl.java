package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;

/** The root command, and one run of it. */
public final class Fleetctl implements Callable<Integer>, Paged {
    private static final int USAGE = 2;

    private final Session session;

    private final GlobalOptions global = new GlobalOptions();

    private final CommandSpec spec = Syntax.of(this);
    private boolean version;

    private Fleetctl(Terminal terminal) {
        this.session = new Session(terminal, global);
    }

    @Override
    public boolean ends() {
        return !version;
    }

    /** Without a command: prints help, as fleet does. */
    @Override
    public Integer call() {
        if (version) {
            session.out(Version.line());
        } else {
            spec.commandLine().usage(spec.commandLine().getOut());
        }
        return 0;
    }

    /** Runs one command; everything it says is in the terminal's streams when it returns the exit code. */
    static int run(Terminal terminal, String... arguments) {
        var root = new Fleetctl(terminal);
        int exit = 1;
        try {
            exit = root.commandLine(arguments).execute(arguments);
        } finally {
            root.session.close();
            terminal.out().flush();
            terminal.err().flush();
            root.session.ended(exit);
        }
        return exit;
    }

    /** All that it takes, for who writes about that. */
    public static CommandLine model() {
        return new Fleetctl(new Terminal(System.in, System.out, System.err, Map.of(), Path.of(""), false))
                .commandLine();
    }

    private CommandSpec described() {
        var syntax = new Syntax(spec)
                .command(
                        "fleetctl", "fleetctl is a command-line interface to raftfleet, the cluster-wide init system.");
        spec.usageMessage()
                .footer(
                        "",
                        "Each flag can be set by a variable: --request-timeout by FLEETCTL_REQUEST_TIMEOUT.",
                        "Exit codes: 0 done, 1 not all of it done, 2 wrong usage; status has those of systemctl status.");
        global.describe(syntax);
        syntax.add(Syntax.help());
        syntax.add(Syntax.flag(given -> version = given, "-v", "--version").description("Print the version and exit"));
        return spec;
    }

    private CommandLine commandLine(String... arguments) {
        CommandLine line = new CommandLine(described());
        CommandTable table = new CommandTable(session);
        line.getHelpSectionMap()
                .put(
                        UsageMessageSpec.SECTION_KEY_FOOTER_HEADING,
                        help -> String.format("%nVersion: %s%n", Version.number()));
        table.neededFor(arguments).forEach(name -> line.addSubcommand(name, table.make(name)));
        line.setDefaultValueProvider(new EnvironmentDefaults(session.terminal().environment()));
        // As in fleet, the last one counts.
        line.setOverwrittenOptionsAllowed(true);
        line.setOut(writer(session.terminal().out()));
        line.setErr(writer(session.terminal().err()));
        line.setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF));
        line.setExecutionStrategy(parsed -> {
            prepare(parsed);
            return new RunLast().execute(parsed);
        });
        line.setParameterExceptionHandler((e, given) -> {
            session.err("fleetctl: " + UsageErrors.message(e));
            session.err("See: " + e.getCommandLine().getCommandSpec().qualifiedName() + " --help");
            return USAGE;
        });
        line.setExecutionExceptionHandler((e, commandLine, result) -> {
            if (!(e instanceof CommandException || e instanceof FleetClientException)) {
                throw e;
            }
            session.err(String.valueOf(e.getMessage()));
            if (global.debug) {
                var trace = new StringWriter();
                e.printStackTrace(new PrintWriter(trace));
                session.err(trace.toString().stripTrailing());
            }
            return e instanceof CommandException given ? given.exit() : 1;
        });
        return line;
    }

    /** What the arguments say of how to run the command that they call. */
    private void prepare(ParseResult parsed) {
        ParseResult last = parsed;
        boolean help = parsed.isUsageHelpRequested();
        global.endpointGiven = parsed.hasMatchedOption("--endpoint");
        global.contextGiven = parsed.hasMatchedOption("--context");
        while (last.hasSubcommand()) {
            last = last.subcommand();
            help |= last.isUsageHelpRequested();
            global.endpointGiven |= last.hasMatchedOption("--endpoint");
            global.contextGiven |= last.hasMatchedOption("--context");
        }
        Object command = last.commandSpec().userObject();
        if (help || (command instanceof Paged paged && paged.ends())) {
            session.page();
            spec.commandLine().setOut(writer(session.terminal().out()));
        }
        if (!help) {
            session.begins(last.commandSpec().qualifiedName());
        }
    }

    private static PrintWriter writer(PrintStream stream) {
        return new PrintWriter(new OutputStreamWriter(stream, StandardCharsets.UTF_8), true);
    }
}
