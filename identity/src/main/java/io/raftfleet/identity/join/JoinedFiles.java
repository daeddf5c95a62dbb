package io.raftfleet.identity.join;

import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.PrivateFile;
import io.raftfleet.proto.cluster.JoinResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Puts what somebody was given by joining into files. */
public final class JoinedFiles {
    /** The authority's certificate. */
    public static final String AUTHORITY = "ca.pem";

    private JoinedFiles() {}

    /**
     * Writes the authority's certificate, the key, and the certificate, in this order; what was there of the last two is replaced.
     *
     * @param name of whose files they are, as in {@code agent-ID}
     * @throws JoinException when the directory is of another authority
     * @throws IOException when something can't be written
     */
    public static TlsFiles write(Path directory, String name, String key, JoinResponse given) throws IOException {
        Path authority = directory.resolve(AUTHORITY);
        checkAuthority(directory, given.getAuthority());
        PrivateFile.directory(directory);
        if (!Files.exists(authority)) {
            PrivateFile.createPublic(authority, given.getAuthority());
        }
        var files = new TlsFiles(authority, directory.resolve(name + ".pem"), directory.resolve(name + "-key.pem"));
        PrivateFile.replace(files.key(), key);
        PrivateFile.replacePublic(files.certificate(), given.getCertificate());
        return files;
    }

    private static void checkAuthority(Path directory, String given) throws IOException {
        Path authority = directory.resolve(AUTHORITY);
        if (Files.exists(authority)
                && !Files.readString(authority, StandardCharsets.US_ASCII).contains(given.strip())) {
            throw new JoinException(
                    authority + " is of another authority than the cluster's: move it away if this machine"
                            + " is to leave that cluster, or choose another --dir");
        }
    }
}
