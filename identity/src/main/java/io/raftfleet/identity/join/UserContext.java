package io.raftfleet.identity.join;

import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.PrivateFile;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** Where {@code fleetctl} finds which certificate a user shows to which cluster: files {@code NAME.conf} in {@code contexts}. */
public final class UserContext {
    /** Of contexts, below {@link #home}. */
    public static final String DIRECTORY = "contexts";

    /** What their names end with. */
    public static final String SUFFIX = ".conf";

    private UserContext() {}

    /**
     * Where a user's files are, {@code $XDG_CONFIG_HOME/raftfleet} or {@code ~/.config/raftfleet}; empty when nothing says where that
     * is, or what does can be the path of no file here, as one with letters that the locale has not.
     */
    public static Optional<Path> home(Map<String, String> environment) {
        String config = environment.getOrDefault("XDG_CONFIG_HOME", "");
        String home = environment.getOrDefault("HOME", "");
        try {
            if (!config.isEmpty()) {
                return Optional.of(Path.of(config, "raftfleet"));
            }
            return home.isEmpty() ? Optional.empty() : Optional.of(Path.of(home, ".config", "raftfleet"));
        } catch (InvalidPathException e) {
            return Optional.empty();
        }
    }

    /** Whether there can be a context of that name. */
    public static boolean isName(String name) {
        return name.matches("[A-Za-z0-9._-]{1,100}");
    }

    /**
     * Writes a context, in place of one of that name; returns its file.
     *
     * @param endpoints gRPC addresses, {@code host:port,...}
     * @throws IllegalArgumentException when there can be no context of that name
     * @throws IOException when it can't be written
     */
    public static Path write(Path home, String name, String endpoints, TlsFiles files) throws IOException {
        if (!isName(name)) {
            throw new IllegalArgumentException("\"" + name + "\" can't be the name of a context");
        }
        Path directory = home.resolve(DIRECTORY);
        Path file = directory.resolve(name + SUFFIX);
        PrivateFile.directory(directory);
        PrivateFile.replacePublic(
                file,
                "endpoint=" + endpoints + "\nca_file=" + files.authorities() + "\ncert_file=" + files.certificate()
                        + "\nkey_file=" + files.key() + "\n");
        return file;
    }
}
