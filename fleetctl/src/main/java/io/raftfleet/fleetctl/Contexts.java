package io.raftfleet.fleetctl;

import io.raftfleet.client.Endpoint;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.join.UserContext;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Which certificate a user shows to which cluster, for those who do not say: files {@code NAME.conf} in
 * {@code $XDG_CONFIG_HOME/raftfleet/contexts}, or {@code ~/.config/raftfleet/contexts}, of lines {@code endpoint=HOST:PORT,...},
 * {@code ca_file=}, {@code cert_file=} and {@code key_file=}. A cluster in plaintext has {@code plaintext=true} instead: a certificate that was forgotten must
 * not become a call that anybody can read. Addresses with {@code http://} and {@code unix://} say so by themselves.
 */
final class Contexts {
    private Contexts() {}

    /** A context: where a cluster's engines are, and what to show them; nothing for plaintext. */
    record Context(List<Endpoint> endpoints, Optional<TlsFiles> files) {}

    /**
     * The context of this name.
     *
     * @throws IllegalArgumentException when there is none, with those that there are; or when it can't be used, saying why
     */
    static Context named(String name, Map<String, String> environment) {
        Path directory = directory(environment);
        if (directory == null) {
            throw new IllegalArgumentException("there are no contexts, as neither XDG_CONFIG_HOME nor HOME is set");
        }
        Path file = UserContext.isName(name) ? directory.resolve(name + UserContext.SUFFIX) : null;
        if (file == null || !Files.exists(file)) {
            throw new IllegalArgumentException(
                    "there is no context \"" + name + "\" in " + directory + hint(name, names(directory)));
        }
        try {
            Map<String, String> values = read(file);
            List<Endpoint> endpoints = endpoints(file, values);
            return new Context(endpoints, files(file, values, endpoints));
        } catch (IOException e) {
            throw new IllegalArgumentException("context " + file + " can't be read: " + e.getMessage(), e);
        }
    }

    private static String hint(String name, List<String> names) {
        String otherwise = names.isEmpty() ? "; fleetctl login makes one" : "; there are: " + String.join(", ", names);
        return Suggestions.question(Suggestions.closest(name, names), otherwise);
    }

    /** Whether it looks as if a command with these arguments is to show a certificate: a guess, for who prepares for that. */
    static boolean mayShowCertificates(Map<String, String> environment, String... arguments) {
        Path directory = directory(environment);
        return environment.containsKey("FLEETCTL_CERT_FILE")
                || Arrays.stream(arguments).anyMatch(argument -> argument.startsWith("--cert-file"))
                || (directory != null && Files.isDirectory(directory));
    }

    /** Names of all contexts. */
    private static List<String> names(Path directory) {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (var files = Files.list(directory)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .filter(name -> name.endsWith(UserContext.SUFFIX))
                    .map(name -> name.substring(0, name.length() - UserContext.SUFFIX.length()))
                    .filter(UserContext::isName)
                    .sorted()
                    .toList();
        } catch (IOException e) {
            return List.of(); // They would have been a hint.
        }
    }

    /**
     * The files of the first context, by name, that has one of these endpoints; empty when none has, or that one names no files.
     *
     * @throws IllegalArgumentException when that context can't be used, saying which and why
     */
    static Optional<TlsFiles> find(List<Endpoint> endpoints, Map<String, String> environment) {
        Path directory = directory(environment);
        if (directory == null || !Files.isDirectory(directory)) {
            return Optional.empty();
        }
        try (var files = Files.newDirectoryStream(directory, "*" + UserContext.SUFFIX)) {
            var names = new TreeSet<Path>();
            files.forEach(names::add);
            for (Path file : names) {
                if (!Files.isRegularFile(file)) {
                    continue;
                }
                Map<String, String> values;
                try {
                    values = read(file);
                } catch (IOException e) {
                    throw new IllegalArgumentException(
                            "context " + file + " can't be read: " + CommandException.words(e), e);
                }
                List<Endpoint> own = endpoints(file, values);
                if (!Collections.disjoint(own, endpoints)) {
                    return files(file, values, own);
                }
            }
            return Optional.empty();
        } catch (IOException e) {
            throw new IllegalArgumentException(directory + " can't be read: " + e.getMessage(), e);
        }
    }

    private static @Nullable Path directory(Map<String, String> environment) {
        return UserContext.home(environment)
                .map(home -> home.resolve(UserContext.DIRECTORY))
                .orElse(null);
    }

    private static Map<String, String> read(Path file) throws IOException {
        var values = new HashMap<String, String>();
        // What is not UTF-8 has no name or value that is looked for.
        for (String line : new String(Files.readAllBytes(file), StandardCharsets.UTF_8)
                .lines()
                .toList()) {
            int equals = line.indexOf('=');
            if (equals > 0 && !line.startsWith("#")) {
                values.put(
                        line.substring(0, equals).strip(),
                        line.substring(equals + 1).strip());
            }
        }
        return values;
    }

    private static List<Endpoint> endpoints(Path file, Map<String, String> values) {
        try {
            return new ArrayList<>(Endpoint.parseList(values.getOrDefault("endpoint", "")));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
    }

    private static Optional<TlsFiles> files(Path file, Map<String, String> values, List<Endpoint> endpoints) {
        try {
            Optional<TlsFiles> files = TlsFiles.of(
                    path(values, "ca_file"),
                    path(values, "cert_file"),
                    path(values, "key_file"),
                    "ca_file",
                    "cert_file",
                    "key_file");
            boolean plaintext = plaintext(values);
            if (files.isPresent() && plaintext) {
                throw new IllegalArgumentException("plaintext=true and certificates don't go together: leave out one");
            }
            if (files.isEmpty() && !plaintext && endpoints.stream().anyMatch(Contexts::takesTls)) {
                throw new IllegalArgumentException(
                        "it names no certificate: add ca_file=, cert_file= and key_file=, or make it"
                                + " anew with fleetctl login; if the cluster is in plaintext, add plaintext=true");
            }
            return files;
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
    }

    private static boolean plaintext(Map<String, String> values) {
        String value = values.getOrDefault("plaintext", "false");
        if (!value.equals("true") && !value.equals("false")) {
            throw new IllegalArgumentException("plaintext=" + value + " is neither true nor false");
        }
        return value.equals("true");
    }

    private static boolean takesTls(Endpoint endpoint) {
        return endpoint.kind() == Endpoint.Kind.GRPC || endpoint.kind() == Endpoint.Kind.HTTPS;
    }

    private static @Nullable Path path(Map<String, String> values, String key) {
        String value = values.getOrDefault(key, "");
        return value.isEmpty() ? null : Path.of(value);
    }
}
