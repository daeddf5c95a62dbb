package io.raftfleet.identity;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where somebody's certificate is. All PEM.
 *
 * @param authorities the certificates that the others' must lead to
 * @param certificate one's own, followed by those between it and its authority, if there are any
 * @param key its private key, in PKCS #8 without a passphrase; only its owner, and a group, may read it
 */
public record TlsFiles(Path authorities, Path certificate, Path key) {
    /** Stands in the names of files for a machine's id, as in systemd's unit files. */
    public static final String MACHINE = "%m";

    /**
     * All three files, or none of them.
     *
     * @param names what the three are called where they are set, for people
     * @throws IllegalArgumentException when some are missing, naming them
     */
    public static Optional<TlsFiles> of(
            @Nullable Path authorities, @Nullable Path certificate, @Nullable Path key, String... names) {
        if (authorities != null && certificate != null && key != null) {
            return Optional.of(new TlsFiles(authorities, certificate, key));
        }
        if (authorities == null && certificate == null && key == null) {
            return Optional.empty();
        }
        String missing = authorities == null ? names[0] : certificate == null ? names[1] : names[2];
        throw new IllegalArgumentException(missing + " is missing: TLS takes " + String.join(", ", names)
                + ", all three, since both ends of a connection show who they are");
    }

    /** These files of one machine: {@value #MACHINE} in the names of certificate and key becomes its id. */
    public TlsFiles of(String machine) {
        return new TlsFiles(authorities, named(certificate, machine), named(key, machine));
    }

    /** Whether each machine has files of its own. */
    public boolean isForEachMachine() {
        return certificate.toString().contains(MACHINE) && key.toString().contains(MACHINE);
    }

    private static Path named(Path file, String machine) {
        return Path.of(file.toString().replace(MACHINE, machine));
    }
}
