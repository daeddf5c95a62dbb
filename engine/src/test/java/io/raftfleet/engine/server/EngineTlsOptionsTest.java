package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.settings.Daemon;
import io.raftfleet.settings.Flags;
import io.raftfleet.settings.SettingsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How an engine is told to talk. */
class EngineTlsOptionsTest {
    private static final String CLUSTER = UUID.randomUUID().toString();

    @TempDir
    Path dir;

    private EngineConfig resolve(Map<String, String> environment, String... arguments)
            throws IOException, SettingsException {
        var all = new ArrayList<>(List.of(
                "--config",
                Files.writeString(dir.resolve("fleet.conf"), "").toString(),
                "--engine-id=e1",
                "--cluster-id=" + CLUSTER,
                "--peers=e1=127.0.0.1:1/127.0.0.1:2/127.0.0.1:3"));
        all.addAll(List.of(arguments));
        var parsed = Flags.commandLine(Daemon.ENGINE, new EngineVersion(), "").parseArgs(all.toArray(String[]::new));
        return EngineOptions.resolve(Flags.read(Daemon.ENGINE, parsed, environment));
    }

    private TlsFiles issue(String authority, String cluster, Kind kind, String name) throws IOException {
        var directory = dir.resolve(authority);
        if (!Files.exists(directory)) {
            CertificateAuthority.create(directory, cluster, Instant.now(), Duration.ofDays(1));
        }
        var files = new TlsFiles(
                directory.resolve("ca.pem"), directory.resolve(name + ".pem"), directory.resolve(name + "-key.pem"));
        CertificateAuthority.open(directory)
                .issue(
                        kind,
                        name,
                        kind == Kind.USER ? Optional.of(Role.ADMIN) : Optional.empty(),
                        List.of(),
                        Instant.now(),
                        Duration.ofDays(1))
                .write(files.certificate(), files.key());
        return files;
    }

    private static String[] flags(TlsFiles files, String... more) {
        var all = new ArrayList<>(List.of(
                "--ca-file=" + files.authorities(), "--cert-file=" + files.certificate(), "--key-file=" + files.key()));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    private void refused(String words, String... arguments) {
        assertThatThrownBy(() -> resolve(Map.of(), arguments))
                .isInstanceOf(SettingsException.class)
                .hasMessageContaining(words);
    }

    @Test
    void plaintextHasToBeAskedForOnLoopbackToo() throws Exception {
        refused("no certificate is given");
        assertThat(resolve(Map.of(), "--allow-plaintext").tls()).isEmpty();
    }

    @Test
    void anEngineShowsACertificateOfItsOwn() throws Exception {
        var own = issue("ca", CLUSTER, Kind.ENGINE, "e1");
        assertThat(resolve(Map.of(), flags(own)).tls()).contains(own);
        assertThat(resolve(Map.of(
                                "FLEET_CA_FILE", own.authorities().toString(),
                                "FLEET_CERT_FILE", own.certificate().toString(),
                                "FLEET_KEY_FILE", own.key().toString()))
                        .tls())
                .contains(own);
        refused("spiffe://" + CLUSTER + "/engine/e1", flags(issue("ca", CLUSTER, Kind.ENGINE, "e2")));
        refused("spiffe://" + CLUSTER + "/engine/e1", flags(issue("ca", CLUSTER, Kind.USER, "root")));
        refused("of cluster " + CLUSTER, flags(issue("other", UUID.randomUUID().toString(), Kind.ENGINE, "e1")));
        refused(
                "key_file (--key-file) is missing",
                "--ca-file=" + own.authorities(),
                "--cert-file=" + own.certificate());
        refused("does not exist", flags(new TlsFiles(own.authorities(), dir.resolve("none"), own.key())));
        refused("leave one of them out", flags(own, "--allow-plaintext"));
    }

    /** As systemd hands them to a service with LoadCredential=; they have no other name than below its directory. */
    @Test
    void keysMayBeCredentialsOfTheService() throws Exception {
        var own = issue("ca", CLUSTER, Kind.ENGINE, "e1");
        var credentials = Map.of("CREDENTIALS_DIRECTORY", dir.resolve("ca").toString());
        var config = resolve(
                credentials,
                "--ca-file=" + own.authorities(),
                "--cert-file=" + own.certificate(),
                "--key-file=%d/e1-key.pem",
                "--ca-key-file=%d/ca-key.pem");
        assertThat(config.tls()).contains(own);
        assertThat(config.authorityKey()).contains(dir.resolve("ca").resolve("ca-key.pem"));
        refused(
                "CREDENTIALS_DIRECTORY is not set",
                "--ca-file=" + own.authorities(),
                "--cert-file=" + own.certificate(),
                "--key-file=%d/e1-key.pem");
    }

    @Test
    void httpMayBePlaintextBesideTlsOnLoopback() throws Exception {
        var own = issue("ca", CLUSTER, Kind.ENGINE, "e1");
        assertThat(resolve(Map.of(), flags(own)).plainHttp()).isFalse();
        assertThat(resolve(Map.of(), flags(own, "--plain-http")).plainHttp()).isTrue();
        refused("not on loopback", flags(own, "--plain-http", "--http=0.0.0.0:3"));
        refused("goes with certificates", "--allow-plaintext", "--plain-http");
    }
}
