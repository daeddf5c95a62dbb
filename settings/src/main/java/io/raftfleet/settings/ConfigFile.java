package io.raftfleet.settings;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The lines of a configuration file, read as fleet read them (goini): {@code #} and {@code ;} begin comments, a backslash at a line's
 * end joins the next one to it, names are the same in upper and lower case, a value may be in quotes of either kind, and one without
 * quotes ends where a comment begins. A quoted value may have a comment behind it, which fleet took as part of the value.
 */
final class ConfigFile {
    /** More than any file of settings needs. */
    private static final long MAX_BYTES = 1 << 20;

    private static final Pattern LINE = Pattern.compile(
            "(?<name>[^=\\s]+)\\s*=\\s*(?:\"(?<double>[^\"]*)\"\\s*(?:[#;].*)?|'(?<single>[^']*)'\\s*(?:[#;].*)?|(?<bare>[^#;]*)(?:[#;].*)?)");

    private ConfigFile() {}

    /**
     * One setting of a file.
     *
     * @param key in lower case
     * @param line where it begins, from 1
     */
    record Line(String key, String value, int line) {}

    /** @throws SettingsException naming the file, the line and what to do */
    static List<Line> read(Path file) throws SettingsException {
        List<String> lines;
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new SettingsException(
                        "the configuration file " + file + " has more than a MiB: is it another file?");
            }
            lines = Files.readAllLines(file);
        } catch (AccessDeniedException e) {
            throw new SettingsException(
                    "the configuration file " + file + " can't be read by user " + System.getProperty("user.name")
                            + ", which this runs as: give the file a group of that user's and mode 640, or, if it says nothing that is"
                            + " needed here, take it away",
                    e);
        } catch (IOException e) {
            throw new SettingsException("the configuration file " + file + " can't be read: " + e, e);
        }
        var settings = new ArrayList<Line>();
        for (int i = 0; i < lines.size(); i++) {
            int number = i + 1;
            var line = new StringBuilder(lines.get(i).strip());
            while (!line.isEmpty() && line.charAt(line.length() - 1) == '\\') {
                line.setLength(line.length() - 1);
                i++;
                line.append(i < lines.size() ? lines.get(i).strip() : "");
            }
            if (!line.isEmpty() && line.charAt(0) != '#' && line.charAt(0) != ';') {
                settings.add(parse(line.toString(), file + ":" + number, number));
            }
        }
        return settings;
    }

    private static Line parse(String line, String where, int number) throws SettingsException {
        if (line.startsWith("[") && line.endsWith("]")) {
            throw new SettingsException("section " + line + " in " + where
                    + ": the file has no sections; put its lines at the top without it");
        }
        Matcher parts = LINE.matcher(line);
        if (!parts.matches()) {
            throw new SettingsException(where + " is not like name=value");
        }
        String value = parts.group("double") != null
                ? parts.group("double")
                : parts.group("single") != null
                        ? parts.group("single")
                        : parts.group("bare").strip();
        return new Line(parts.group("name").toLowerCase(Locale.ROOT), value, number);
    }
}
