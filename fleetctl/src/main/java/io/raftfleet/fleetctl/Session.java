package io.raftfleet.fleetctl;

import io.raftfleet.client.ClientOptions;
import io.raftfleet.client.Endpoint;
import io.raftfleet.client.FleetClient;
import io.raftfleet.fleetctl.v1.HttpGateway;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.unit.SafeText;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** What one command works with: the terminal, the global flags, and the client, made when first asked for. To be used by one thread. */
final class Session implements AutoCloseable {
    private static final int MILLIS = 1000;

    private Terminal terminal;
    /** Without a pager. */
    private final Terminal bare;

    private final GlobalOptions global;
    private @Nullable FleetClient client;
    private @Nullable Pager pager;
    /** Null where nothing is traced, as is usual. */
    private @Nullable CommandTrace trace;

    private @Nullable List<Endpoint> endpoints;
    private final List<Tunnel> tunnels = new ArrayList<>();
    private final ProgressLine ordering;
    private @Nullable Map<String, Machine> machines;

    Session(Terminal terminal, GlobalOptions global) {
        this.terminal = terminal;
        this.bare = terminal;
        this.global = global;
        this.ordering = new ProgressLine(terminal);
    }

    /** The command of this name begins: it is traced if a variable says where to. */
    void begins(String command) {
        if (!terminal.environment().getOrDefault(CommandTrace.ENDPOINT, "").isEmpty()) {
            try {
                trace = CommandTrace.begin(command, terminal.environment());
            } catch (RuntimeException | LinkageError e) {
                err(CommandTrace.ENDPOINT + ": " + e.getMessage() + "; nothing is traced");
            }
        }
    }

    /** All is said and closed; what is traced is sent, which takes half a second at most. */
    void ended(int exit) {
        CommandTrace begun = trace;
        if (begun != null) {
            try {
                begun.exits(exit);
                begun.close();
            } catch (RuntimeException e) {
                err(CommandTrace.ENDPOINT + ": the trace could not be sent: " + e.getMessage());
            }
        }
    }

    Terminal terminal() {
        return terminal;
    }

    /** From now on, long output goes through a pager where a person watches. */
    void page() {
        Pager.of(terminal, global.noPager).ifPresent(found -> {
            pager = found;
            terminal = found.terminal();
        });
    }

    /** Whether, and how, words of state are coloured. */
    Colours colours() {
        return Colours.of(terminal, global);
    }

    GlobalOptions global() {
        return global;
    }

    /** A line of results. Nothing in it acts on the terminal: much of what is said comes from machines. */
    void out(String line) {
        ordering.clear();
        terminal.out().append(SafeText.escapeLines(line)).append('\n');
    }

    /** A line of results with a word in it that is coloured, once it has been made harmless. */
    void out(String before, UnaryOperator<String> colour, String word, String after) {
        terminal.out()
                .append(SafeText.escapeLines(before))
                .append(colour.apply(SafeText.escape(word)))
                .append(SafeText.escapeLines(after))
                .append('\n');
    }

    /** A line for people. */
    void err(String line) {
        ordering.clear();
        terminal.out().flush();
        terminal.err().append(SafeText.escapeLines(line)).append('\n').flush();
    }

    /** Lines for people, the first of them unless all are wanted. */
    void someErr(List<String> lines, boolean all) {
        int most = all ? lines.size() : Math.min(lines.size(), VetoNotes.MOST_LINES);
        lines.subList(0, most).forEach(this::err);
        if (most < lines.size()) {
            err((lines.size() - most) + " more, shown with --full");
        }
    }

    /** @throws CommandException when the global flags make no client */
    FleetClient client() {
        FleetClient made = client;
        if (made == null) {
            try {
                made = new FleetClient(options());
            } catch (IllegalArgumentException e) {
                throw new CommandException("Unable to initialize client: " + e.getMessage(), e);
            }
            client = made;
        }
        return made;
    }

    /** Another client with the same flags, for these endpoints; the caller closes it. */
    FleetClient client(List<Endpoint> endpoints) {
        return new FleetClient(options(endpoints));
    }

    private ClientOptions options() {
        return options(endpoints());
    }

    /** Of the flags, or of the context. */
    private List<Endpoint> endpoints() {
        List<Endpoint> known = endpoints;
        if (known == null) {
            boolean ofContext = !global.endpointGiven
                    && (global.contextGiven || terminal.environment().get("FLEETCTL_ENDPOINT") == null);
            known = context()
                    .filter(found -> ofContext)
                    .map(Contexts.Context::endpoints)
                    .orElseGet(() -> Endpoint.parseList(global.endpoint));
            endpoints = known;
        }
        return known;
    }

    private Optional<Contexts.Context> context() {
        return global.context().map(name -> Contexts.named(name, terminal.environment()));
    }

    private ClientOptions options(List<Endpoint> endpoints) {
        ClientOptions options = ClientOptions.of(reached(endpoints))
                .withRequestTimeout(requestTimeout())
                .withTls(certificate())
                .withBatches(this::tellOfBatch)
                .withGateways(HttpGateway::open)
                .withPatience(false);
        CommandTrace begun = trace;
        if (begun != null) {
            options = options.withInterceptors(List.of(begun.calls()));
        }
        return global.debug ? options.withDebug(message -> err("DEBUG: " + message)) : options;
    }

    private void tellOfBatch(int answered, int all) {
        ordering.show(answered + " of " + all + " ordered");
    }

    /** @throws CommandException when the flag makes none */
    Duration requestTimeout() {
        if (!(global.requestTimeout > 0 && global.requestTimeout <= Integer.MAX_VALUE)) {
            throw CommandException.usage(
                    "--request-timeout must be more than 0 seconds, it is " + global.requestTimeout);
        }
        return Duration.ofMillis(Math.max(1, (long) (global.requestTimeout * MILLIS)));
    }

    /** As the flags say; without them, as the context named, or of one of the endpoints given, does; else none, for plaintext. */
    @Nullable
    TlsFiles certificate() {
        return TlsFiles.of(global.caFile, global.certFile, global.keyFile, "--ca-file", "--cert-file", "--key-file")
                .or(() -> context()
                        .map(Contexts.Context::files)
                        .orElseGet(() -> Contexts.find(endpoints(), terminal.environment())))
                .orElse(null);
    }

    /** The engines as they are reached: through a tunnel when one is asked for. */
    private List<Endpoint> reached(List<Endpoint> endpoints) {
        if (global.tunnel == null) {
            return endpoints;
        }
        Tunnel opened = Tunnel.open(List.of("ssh"), global, global.tunnel, endpoints);
        tunnels.add(opened);
        return opened.endpoints();
    }

    /** Whether the engines are reached in a way by which unit files come as they are: fleet's HTTP API has their options alone. */
    boolean keepsFiles() {
        return endpoints().stream().allMatch(endpoint -> endpoint.kind() == Endpoint.Kind.GRPC);
    }

    /** The present machine of this id; null when there is none. Machines are listed once, at the first call. */
    @Nullable
    Machine machine(String id) {
        Map<String, Machine> known = machines;
        if (known == null) {
            known = new LinkedHashMap<>();
            for (Machine machine : client().listMachines(ListMachinesRequest.getDefaultInstance())
                    .rows()) {
                known.put(machine.getId(), machine);
            }
            machines = known;
        }
        return known.get(id);
    }

    /** Remembers these as the machines, so that no call is needed for them. */
    void machinesAre(Iterable<Machine> list) {
        var known = new LinkedHashMap<String, Machine>();
        list.forEach(machine -> known.put(machine.getId(), machine));
        machines = known;
    }

    /** Makes the next {@link #machine} list them again. */
    void forgetMachines() {
        machines = null;
    }

    @Override
    public void close() {
        ordering.clear();
        FleetClient made = client;
        if (made != null) {
            made.close();
        }
        tunnels.forEach(Tunnel::close);
        Pager reading = pager;
        if (reading != null) {
            terminal.out().flush();
            reading.close();
        }
        if (made != null) {
            warnOfEnd(made);
        }
    }

    /** After all else, and whoever reads it: to standard error, also without a terminal, since scripts' certificates end, too. */
    private void warnOfEnd(FleetClient made) {
        var self = made.self();
        String warning = self.isPresent()
                ? Expiry.warning(self.get(), made.options().clock().instant())
                : null;
        if (warning != null) {
            bare.out().flush();
            bare.err().append(SafeText.escapeLines(warning)).append('\n').flush();
        }
    }
}
