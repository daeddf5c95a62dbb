package io.raftfleet.fleetctl;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;
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
                    : noCommand(command, word, commands);
        }
        ArgSpec arg = e.getArgSpec();
        String value = e.getValue();
        if (arg != null && value != null && e.getCause() instanceof TypeConversionException) {
            return named(arg, value, of) + " \"" + value + "\" is not " + expected(arg);
        }
        return String.valueOf(e.getMessage());
    }

    private static String noCommand(String command, String word, Collection<String> commands) {
        return command + " has no command \"" + word + "\""
                + Suggestions.question(Suggestions.closest(word, commands), "; commands have their whole names");
    }

    /** Where a value came from: the flag, or the variable that stands for it. */
    private static String named(ArgSpec arg, String value, CommandLine of) {
        if (!(arg instanceof OptionSpec option)) {
            return arg.paramLabel();
        }
        boolean variable = of.getDefaultValueProvider() instanceof EnvironmentDefaults defaults
                && value.equals(defaults.defaultValue(arg))
                && of.getParseResult() != null
                && !of.getParseResult().originalArgs().contains(value)
                && of.getParseResult().originalArgs().stream().noneMatch(given -> given.endsWith("=" + value));
        return variable ? EnvironmentDefaults.variable(option) : option.longestName();
    }

    /** What such a flag takes, with an example. */
    private static String expected(ArgSpec arg) {
        Class<?> type = arg.type();
        if (type == double.class || type == Double.class) {
            return "a number of seconds, such as 2 or 0.5";
        }
        if (type == int.class || type == Integer.class || type == long.class || type == Long.class) {
            return "a whole number, such as 10";
        }
        if (type == boolean.class || type == Boolean.class) {
            return "true or false";
        }
        if (type.isEnum()) {
            return "one of: "
                    + Arrays.stream(type.getEnumConstants())
                            .map(String::valueOf)
                            .collect(Collectors.joining(", "));
        }
        return "what it takes: " + arg.paramLabel();
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
