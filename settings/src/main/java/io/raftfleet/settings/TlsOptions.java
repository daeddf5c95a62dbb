package io.raftfleet.settings;

import io.raftfleet.identity.Credentials;
import io.raftfleet.identity.CredentialsException;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TlsFiles;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a daemon shows who it is: flags over the environment over the configuration file. Written by picocli, read once. */
public final class TlsOptions {
    @Option(
            names = "--ca-file",
            paramLabel = "FILE",
            description = "PEM certificates of the authority that the others' certificates come from.")
    @Nullable
    String caFile;

    @Option(names = "--cert-file", paramLabel = "FILE", description = "PEM certificate that says who this daemon is.")
    @Nullable
    String certFile;

    @Option(names = "--key-file", paramLabel = "FILE", description = "PEM key of --cert-file; for its user alone.")
    @Nullable
    String keyFile;

    @Option(
            names = "--allow-plaintext",
            description =
                    "Do without certificates, and so without TLS: whoever reaches an engine is root on every machine.")
    boolean allowPlaintext;

    /**
     * Where the certificate is; empty for plaintext, which must have been allowed.
     *
     * @throws SettingsException when files are missing, or nothing says how the daemon is to talk
     */
    public Optional<TlsFiles> resolve(Settings settings) throws SettingsException {
        Optional<TlsFiles> files;
        try {
            files = TlsFiles.of(
                    path(caFile, settings, Setting.CA_FILE),
                    path(certFile, settings, Setting.CERT_FILE),
                    path(keyFile, settings, Setting.KEY_FILE),
                    "ca_file (--ca-file)",
                    "cert_file (--cert-file)",
                    "key_file (--key-file)");
        } catch (IllegalArgumentException e) {
            throw new SettingsException(String.valueOf(e.getMessage()), e);
        }
        if (files.isPresent() && allowPlaintext) {
            throw new SettingsException(
                    "--allow-plaintext is for daemons without certificates, and cert_file names one:"
                            + " leave one of them out");
        }
        if (files.isEmpty() && !allowPlaintext) {
            throw new SettingsException(
                    "no certificate is given, and without one nobody can tell who is at the other end:"
                            + " give --ca-file, --cert-file and --key-file (fleetctl cert makes them), or say --allow-plaintext"
                            + " where everybody who reaches an engine, from this machine too, may be root on every machine");
        }
        return files;
    }

    private static @Nullable Path path(@Nullable String option, Settings settings, Setting setting) {
        String value = option != null ? option : settings.get(setting).orElse("");
        return value.isEmpty() ? null : Path.of(value);
    }

    /**
     * Reads the files and looks whose they are. Whether the certificate is valid now is not looked at: at a machine's start its clock may
     * be wrong for a while.
     *
     * @param kind what the daemon is
     * @param name which of them
     * @param cluster of which cluster; null: not looked at
     * @throws SettingsException when they can't be used, or are somebody else's
     */
    public static void check(TlsFiles files, SpiffeId.Kind kind, String name, @Nullable String cluster)
            throws SettingsException {
        SpiffeId self;
        try {
            self = Credentials.whenever(files, Instant.now()).self().id();
        } catch (CredentialsException e) {
            throw new SettingsException(String.valueOf(e.getMessage()), e);
        }
        boolean own = self.kind() == kind
                && self.name().equals(name)
                && (cluster == null || self.cluster().equals(cluster));
        if (!own) {
            throw new SettingsException("the certificate in " + files.certificate() + " is of " + self
                    + ", but this is " + kind.label() + " " + name + (cluster == null ? "" : " of cluster " + cluster)
                    + ": give it a certificate of its own, spiffe://" + (cluster == null ? self.cluster() : cluster)
                    + "/" + kind.label() + "/" + name);
        }
    }
}
