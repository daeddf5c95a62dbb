package io.raftfleet.fleetctl;

import io.raftfleet.fleetctl.client.ClientOptions;
import io.raftfleet.fleetctl.client.Endpoint;
import io.raftfleet.fleetctl.client.FleetClient;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.unit.SafeText;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What one command works with: the terminal, the global flags, and the client, made when first asked for. To be used by one thread. */
final class Session implements AutoCloseable {
    private static final int MILLIS = 1000;

    private final Terminal terminal;
    private final GlobalOptions global;
    private @Nullable FleetClient client;
    private final List<Tunnel> tunnels = new ArrayList<>();
    private @Nullable Map<String, Machine> machines;

    Session(Terminal terminal, GlobalOptions global) {
        this.terminal = terminal;
        this.global = global;
    }

    Terminal terminal() {
        return terminal;
    }

    GlobalOptions global() {
        return global;
    }

    /** A line of results. Nothing in it acts on the terminal: much of what is said comes from machines. */
    void out(String line) {
        terminal.out().append(SafeText.escapeLines(line)).append('\n');
    }

    /** A line for people. */
    void err(String line) {
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
        return options(Endpoint.parseList(global.endpoint));
    }

    private ClientOptions options(List<Endpoint> endpoints) {
        if (!(global.requestTimeout > 0 && global.requestTimeout <= Integer.MAX_VALUE)) {
            throw new IllegalArgumentException(
                    "--request-timeout must be more than 0 seconds, it is " + global.requestTimeout);
        }
        ClientOptions options = ClientOptions.of(reached(endpoints))
                .withRequestTimeout(Duration.ofMillis(Math.max(1, (long) (global.requestTimeout * MILLIS))))
                .withTls(certificate())
                .withPatience(false);
        return global.debug ? options.withDebug(message -> err("DEBUG: " + message)) : options;
    }

    /** As the flags say; without them, as the context of one of the endpoints given does; else none, for plaintext. */
    private @Nullable TlsFiles certificate() {
        return TlsFiles.of(global.caFile, global.certFile, global.keyFile, "--ca-file", "--cert-file", "--key-file")
                .or(() -> Contexts.find(Endpoint.parseList(global.endpoint), terminal.environment()))
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
        return Endpoint.parseList(global.endpoint).stream().allMatch(endpoint -> endpoint.kind() == Endpoint.Kind.GRPC);
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
        FleetClient made = client;
        if (made != null) {
            made.close();
        }
        tunnels.forEach(Tunnel::close);
    }
}
