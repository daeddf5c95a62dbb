package io.raftfleet.packages;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** A program's completion for fish, which picocli has none for: its commands, theirs, and the options of each. */
final class FishCompletion {
    private final String program;
    private final StringBuilder lines = new StringBuilder();

    private FishCompletion(String program) {
        this.program = program;
    }

    static String of(CommandSpec program) {
        var made = new FishCompletion(program.name());
        made.add(program, List.of());
        return made.lines.toString();
    }

    /** @param path names of the commands that lead to this one, without the program's */
    private void add(CommandSpec command, List<String> path) {
        Map<String, CommandSpec> below = new LinkedHashMap<>();
        command.subcommands().forEach((name, line) -> {
            if (!line.getCommandSpec().usageMessage().hidden()) {
                below.put(name, line.getCommandSpec());
            }
        });
        var here =
                path.stream().map(name -> "__fish_seen_subcommand_from " + name).collect(Collectors.joining("; and "));
        var none = below.isEmpty() ? "" : "not __fish_seen_subcommand_from " + String.join(" ", below.keySet());
        var first = here.isEmpty() || none.isEmpty() ? here + none : here + "; and " + none;
        below.forEach((name, spec) ->
                line(first, "-f -a " + name, summary(spec.usageMessage().description())));
        for (var option : command.options()) {
            if (!option.hidden()) {
                line(here, names(option), summary(option.description()));
            }
        }
        below.forEach((name, spec) -> {
            var next = new ArrayList<>(path);
            next.add(name);
            add(spec, next);
        });
    }

    private static String names(OptionSpec option) {
        var names = Arrays.stream(option.names())
                .map(name -> name.startsWith("--")
                        ? "-l " + name.substring(2)
                        : name.length() == 2 ? "-s " + name.substring(1) : "-o " + name.substring(1))
                .collect(Collectors.joining(" "));
        return option.arity().min() > 0 ? names + " -r" : names;
    }

    private static String summary(String... description) {
        var text = description.length == 0 ? "" : description[0].replace("%n", " ");
        var end = text.indexOf(". ");
        return end < 0 ? text : text.substring(0, end);
    }

    private void line(String condition, String what, String description) {
        lines.append("complete -c ").append(program);
        if (!condition.isEmpty()) {
            lines.append(" -n '").append(condition).append('\'');
        }
        lines.append(' ').append(what);
        if (!description.isEmpty()) {
            lines.append(" -d '")
                    .append(description.replace("\\", "\\\\").replace("'", "\\'"))
                    .append('\'');
        }
        lines.append('\n');
    }
}
