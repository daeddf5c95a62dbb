package io.raftfleet.settings;

import io.raftfleet.identity.Credentials;
import io.raftfleet.identity.CredentialsException;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TlsFiles;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How a daemon shows who it is. */
public final class TlsOptions {
    private TlsOptions() {}

    /**
     * Where the certificate is; empty for plaintext, which must have been allowed.
     *
     * @throws SettingsException when files are missing, or nothing says how the daemon is to talk
     */
    public static Optional<TlsFiles> resolve(Settings settings) throws SettingsException {
        Optional<TlsFiles> files;
        try {
            files = TlsFiles.of(
                    path(settings, Setting.CA_FILE),
                    path(settings, Setting.CERT_FILE),
                    path(settings, Setting.KEY_FILE),
                    "ca_file (--ca-file)",
                    "cert_file (--cert-file)",
                    "key_file (--key-file)");
        } catch (IllegalArgumentException e) {
            throw new SettingsException(String.valueOf(e.getMessage()), e);
        }
        boolean allowPlaintext = settings.isOn(Setting.ALLOW_PLAINTEXT);
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

    private static @Nullable Path path(Settings settings, Setting setting) throws SettingsException {
        return settings.file(setting).orElse(null);
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
