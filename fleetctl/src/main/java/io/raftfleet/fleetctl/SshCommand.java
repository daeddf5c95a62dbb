package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.GetUnitResponse;
import io.raftfleet.proto.model.Machine;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** {@code ssh}: finds the address of a machine, or of a unit's machine, and runs the system's ssh client with it. */
final class SshCommand extends FleetCommand {
    private static final int DEFAULT_PORT = 22;
    /** Needs no quotes in any shell. */
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_@:./+=-]+");

    /** Of IP, with a zone, or a name. */
    private static final Pattern ADDRESS = Pattern.compile("[A-Za-z0-9._:%][A-Za-z0-9._:%-]*");

    private static final Pattern WITH_PORT =
            Pattern.compile("(?<user>.*@)?(?:\\[(?<address>[^]]+)]|(?<host>[^]:\\[@]+))(?::(?<port>[0-9]+))?");

    @Nullable
    String machine;

    @Nullable
    String unit;

    boolean forwardAgent;

    int sshPort = DEFAULT_PORT;

    @Nullable
    List<String> arguments;

    SshCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "ssh",
                "Open interactive shell on a machine in the cluster",
                "",
                "Runs the system's ssh to the address that a machine announces, or to that of the machine that a unit is on. What follows"
                        + " the machine or unit is the command to run there. Does not work with global units.");
        syntax.add(Syntax.value(String.class, given -> machine = given, "--machine")
                .paramLabel("ID")
                .description("Open SSH connection to a specific machine."));
        syntax.add(Syntax.value(String.class, given -> unit = given, "--unit")
                .paramLabel("UNIT")
                .description("Open SSH connection to machine running provided unit."));
        syntax.add(Syntax.yesOrNo(given -> forwardAgent = given, "-A", "--forward-agent")
                .description("Forward local ssh-agent to target machine."));
        // As fleet 1.0 has it.
        syntax.add(Syntax.yesOrNo(given -> forwardAgent = given, "--A").hidden(true));
        syntax.add(Syntax.value(int.class, given -> sshPort = given, "--ssh-port")
                .paramLabel("PORT")
                .description("Connect over SSH using this TCP port. Default: ${DEFAULT-VALUE}")
                .initialValue(sshPort));
        syntax.add(Syntax.arguments(given -> arguments = given).arity("0..*").paramLabel("MACHINE|UNIT [COMMAND]"));
    }

    @Override
    public Integer call() {
        if (machine != null && unit != null) {
            throw new CommandException("Both machine and unit flags provided, please specify only one.");
        }
        List<String> rest = arguments == null ? List.of() : arguments;
        String address;
        try {
            if (machine != null) {
                address = MachineLookup.byPrefix(session, machine).getPrimaryIp();
            } else if (unit != null) {
                address = addressOfUnit(unit);
            } else if (rest.isEmpty()) {
                throw new CommandException("one machine or unit must be provided: fleetctl ssh MACHINE|UNIT");
            } else {
                address = addressOf(rest.getFirst());
                rest = rest.subList(1, rest.size());
            }
        } catch (CommandException | FleetClientException e) {
            throw new CommandException("Unable to proceed: " + e.getMessage(), e);
        }
        return run(command(checked(address), rest));
    }

    /** An agent says what it likes, and with {@code --tunnel} a shell reads it; what ssh takes for an option is none either. */
    static String checked(String address) {
        if (address.isEmpty()) {
            throw new CommandException(
                    "Could not determine address of machine: its agent announces none, set public_ip in its configuration");
        }
        if (!ADDRESS.matcher(address).matches()) {
            throw new CommandException("the machine's agent announces \"" + address
                    + "\", which is no address: ssh is not started; look at public_ip in its configuration, and at who has been on that"
                    + " machine");
        }
        return address;
    }

    private String addressOf(String lookup) {
        List<Machine> machines = MachineLookup.matching(session, lookup);
        GetUnitResponse found = session.client().getUnit(UnitNames.mangle(lookup));
        if (machines.size() == 1 && found != null) {
            throw new CommandException(
                    "ambiguous argument, both machine and unit found for `" + lookup + "`: say --machine or --unit");
        }
        if (machines.size() == 1) {
            return machines.getFirst().getPrimaryIp();
        }
        if (found == null && !machines.isEmpty()) {
            return MachineLookup.byPrefix(session, lookup).getPrimaryIp(); // It says that there are several.
        }
        if (found == null) {
            String name = UnitNames.mangle(lookup);
            throw new CommandException("no machine's id begins with " + lookup + ", and "
                    + UnitHints.absent(session, name, "unit " + name + " does not exist"));
        }
        return addressOfUnit(lookup);
    }

    private String addressOfUnit(String argument) {
        GetUnitResponse found = session.client().getUnit(UnitNames.mangle(argument));
        if (found == null) {
            String name = UnitNames.mangle(argument);
            throw new CommandException(UnitHints.absent(session, name, "unit " + name + " does not exist"));
        }
        if (found.getUnit().getGlobal()) {
            throw new CommandException("unit " + UnitNames.mangle(argument)
                    + " is global, it is on many machines: name one of them with --machine");
        }
        Machine on = session.machine(found.getUnit().getMachineId());
        if (on == null) {
            throw new CommandException("unit " + found.getUnit().getName() + " is on no machine");
        }
        return on.getPrimaryIp();
    }

    /** The command line of ssh. */
    List<String> command(String address, List<String> remote) {
        GlobalOptions global = session.global();
        var command = new ArrayList<>(List.of("ssh"));
        if (forwardAgent) {
            command.add("-A");
        }
        if (sshPort != DEFAULT_PORT) {
            command.addAll(List.of("-p", Integer.toString(sshPort)));
        }
        command.addAll(connecting(global));
        if (global.tunnel != null) {
            command.addAll(List.of("-o", "ProxyCommand=" + through(global, global.tunnel)));
        }
        command.add("--");
        command.add(address);
        command.addAll(remote);
        return command;
    }

    /**
     * What ssh connects by through another host. With {@code -J} it would ask that host as its configuration has it, whatever global flags say.
     * A shell takes this apart, once ssh has put the machine in place of what stands behind percent signs.
     */
    private static String through(GlobalOptions global, String host) {
        var command = new ArrayList<>(List.of("ssh"));
        connecting(global).forEach(word -> command.add(quoted(word)));
        command.addAll(List.of("-W", "'[%h]:%p'"));
        to(host).forEach(word -> command.add(quoted(word)));
        return String.join(" ", command);
    }

    /** A word as a shell, and ssh before it, gives it back. */
    private static String quoted(String word) {
        String literal = word.replace("%", "%%");
        return PLAIN.matcher(word).matches() ? literal : "'" + literal.replace("'", "'\\''") + "'";
    }

    /** Arguments by which ssh connects to {@code [USER@]HOST[:PORT]}; an IPv6 address with a port stands in brackets. They come last. */
    static List<String> to(String host) {
        Matcher withPort = WITH_PORT.matcher(host);
        if (!withPort.matches()) {
            return List.of("--", host);
        }
        String user = withPort.group("user");
        String bracketed = withPort.group("address");
        String port = withPort.group("port");
        var arguments = new ArrayList<String>();
        if (port != null) {
            arguments.addAll(List.of("-p", port));
        }
        arguments.add("--");
        arguments.add((user == null ? "" : user) + (bracketed == null ? withPort.group("host") : bracketed));
        return arguments;
    }

    /** What global flags say of how ssh connects. */
    static List<String> connecting(GlobalOptions global) {
        var options = new ArrayList<>(List.of("-o", "ConnectTimeout=" + (long) Math.ceil(global.sshTimeout)));
        if (!global.strictHostKeyChecking) {
            options.addAll(List.of("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"));
        } else if (global.knownHostsFile != null) {
            options.addAll(List.of("-o", "UserKnownHostsFile=" + global.knownHostsFile));
        }
        if (global.sshUsername != null) {
            options.addAll(List.of("-l", global.sshUsername));
        }
        return options;
    }

    /** Runs ssh on this terminal; its exit code. */
    int run(List<String> command) {
        session.terminal().out().flush();
        try {
            return new ProcessBuilder(command).inheritIO().start().waitFor();
        } catch (IOException e) {
            throw new CommandException(
                    "can't run the ssh client: " + e.getMessage()
                            + ". Install it, or connect to the machine in another way",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return 1;
        }
    }
}
