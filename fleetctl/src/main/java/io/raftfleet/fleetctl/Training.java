package io.raftfleet.fleetctl;

import io.raftfleet.identity.TlsFiles;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The run from which the build makes fleetctl's ahead-of-time cache: common commands against a {@link TrainingServer} that answers with
 * one unit on one machine, so that all classes which a command needs have been used once, and no others. Nothing else calls it.
 */
final class Training {
    /** All are commands as people give them, even where this server has no answer. */
    static final List<List<String>> COMMANDS = List.of(
            List.of("list-units"),
            List.of("list-unit-files", "--full"),
            List.of("list-machines", "--json"),
            List.of("start", "a.service"),
            List.of("stop", "a.service"),
            List.of("restart", "a.service"),
            List.of("destroy", "a.service"),
            List.of("status", "a.service"),
            List.of("why", "a.service"),
            List.of("journal", "a.service"),
            List.of("cluster", "status"),
            // What all commands take.
            List.of("help"),
            List.of("version"));

    private Training() {}

    /** Runs the commands; their output goes nowhere. */
    public static void main(String[] arguments) throws IOException {
        Main.settleLibraries();
        Main.warmUp("--cert-file");
        Path directory = Files.createTempDirectory("training");
        Process server = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-cp",
                        Objects.requireNonNull(System.getProperty("java.class.path")),
                        TrainingServer.class.getName(),
                        directory.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader ports = server.inputReader(StandardCharsets.UTF_8)) {
            String plain = ports.readLine();
            String secured = ports.readLine();
            if (plain == null || secured == null) {
                throw new IOException("there is no server to train with");
            }
            run(Map.of("FLEETCTL_ENDPOINT", "127.0.0.1:" + plain), COMMANDS);
            run(
                    secured(secured, files(directory, "user")),
                    List.of(List.of("list-units"), List.of("start", "a.service")));
        } finally {
            server.destroy();
            delete(directory);
        }
    }

    /** With whom to talk over TLS, and as whom: for a command's environment. */
    static Map<String, String> secured(String port, TlsFiles user) {
        return Map.of(
                "FLEETCTL_ENDPOINT", "127.0.0.1:" + port,
                "FLEETCTL_CA_FILE", user.authorities().toString(),
                "FLEETCTL_CERT_FILE", user.certificate().toString(),
                "FLEETCTL_KEY_FILE", user.key().toString());
    }

    /** Where the server writes certificates, by whom they are for. */
    static TlsFiles files(Path directory, String whose) {
        return new TlsFiles(
                directory.resolve("ca").resolve("ca.pem"),
                directory.resolve(whose + ".pem"),
                directory.resolve(whose + "-key.pem"));
    }

    private static void delete(Path directory) throws IOException {
        try (var files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private static void run(Map<String, String> environment, List<List<String>> commands) {
        var nowhere = new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
        var terminal = new Terminal(InputStream.nullInputStream(), nowhere, nowhere, environment, Path.of(""), false);
        for (List<String> command : commands) {
            Fleetctl.run(terminal, command.toArray(String[]::new));
        }
    }
}
