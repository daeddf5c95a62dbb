package io.raftfleet.fleetctl;

import io.raftfleet.fleetctl.client.Endpoint;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.join.UserContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
 * {@code ca_file=}, {@code cert_file=} and {@code key_file=}.
 */
final class Contexts {
    private Contexts() {}

    /**
     * The files of the first context, by name, that has one of these endpoints; empty when none has.
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
                Map<String, String> values = read(file);
                if (!Collections.disjoint(endpoints(file, values), endpoints)) {
                    return Optional.of(files(file, values));
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
        for (String line : Files.readAllLines(file)) {
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

    private static TlsFiles files(Path file, Map<String, String> values) {
        Optional<TlsFiles> files;
        try {
            files = TlsFiles.of(
                    path(values, "ca_file"),
                    path(values, "cert_file"),
                    path(values, "key_file"),
                    "ca_file",
                    "cert_file",
                    "key_file");
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
        return files.orElseThrow(() -> new IllegalArgumentException(
                file + " names no certificate: give it ca_file=, cert_file= and key_file="));
    }

    private static @Nullable Path path(Map<String, String> values, String key) {
        String value = values.getOrDefault(key, "");
        return value.isEmpty() ? null : Path.of(value);
    }
}
