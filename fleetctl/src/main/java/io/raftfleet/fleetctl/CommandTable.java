package io.raftfleet.fleetctl;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import picocli.CommandLine;

/**
 * All commands by name. Building the model of one costs a millisecond, so that only the one that is called is built
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

    private final TreeMap<String, Supplier<List<FleetCommand>>> commands = new TreeMap<>();

    CommandTable(Session session) {
        commands.put("cat", () -> List.of(new CatCommand(session)));
        commands.put(
                "cert",
                () -> List.of(
                        new CertCommand(session), new CertCommand.CreateCa(session), new CertCommand.Issue(session)));
        commands.put(
                "cluster",
                () -> List.of(
                        new ClusterCommand(session),
                        new ClusterCommand.StatusOfEngines(session),
                        new ClusterCommand.TransferLeader(session),
                        new ClusterCommand.Snapshot(session),
                        new ClusterAccess.Revoke(session),
                        new ClusterAccess.ListRevoked(session),
                        new ClusterMembers.Add(session),
                        new ClusterMembers.Remove(session),
                        new ClusterMembers.Replace(session),
                        new ClusterOrphans.ListOrphans(session),
                        new ClusterOrphans.Adopt(session),
                        new ClusterOrphans.Drop(session),
                        new ClusterBackup.Backup(session),
                        new ClusterBackup.Restore(session)));
        commands.put("cordon", () -> List.of(new CordonCommand(session)));
        commands.put("destroy", () -> List.of(new DestroyCommand(session)));
        commands.put("drain", () -> List.of(new DrainCommand(session)));
        commands.put("events", () -> List.of(new EventsCommand(session)));
        commands.put("fd-forward", () -> List.of(new FdForwardCommand(session)));
        commands.put("help", () -> List.of(new HelpCommand(session)));
        commands.put("import", () -> List.of(new ImportCommand(session)));
        commands.put("journal", () -> List.of(new JournalCommand(session)));
        commands.put("list-machines", () -> List.of(new ListMachinesCommand(session)));
        commands.put("list-unit-files", () -> List.of(new ListUnitFilesCommand(session)));
        commands.put("list-units", () -> List.of(new ListUnitsCommand(session)));
        commands.put("load", () -> List.of(new LoadCommand(session)));
        commands.put("login", () -> List.of(new LoginCommand(session)));
        commands.put(
                "machine",
                () -> List.of(
                        new MachineCommand(session),
                        new MachineCommand.SetMetadata(session),
                        new MachineCommand.UnsetMetadata(session),
                        new MachineCommand.Forget(session)));
        commands.put("names", () -> List.of(new NamesCommand(session)));
        commands.put("plan", () -> List.of(new PlanCommand(session)));
        commands.put("restart", () -> List.of(new RestartCommand(session)));
        commands.put(
                "rollout",
                () -> List.of(
                        new RolloutCommand(session),
                        new RolloutCommand.Status(session),
                        new RolloutCommand.Pause(session),
                        new RolloutCommand.Resume(session),
                        new RolloutCommand.Undo(session)));
        commands.put("ssh", () -> List.of(new SshCommand(session)));
        commands.put("start", () -> List.of(new StartCommand(session)));
        commands.put("status", () -> List.of(new StatusCommand(session)));
        commands.put("stop", () -> List.of(new StopCommand(session)));
        commands.put("submit", () -> List.of(new SubmitCommand(session)));
        commands.put(
                "token",
                () -> List.of(
                        new TokenCommand(session),
                        new TokenCommand.Create(session),
                        new TokenCommand.ListThem(session),
                        new TokenCommand.Remove(session)));
        commands.put("ui", () -> List.of(new UiCommand(session)));
        commands.put("uncordon", () -> List.of(new UncordonCommand(session)));
        commands.put(
                "undrain", () -> List.of(new UncordonCommand(session))); // By the name that who has drained looks for.
        commands.put("unload", () -> List.of(new UnloadCommand(session)));
        commands.put("user", () -> List.of(new UserCommand(session), new UserCommand.Create(session)));
        commands.put("verify", () -> List.of(new VerifyCommand(session)));
        commands.put("version", () -> List.of(new VersionCommand(session)));
        commands.put("watch", () -> List.of(new WatchCommand(session)));
        commands.put("why", () -> List.of(new WhyCommand(session)));
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

    /** A new command, with those below it. */
    CommandLine make(String name) {
        Supplier<List<FleetCommand>> maker = commands.get(name);
        if (maker == null) {
            throw new IllegalArgumentException("no command " + name);
        }
        List<FleetCommand> made = maker.get();
        var line = new CommandLine(made.getFirst().described());
        for (FleetCommand below : made.subList(1, made.size())) {
            line.addSubcommand(below.described());
        }
        return line;
    }
}
