package io.raftfleet.settings.join;

import io.raftfleet.settings.Setting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Puts settings into a configuration file and leaves all else in it as it is. */
public final class ConfigEdit {
    private ConfigEdit() {}

    /**
     * Each setting is on one line afterwards, where it was first, or at the end; an empty value takes it out.
     *
     * @throws IOException when the file can't be written; it is then as it was
     */
    public static void write(Path file, Map<Setting, String> values) throws IOException {
        List<String> lines = new ArrayList<>();
        List<Setting> written = new ArrayList<>();
        for (String line : lines(file)) {
            Setting setting = values.keySet().stream()
                    .filter(candidate -> line.strip().matches("(?i)" + candidate.key() + "\\s*=.*"))
                    .findFirst()
                    .orElse(null);
            if (setting == null) {
                lines.add(line);
            } else if (!written.contains(setting)) {
                written.add(setting);
                add(lines, setting, values.getOrDefault(setting, ""));
            }
        }
        values.forEach((setting, value) -> {
            if (!written.contains(setting)) {
                add(lines, setting, value);
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

    private static void add(List<String> lines, Setting setting, String value) {
        if (!value.isEmpty()) {
            // Without quotes a value ends where a comment begins.
            lines.add(setting.key() + "=" + (value.matches(".*[#;\"'].*") ? quoted(value) : value));
        }
    }
}
