package io.raftfleet.packages;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** A program's manual page in the language of {@code man(7)}, subcommands included. */
final class ManualPage {
    private final StringBuilder page = new StringBuilder();

    private ManualPage() {}

    static String of(CommandSpec program, int section, String version) {
        var made = new ManualPage();
        var about = new ArrayList<>(Arrays.asList(program.usageMessage().description()));
        made.line(".TH " + program.name().toUpperCase(Locale.ROOT) + " " + section + " \"\" \"raftfleet " + version
                + "\" \"raftfleet\"");
        made.line(".SH NAME");
        made.line(escaped(program.name()) + " \\- " + escaped(brief(about.getFirst())));
        made.line(".SH SYNOPSIS");
        made.synopsis(program);
        made.line(".SH DESCRIPTION");
        made.paragraphs(about);
        made.line(".SH OPTIONS");
        made.options(program);
        var commands = commands(program);
        if (!commands.isEmpty()) {
            made.line(".SH COMMANDS");
            commands.forEach(made::command);
        }
        var footer = Arrays.stream(program.usageMessage().footer())
                .filter(line -> !line.isBlank())
                .toList();
        if (!footer.isEmpty()) {
            made.line(".SH NOTES");
            made.paragraphs(footer);
        }
        made.line(".SH SEE ALSO");
        made.line(".BR fleetctl (1),\n.BR fleet\\-engine (8),\n.BR fleet\\-agent (8)");
        made.line("/usr/share/doc/raftfleet\\-runtime/docs has the guides.");
        return made.page.toString();
    }

    private static List<CommandSpec> commands(CommandSpec of) {
        return new LinkedHashSet<>(of.subcommands().values())
                .stream()
                        .map(CommandLine::getCommandSpec)
                        .filter(command -> !command.usageMessage().hidden()
                                && !command.name().equals("help"))
                        .toList();
    }

    private void command(CommandSpec command) {
        var below = commands(command);
        if (!below.isEmpty()) {
            below.forEach(this::command);
            return;
        }
        line(".SS " + escaped(command.qualifiedName()));
        synopsis(command);
        paragraphs(Arrays.asList(command.usageMessage().description()));
        options(command);
    }

    private void synopsis(CommandSpec command) {
        var words = new StringBuilder(".PP\n.B " + escaped(command.qualifiedName()) + "\n");
        if (!command.options().isEmpty()) {
            words.append("[\\fIOPTION\\fR]...\n");
        }
        for (var parameter : command.positionalParameters()) {
            var name = "\\fI" + escaped(parameter.paramLabel()) + "\\fR";
            var required = parameter.arity().min() > 0 ? name : "[" + name + "]";
            words.append(required)
                    .append(parameter.arity().max() > 1 ? "..." : "")
                    .append('\n');
        }
        if (!commands(command).isEmpty()) {
            words.append("[\\fICOMMAND\\fR]\n");
        }
        line(words.toString().stripTrailing());
    }

    private void paragraphs(List<String> texts) {
        for (var text : texts) {
            if (!text.isBlank()) {
                line(".PP\n" + escaped(text));
            }
        }
    }

    private void options(CommandSpec command) {
        for (var parameter : command.positionalParameters()) {
            described("\\fI" + escaped(parameter.paramLabel()) + "\\fR", parameter);
        }
        for (var option : command.options()) {
            if (!option.hidden()) {
                described(named(option), option);
            }
        }
    }

    private static String named(OptionSpec option) {
        var names = Arrays.stream(option.names())
                .map(name -> "\\fB" + escaped(name) + "\\fR")
                .collect(Collectors.joining(", "));
        return option.arity().max() == 0 ? names : names + " \\fI" + escaped(option.paramLabel()) + "\\fR";
    }

    private void described(String head, CommandLine.Model.ArgSpec argument) {
        if (argument instanceof PositionalParamSpec && argument.description().length == 0) {
            return;
        }
        line(".TP\n" + head);
        line(escaped(String.join(" ", argument.description())));
    }

    private static String brief(String text) {
        var end = text.indexOf(". ");
        var first = end < 0 ? text : text.substring(0, end);
        return first.endsWith(".") ? first.substring(0, first.length() - 1) : first;
    }

    /** Nothing in it is an order to the formatter any more. */
    static String escaped(String text) {
        var plain = text.replace("%n", " ")
                .replace("%%", "%")
                .replace("\\", "\\(rs")
                .replace("-", "\\-")
                .replace("'", "\\(aq")
                .replace("\n", " ");
        return plain.startsWith(".") ? "\\&" + plain : plain;
    }

    private void line(String text) {
        page.append(text).append('\n');
    }
}
