package io.raftfleet.fleetctl;

import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.UnmatchedArgumentException;

/** {@code help}: what {@code --help} prints, of the command that is named. */
final class HelpCommand extends FleetCommand implements Paged {
    private List<String> commands = List.of();

    HelpCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command("help", "Print what a command does and takes");
        syntax.add(Syntax.arguments(given -> commands = given)
                .arity("0..*")
                .paramLabel("COMMAND")
                .description("A command, or a group and one of its commands, such as: cluster status"));
        spec.helpCommand(true);
    }

    @Override
    public Integer call() {
        CommandLine of = spec.parent().commandLine();
        for (String name : commands) {
            CommandLine below = of.getSubcommands().get(name);
            if (below == null) {
                throw new UnmatchedArgumentException(of, List.of(name));
            }
            of = below;
        }
        of.usage(of.getOut());
        return 0;
    }
}
