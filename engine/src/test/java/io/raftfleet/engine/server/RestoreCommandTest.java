package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.identity.Credentials;
import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.proto.cluster.BackupHeader;
import io.raftfleet.settings.SettingsException;
import io.raftfleet.state.raft.FirstStart;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An engine as fleet-engine init makes it, whose registry is no good. */
class RestoreCommandTest {
    private static final UUID CLUSTER = UUID.fromString("00000000-0000-4000-8000-000000000001");

    @TempDir
    Path dir;

    private Path data;
    private Path certificates;
    private Path config;
    private TlsFiles files;

    @BeforeEach
    void makeEngine() throws IOException {
        data = dir.resolve("data");
        certificates = data.resolve(FirstStart.CERTIFICATES);
        files = new TlsFiles(
                certificates.resolve("ca.pem"), certificates.resolve("e2.pem"), certificates.resolve("e2-key.pem"));
        FirstStart.prepare(data, CLUSTER, "e2", true);
        var authority = CertificateAuthority.create(
                certificates, CLUSTER.toString(), Instant.now().minus(Duration.ofDays(100)), Duration.ofDays(3650));
        authority
                .issue(
                        Kind.ENGINE,
                        "e2",
                        Optional.empty(),
                        List.of("fleet.example"),
                        Instant.now().minus(Duration.ofDays(100)),
                        Duration.ofDays(90))
                .write(files.certificate(), files.key());
        config = Files.writeString(dir.resolve("engine.conf"), """
                engine_id=e2
                cluster_id=%s
                peers=e1=127.0.0.1:1/127.0.0.1:2/127.0.0.1:3,e2=127.0.0.1:4/127.0.0.1:5/127.0.0.1:6
                data_dir=%s
                ca_file=%s
                cert_file=%s
                key_file=%s
                ca_key_file=%s
                """.formatted(
                        CLUSTER,
                        data,
                        files.authorities(),
                        files.certificate(),
                        files.key(),
                        certificates.resolve("ca-key.pem")));
    }

    private Path backup(UUID cluster) throws IOException {
        var bytes = new ByteArrayOutputStream();
        BackupWriter.write(
                bytes,
                BackupHeader.newBuilder().setClusterId(cluster.toString()).build(),
                Collections.emptyIterator());
        return Files.write(dir.resolve("fleet.backup"), bytes.toByteArray());
    }

    private boolean restore(Path backup) throws IOException {
        var command = new RestoreCommand();
        command.source.backup = backup;
        command.config = config;
        command.noStart = true;
        return command.run(Map.of("HOME", dir.resolve("home").toString()));
    }

    private Map<String, String> filesOfData() throws IOException {
        try (var all = Files.walk(data)) {
            return all.filter(Files::isRegularFile)
                    .collect(java.util.stream.Collectors.toMap(Path::toString, RestoreCommandTest::text));
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void setsTheRegistryAsideAndKeepsTheAuthority() throws IOException {
        var authority = Files.readString(certificates.resolve("ca-key.pem"));
        Files.createDirectories(data.resolve("raft"));
        Files.writeString(data.resolve("raft/log"), "entries");

        assertThat(restore(backup(CLUSTER))).isFalse();

        assertThat(data.resolve("raft")).doesNotExist();
        try (var former = Files.list(data)) {
            var aside = former.filter(file -> file.getFileName().toString().startsWith("former-"))
                    .findFirst()
                    .orElseThrow();
            assertThat(aside.resolve("raft/log")).hasContent("entries");
        }
        assertThat(certificates.resolve("ca-key.pem")).hasContent(authority);
        assertThat(data.resolve("restore.backup")).hasSameBinaryContentAs(dir.resolve("fleet.backup"));
        // The one that it had has ended.
        assertThat(Credentials.read(files, Instant.now()).self().id().name()).isEqualTo("e2");
        assertThat(dir.resolve("home/.config/raftfleet/contexts/00000000.conf"))
                .content()
                .contains("endpoint=127.0.0.1:5");
        assertThat(Issuer.hosts(Credentials.read(files, Instant.now()).chain().getFirst()))
                .as("what the one before was for, and what it listens on")
                .contains("fleet.example", "127.0.0.1");
        // Again, as whoever took the wrong file.
        assertThat(restore(backup(CLUSTER))).isFalse();
    }

    @Test
    void changesNothingWhenItRefuses() throws IOException, SettingsException {
        var before = filesOfData();
        var other = UUID.fromString("00000000-0000-4000-8000-000000000002");

        assertThatThrownBy(() -> restore(backup(other)))
                .hasMessageContaining(other.toString())
                .hasMessageContaining(CLUSTER.toString());
        assertThatThrownBy(() -> restore(dir.resolve("none"))).hasMessageContaining("there is no backup file");
        assertThatThrownBy(() -> restore(dir)).hasMessageContaining(dir + " is a directory");
        var damaged = backup(CLUSTER);
        Files.write(damaged, java.util.Arrays.copyOf(Files.readAllBytes(damaged), 40));
        assertThatThrownBy(() -> restore(damaged)).hasMessageContaining("Take another backup file");
        assertThat(filesOfData()).isEqualTo(before);

        Files.delete(certificates.resolve("ca-key.pem"));
        assertThatThrownBy(() -> restore(backup(CLUSTER)))
                .hasMessageContaining(certificates.resolve("ca-key.pem").toString())
                .hasMessageContaining("authority is needed");
        assertThat(data.resolve("restore.backup")).doesNotExist();
    }

    @Test
    void changesNothingWhileTheEngineRuns() throws IOException {
        var before = filesOfData();
        try (var lock = FileChannel.open(data.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            assertThat(lock.tryLock()).isNotNull();
            assertThatThrownBy(() -> restore(backup(CLUSTER))).hasMessageContaining("in use");
        }
        Files.delete(data.resolve("lock"));
        assertThat(filesOfData()).isEqualTo(before);
    }

    @Test
    void asksOfEtcdOnlyWhetherTheEngineKnowsOne() throws IOException {
        var command = new RestoreCommand();
        command.source.etcd = true;
        command.config = config;
        command.noStart = true;
        var home = Map.of("HOME", dir.resolve("home").toString());
        assertThatThrownBy(() -> command.run(home)).hasMessageContaining("names no etcd");
        // Which credentials there are the service will know.
        Files.writeString(config, Files.readString(config) + """
                etcd_servers=https://127.0.0.1:1
                etcd_username=fleet
                etcd_password_file=%d/etcd
                """);
        assertThat(command.run(home)).isFalse();
        assertThat(data.resolve("engine.properties")).content().contains("restore=etcd");
    }
}
