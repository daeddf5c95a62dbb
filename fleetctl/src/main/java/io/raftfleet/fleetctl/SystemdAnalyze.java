package io.raftfleet.fleetctl;

import io.raftfleet.fleetctl.VerifyCommand.Finding;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * What {@code systemd-analyze verify} says of unit files. They are copied into a directory of their own, in front of the host's, so that
 * they find each other there. systemd passes over {@code [X-Fleet]}, as over all sections that begin so.
 */
final class SystemdAnalyze {
    private static final int LIMIT_SECONDS = 30;
    private static final int MOST_WORDS = 1 << 20;

    /** True of this host alone: other machines may have the program, the cluster may have the unit. */
    private static final Pattern ABOUT_THIS_HOST =
            Pattern.compile("Command .* is not executable: .*|Failed to create .*: Unit .* not found\\.");

    /** The unit runs, without that line. */
    private static final Pattern PASSED_OVER = Pattern.compile(".*, ignoring.*");

    private SystemdAnalyze() {}

    /**
     * Checks the files that there are.
     *
     * @return why systemd was not asked; empty when it was
     */
    static Optional<Finding> check(List<VerifiedFile> files, boolean user, Consumer<Finding> told) {
        Path directory;
        try {
            directory = Files.createTempDirectory("fleetctl-verify");
        } catch (IOException e) {
            return Optional.of(notAsked("no temporary directory can be made: " + e.getMessage()));
        }
        try {
            var copied = new ArrayList<VerifiedFile>();
            for (VerifiedFile file : files) {
                Path source = file.source();
                if (source != null && Files.isRegularFile(source)) {
                    try {
                        Files.copy(source, directory.resolve(file.name()));
                        copied.add(file);
                    } catch (FileAlreadyExistsException e) {
                        told.accept(new Finding(
                                file.argument(),
                                0,
                                true,
                                "fleet",
                                "another file given is of the same unit, " + file.name()));
                    }
                }
            }
            for (VerifiedFile file : copied) {
                Optional<String> obstacle = check(file, directory, user, told);
                if (obstacle.isPresent()) {
                    return obstacle.map(SystemdAnalyze::notAsked);
                }
            }
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of(notAsked(e.toString()));
        } finally {
            delete(directory);
        }
    }

    private static Finding notAsked(String why) {
        return new Finding("", 0, false, "fleet", "not checked by systemd: " + why);
    }

    private static Optional<String> check(VerifiedFile file, Path directory, boolean user, Consumer<Finding> told)
            throws IOException {
        var command = new ArrayList<>(List.of("systemd-analyze", "verify", "--man=no", user ? "--user" : "--system"));
        Path copy = directory.resolve(file.name());
        command.add(copy.toString());
        Path said = directory.resolve("said");
        var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile());
        builder.environment().put("SYSTEMD_UNIT_PATH", directory + ":");
        builder.environment().put("SYSTEMD_LOG_COLOR", "0");
        builder.environment().put("SYSTEMD_LOG_TARGET", "console");
        builder.environment().put("LC_ALL", "C");
        if (user) {
            builder.environment().put("XDG_RUNTIME_DIR", directory.toString());
        }
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            return Optional.of("systemd-analyze is not installed here (--no-systemd leaves it out)");
        }
        try {
            process.getOutputStream().close();
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                return Optional.of("systemd-analyze took more than " + LIMIT_SECONDS + " s");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.of("interrupted");
        } finally {
            process.destroyForcibly();
        }
        String words;
        try (var in = Files.newInputStream(said)) {
            words = new String(in.readNBytes(MOST_WORDS), StandardCharsets.UTF_8);
        }
        var findings = new LinkedHashSet<Finding>();
        for (String line : words.lines().toList()) {
            finding(file, copy, line).ifPresent(findings::add);
        }
        if (process.exitValue() != 0 && findings.isEmpty()) {
            String reason = words.lines().reduce((first, last) -> last).orElse("it said nothing");
            return Optional.of("systemd-analyze can't work here: " + reason);
        }
        findings.forEach(told);
        return Optional.empty();
    }

    /** What a line says of this file; empty for one about another unit. */
    private static Optional<Finding> finding(VerifiedFile file, Path copy, String line) {
        if (line.startsWith(copy + ":")) {
            String rest = line.substring(copy.toString().length() + 1);
            int colon = rest.indexOf(':');
            String number = colon < 0 ? "" : rest.substring(0, colon);
            boolean numbered =
                    !number.isEmpty() && number.length() < 9 && number.chars().allMatch(Character::isDigit);
            return Optional.of(new Finding(
                    file.argument(),
                    numbered ? Integer.parseInt(number) : 0,
                    !PASSED_OVER.matcher(rest).matches(),
                    "systemd",
                    (numbered ? rest.substring(colon + 1) : rest).strip()));
        }
        if (line.startsWith(file.name() + ": ")) {
            String message = line.substring(file.name().length() + 2);
            boolean here = ABOUT_THIS_HOST.matcher(message).matches();
            return Optional.of(new Finding(
                    file.argument(),
                    0,
                    !here,
                    "systemd",
                    here ? message + " That counts on the unit's machine, not here." : message));
        }
        return Optional.empty();
    }

    private static void delete(Path directory) {
        try (var tree = Files.walk(directory)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException left) {
            directory.toFile().deleteOnExit();
        }
    }
}
