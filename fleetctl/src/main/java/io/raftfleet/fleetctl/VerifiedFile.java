package io.raftfleet.fleetctl;

import io.raftfleet.fleetctl.VerifyCommand.Finding;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitName;
import io.raftfleet.unit.Units;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A file that {@code verify} was given, checked by the rules that it is submitted by.
 *
 * @param argument as the user gave it
 * @param name of the unit
 * @param source where its text was read; an instance's may be its template's; null when there is none that can be used
 */
record VerifiedFile(String argument, String name, @Nullable Path source) {
    private static final Pattern LINE = Pattern.compile("line ([0-9]{1,9})");
    private static final Pattern OPTION = Pattern.compile("\\[(.+)] \"?([^\" ]+)\"?");
    private static final Pattern QUOTED = Pattern.compile("\"((?:[^\"\\\\]|\\\\.)+)\"");
    private static final String OURS = "fleet";

    /** Reads and checks it; tells what is wrong. */
    static VerifiedFile read(LocalUnits local, String argument, Consumer<Finding> told) {
        String name = argument.substring(argument.lastIndexOf('/') + 1);
        String file = argument;
        try {
            UnitName unit = UnitName.of(name);
            if (!local.exists(argument) && unit.isInstance()) {
                file = LocalUnits.sibling(argument, unit.template().orElseThrow());
            }
            UnitFile contents = local.read(file).file();
            Units.validate(name, contents);
            if (local.exists(file + ".d")) {
                told.accept(new Finding(
                        argument,
                        0,
                        false,
                        OURS,
                        "what is in " + file
                                + ".d is not submitted with it: put it into the file, or on every machine"));
            }
            return new VerifiedFile(argument, name, local.path(file));
        } catch (InvalidUnitException e) {
            if (argument.endsWith(".conf")) {
                told.accept(new Finding(
                        argument,
                        0,
                        true,
                        OURS,
                        "this is no unit file; drop-ins are not submitted: put its lines into the unit's file, or it on every"
                                + " machine"));
                return new VerifiedFile(argument, name, null);
            }
            Path path = local.path(file);
            int line = line(path, e.field(), e.reason());
            String field = LINE.matcher(e.field()).matches() ? "" : e.field() + ": ";
            told.accept(new Finding(argument, line, true, OURS, field + e.reason()));
            return new VerifiedFile(argument, name, UnitName.isValid(name) ? path : null);
        } catch (IOException e) {
            told.accept(new Finding(argument, 0, true, OURS, String.valueOf(e.getMessage())));
            return new VerifiedFile(argument, name, null);
        }
    }

    /**
     * Where a field is in the file: its line, or the first one that sets the option, to the value that the reason begins with if it does;
     * 0 when that is not known.
     */
    private static int line(@Nullable Path path, String field, String reason) {
        Matcher number = LINE.matcher(field);
        if (number.matches()) {
            return Integer.parseInt(number.group(1));
        }
        Matcher option = OPTION.matcher(field);
        if (path == null || !option.matches()) {
            return 0;
        }
        List<String> lines;
        try {
            lines = Files.readAllLines(path);
        } catch (IOException e) {
            return 0;
        }
        Matcher quoted = QUOTED.matcher(reason);
        String value = quoted.lookingAt() ? quoted.group(1).replaceAll("\\\\(.)", "$1") : "";
        int first = 0;
        String section = "";
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).strip();
            if (line.startsWith("[") && line.endsWith("]")) {
                section = line.substring(1, line.length() - 1);
            } else if (section.equals(option.group(1))
                    && line.indexOf('=') > 0
                    && line.substring(0, line.indexOf('=')).strip().equals(option.group(2))) {
                if (line.contains(value)) {
                    return i + 1;
                }
                first = first == 0 ? i + 1 : first;
            }
        }
        return first;
    }
}
