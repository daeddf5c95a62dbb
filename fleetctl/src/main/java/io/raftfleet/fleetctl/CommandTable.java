package io.raftfleet.fleetctl;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.HelpCommand;

/**
 * All commands by name. Building the model of one costs milliseconds of reflection, so that only the one that is called is built
 * where the arguments make that plain.
 */
final class CommandTable {
    /** Global flags whose value may be the next argument. */
    private static final Set<String> VALUED = Set.of(
            "--endpoint",
            "--context",
            "--request-timeout",
            "--ca-file",
            "--cert-file",
            "--key-file",
            "--tunnel",
            "--ssh-username",
            "--ssh-timeout",
            "--known-hosts-file",
            "--driver",
            "--etcd-key-prefix",
            "--etcd-cafile",
            "--etcd-certfile",
            "--etcd-keyfile");

    private final TreeMap<String, Supplier<Object>> commands = new TreeMap<>();

    CommandTable(Session session) {
        commands.put("cat", () -> new CatCommand(session));
        commands.put(
                "cert",
                () -> new CommandLine(new CertCommand(session))
                        .addSubcommand(new CertCommand.CreateCa(session))
                        .addSubcommand(new CertCommand.Issue(session)));
        commands.put(
                "cluster",
                () -> new CommandLine(new ClusterCommand(session))
                        .addSubcommand(new ClusterCommand.StatusOfEngines(session))
                        .addSubcommand(new ClusterCommand.TransferLeader(session))
                        .addSubcommand(new ClusterCommand.Snapshot(session))
                        .addSubcommand(new ClusterAccess.Revoke(session))
                        .addSubcommand(new ClusterAccess.ListRevoked(session))
                        .addSubcommand(new ClusterMembers.Add(session))
                        .addSubcommand(new ClusterMembers.Remove(session))
                        .addSubcommand(new ClusterMembers.Replace(session))
                        .addSubcommand(new ClusterOrphans.ListOrphans(session))
                        .addSubcommand(new ClusterOrphans.Adopt(session))
                        .addSubcommand(new ClusterOrphans.Drop(session))
                        .addSubcommand(new ClusterBackup.Backup(session))
                        .addSubcommand(new ClusterBackup.Restore(session)));
        commands.put("cordon", () -> new CordonCommand(session));
        commands.put("destroy", () -> new DestroyCommand(session));
        commands.put("drain", () -> new DrainCommand(session));
        commands.put("events", () -> new EventsCommand(session));
        commands.put("fd-forward", () -> new FdForwardCommand(session));
        // No method reference: picocli's class files are of a version that JDK 25's cache can't hold, and making one
        // crashes
        // when a constant refers to them.
        commands.put("help", () -> new HelpCommand());
        commands.put("import", () -> new ImportCommand(session));
        commands.put("journal", () -> new JournalCommand(session));
        commands.put("list-machines", () -> new ListMachinesCommand(session));
        commands.put("list-unit-files", () -> new ListUnitFilesCommand(session));
        commands.put("list-units", () -> new ListUnitsCommand(session));
        commands.put("load", () -> new LoadCommand(session));
        commands.put("login", () -> new LoginCommand(session));
        commands.put(
                "machine",
                () -> new CommandLine(new MachineCommand(session))
                        .addSubcommand(new MachineCommand.SetMetadata(session))
                        .addSubcommand(new MachineCommand.UnsetMetadata(session))
                        .addSubcommand(new MachineCommand.Forget(session)));
        commands.put("names", () -> new NamesCommand(session));
        commands.put("plan", () -> new PlanCommand(session));
        commands.put("restart", () -> new RestartCommand(session));
        commands.put(
                "rollout",
                () -> new CommandLine(new RolloutCommand(session))
                        .addSubcommand(new RolloutCommand.Status(session))
                        .addSubcommand(new RolloutCommand.Pause(session))
                        .addSubcommand(new RolloutCommand.Resume(session))
                        .addSubcommand(new RolloutCommand.Undo(session)));
        commands.put("ssh", () -> new SshCommand(session));
        commands.put("start", () -> new StartCommand(session));
        commands.put("status", () -> new StatusCommand(session));
        commands.put("stop", () -> new StopCommand(session));
        commands.put("submit", () -> new SubmitCommand(session));
        commands.put(
                "token",
                () -> new CommandLine(new TokenCommand(session))
                        .addSubcommand(new TokenCommand.Create(session))
                        .addSubcommand(new TokenCommand.ListThem(session))
                        .addSubcommand(new TokenCommand.Remove(session)));
        commands.put("ui", () -> new UiCommand(session));
        commands.put("uncordon", () -> new UncordonCommand(session));
        commands.put("undrain", () -> new UncordonCommand(session)); // By the name that who has drained looks for.
        commands.put("unload", () -> new UnloadCommand(session));
        commands.put(
                "user", () -> new CommandLine(new UserCommand(session)).addSubcommand(new UserCommand.Create(session)));
        commands.put("verify", () -> new VerifyCommand(session));
        commands.put("version", () -> new VersionCommand(session));
        commands.put("watch", () -> new WatchCommand(session));
        commands.put("why", () -> new WhyCommand(session));
    }

    /** The first of the arguments that is neither a flag nor its value: what should be a command. */
    static Optional<String> called(String... arguments) {
        for (int i = 0; i < arguments.length; i++) {
            if (VALUED.contains(arguments[i])) {
                i++;
            } else if (!arguments[i].startsWith("-")) {
                return Optional.of(arguments[i]);
            }
        }
        return Optional.empty();
    }

    /** The command that the arguments call, or all when that needs a closer look: help, an abbreviation, a mistake. */
    Collection<String> neededFor(String... arguments) {
        return called(arguments)
                .filter(name -> commands.containsKey(name) && !name.equals("help"))
                .<Collection<String>>map(List::of)
                .orElseGet(this::all);
    }

    private Collection<String> all() {
        return new ArrayList<>(commands.keySet());
    }

    /** A new instance of a command, or a command line around it. */
    Object make(String name) {
        Supplier<Object> command = commands.get(name);
        if (command == null) {
            throw new IllegalArgumentException("no command " + name);
        }
        return command.get();
    }
}
