package io.raftfleet.settings.join;

import io.raftfleet.settings.Setting;
import io.raftfleet.settings.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Puts settings into a configuration file and leaves all else in it as it is. */
public final class ConfigEdit {
    private ConfigEdit() {}

    /**
     * Each setting is on one line afterwards, where it was first, or at the end; an empty value takes it out. Where a file beside it that
     * both daemons read says something of such a setting, an empty one is written, which counts as none.
     *
     * @throws IOException when the file can't be written, or the other one not be read; it is then as it was
     */
    public static void write(Path file, Map<Setting, String> values) throws IOException {
        List<String> lines = new ArrayList<>();
        Set<Setting> written = EnumSet.noneOf(Setting.class);
        Set<Setting> shared = beneath(file, values.keySet());
        for (String line : lines(file)) {
            Setting setting = setting(line, values.keySet());
            if (setting == null) {
                lines.add(line);
            } else if (written.add(setting)) {
                add(lines, setting, values.getOrDefault(setting, ""), shared);
            }
        }
        values.forEach((setting, value) -> {
            if (!written.contains(setting)) {
                add(lines, setting, value, shared);
            }
        });
        if (file.getParent() != null) {
            Files.createDirectories(file.getParent());
        }
        Path next = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(next);
        // Whoever could not read the old one, which may hold passwords, can't read the new one at any time; who could,
        // can.
        if (Files.exists(file)) {
            var old = Files.readAttributes(file, PosixFileAttributes.class);
            Files.createFile(next, PosixFilePermissions.asFileAttribute(old.permissions()));
            Ownership.give(next, old);
        } else {
            Files.createFile(next, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-r--r--")));
        }
        Files.write(next, lines);
        Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static @Nullable Setting setting(String line, Set<Setting> candidates) {
        return candidates.stream()
                .filter(candidate -> line.strip().matches("(?i)" + candidate.key() + "\\s*=.*"))
                .findFirst()
                .orElse(null);
    }

    /** Which of the settings the file that both daemons share says something of. */
    private static Set<Setting> beneath(Path file, Set<Setting> settings) throws IOException {
        Path shared = file.resolveSibling(Settings.SHARED);
        Set<Setting> found = EnumSet.noneOf(Setting.class);
        if (!shared.equals(file)) {
            for (String line : lines(shared)) {
                Setting setting = setting(line, settings);
                if (setting != null) {
                    found.add(setting);
                }
            }
        }
        return found;
    }

    private static List<String> lines(Path file) throws IOException {
        try {
            return Files.readAllLines(file);
        } catch (NoSuchFileException none) {
            return List.of();
        }
    }

    private static String quoted(String value) {
        return value.contains("\"") ? "'" + value + "'" : "\"" + value + "\"";
    }

    private static void add(List<String> lines, Setting setting, String value, Set<Setting> shared) {
        if (!value.isEmpty() || shared.contains(setting)) {
            // Without quotes a value ends where a comment begins.
            lines.add(setting.key() + "=" + (value.matches(".*[#;\"'].*") ? quoted(value) : value));
        }
    }
}
