package io.raftfleet.fleetctl;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What to tell people whose command line is none: what is wrong, and what they may have meant. */
final class UsageErrors {
    private UsageErrors() {}

    static String message(ParameterException e) {
        CommandLine of = e.getCommandLine();
        String command = of.getCommandSpec().qualifiedName();
        if (e instanceof UnmatchedArgumentException unmatched
                && !unmatched.getUnmatched().isEmpty()) {
            String word = unmatched.getUnmatched().getFirst();
            if (word.startsWith("-")) {
                String name = word.split("=", 2)[0];
                return command + " has no option " + name + Suggestions.question(meant(name, options(of)), "");
            }
            Collection<String> commands = commands(of);
            return commands.isEmpty()
                    ? command + " takes no argument \"" + word + "\" there"
                    : command + " has no command \"" + word + "\""
                            + Suggestions.question(
                                    Suggestions.closest(word, commands), "; commands have their whole names");
        }
        return String.valueOf(e.getMessage());
    }

    private static List<String> commands(CommandLine of) {
        return of.getSubcommands().entrySet().stream()
                .filter(entry ->
                        !entry.getValue().getCommandSpec().usageMessage().hidden())
                .map(java.util.Map.Entry::getKey)
                .toList();
    }

    private static List<String> options(CommandLine of) {
        var names = new ArrayList<String>();
        for (OptionSpec option : of.getCommandSpec().options()) {
            if (!option.hidden()) {
                names.addAll(List.of(option.names()));
            }
        }
        return names;
    }

    /** A long option given with one dash, or the other way round, is that option. */
    private static List<String> meant(String name, List<String> options) {
        String bare = name.replaceFirst("^-+", "");
        List<String> same = options.stream()
                .filter(option -> option.replaceFirst("^-+", "").equals(bare))
                .toList();
        return same.isEmpty() ? Suggestions.closest(name, options) : same;
    }
}
