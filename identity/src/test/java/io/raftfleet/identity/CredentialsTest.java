package io.raftfleet.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.ca.PrivateFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CredentialsTest {
    private final Instant now = Instant.now();

    @TempDir
    Path dir;

    private TestCluster cluster;

    @BeforeEach
    void authority() throws IOException {
        cluster = new TestCluster(dir.resolve("ca"), "c1");
    }

    @Test
    void whoSomebodyIsStandsInTheCertificate() throws IOException {
        var engine = Credentials.read(cluster.engine("e1"), now).self();
        assertThat(engine.id()).isEqualTo(new SpiffeId("c1", Kind.ENGINE, "e1"));
        assertThat(engine.role()).isEmpty();
        var user = Credentials.read(cluster.user("alice", Role.OPERATOR), now).self();
        assertThat(user.toString()).isEqualTo("spiffe://c1/user/alice");
        assertThat(user.role()).contains(Role.OPERATOR);
    }

    @Test
    void keysAreTheirOwnersAloneAndNothingIsWrittenOver() throws IOException {
        var files = cluster.agent("a".repeat(32));
        assertThat(mode(files.key())).isEqualTo("rw-------");
        assertThat(mode(dir.resolve("ca").resolve(CertificateAuthority.KEY))).isEqualTo("rw-------");
        assertThat(mode(dir.resolve("ca"))).isEqualTo("rwx------");
        var again = cluster.authority.issue(Kind.ENGINE, "e1", Optional.empty(), List.of(), now, TestCluster.DAY);
        assertThatThrownBy(() -> again.write(dir.resolve("new.pem"), files.key()))
                .hasMessageContaining("exists");
        assertThatThrownBy(() -> again.write(files.certificate(), dir.resolve("new-key.pem")))
                .hasMessageContaining("exists");
        assertThat(dir.resolve("new-key.pem")).doesNotExist();
        assertThatThrownBy(() -> new TestCluster(dir.resolve("ca"), "c1")).hasMessageContaining("ca-key.pem exists");
    }

    /** As /etc/fleet above its certificates, which the engine's user has to pass. */
    @Test
    void onlyTheDirectoryItselfIsPrivate() throws IOException {
        Path above = dir.resolve("a/b");
        PrivateFile.directory(above.resolve("private"));
        PrivateFile.directory(above.resolve("private"));
        assertThat(mode(above.resolve("private"))).isEqualTo("rwx------");
        assertThat(mode(above)).isEqualTo(mode(Files.createDirectory(dir.resolve("usual"))));
        Path file = Files.createFile(above.resolve("file"));
        assertThatThrownBy(() -> PrivateFile.directory(file)).hasMessageContaining(file.toString());
    }

    private static String mode(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }

    @Test
    void anAuthorityIsOpenedAgain() throws IOException {
        var opened = CertificateAuthority.open(dir.resolve("ca"));
        assertThat(opened.cluster()).isEqualTo("c1");
        var files = new TlsFiles(cluster.authorityFile(), dir.resolve("e2.pem"), dir.resolve("e2-key.pem"));
        opened.issue(Kind.ENGINE, "e2", Optional.empty(), List.of("localhost", "127.0.0.1"), now, TestCluster.DAY)
                .write(files.certificate(), files.key());
        assertThat(Credentials.read(files, now).self().id().name()).isEqualTo("e2");
        assertThatThrownBy(() -> CertificateAuthority.open(dir.resolve("none")))
                .hasMessageContaining("make one with fleetctl cert create-ca");
    }

    @Test
    void namesThatCantStandInACertificateAreRefused() {
        for (String name : List.of("", "a/b", "a b", "..", "é", "x".repeat(129))) {
            assertThatThrownBy(() -> new SpiffeId("c1", Kind.USER, name))
                    .as(name)
                    .isInstanceOf(IllegalArgumentException.class);
        }
        for (String uri : List.of(
                "spiffe://c1",
                "spiffe://c1/engine",
                "spiffe://c1/engine/e1/x",
                "spiffe://C1/engine/e1",
                "http://c1/user/a",
                "spiffe://c1/root/a",
                "spiffe:///user/a")) {
            assertThatThrownBy(() -> SpiffeId.parse(uri)).as(uri).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void whatIsWrongWithFilesIsSaidInOneLine() throws IOException {
        var good = cluster.engine("e1");
        var other = new TestCluster(dir.resolve("other"), "c1").engine("e1");
        var past = cluster.issue(Kind.ENGINE, "old", Optional.empty(), now.minus(Duration.ofDays(3)), TestCluster.DAY);
        var future = cluster.issue(Kind.ENGINE, "new", Optional.empty(), now.plus(Duration.ofDays(3)), TestCluster.DAY);
        var text = Files.writeString(dir.resolve("text"), "no PEM");
        Files.setPosixFilePermissions(text, PosixFilePermissions.fromString("rw-------"));
        var open = Files.copy(good.key(), dir.resolve("open"), StandardCopyOption.COPY_ATTRIBUTES);
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rw-r--r--"));
        Path none = dir.resolve("none");

        refused(new TlsFiles(none, good.certificate(), good.key()), "CA file " + none + " does not exist");
        refused(new TlsFiles(text, good.certificate(), good.key()), "CA file " + text + " has no PEM certificate");
        refused(new TlsFiles(good.authorities(), text, good.key()), "certificate file " + text + " has no PEM");
        refused(new TlsFiles(good.authorities(), good.certificate(), dir), "key file " + dir + " can't be read");
        refused(
                new TlsFiles(good.authorities(), good.certificate(), text),
                "-----BEGIN PRIVATE KEY-----",
                "openssl pkcs8");
        refused(new TlsFiles(good.authorities(), good.certificate(), open), "is open to every user", "chmod 600");
        refused(
                new TlsFiles(good.authorities(), good.certificate(), other.key()),
                "is not the key of the certificate in " + good.certificate());
        refused(
                new TlsFiles(other.authorities(), good.certificate(), good.key()),
                "is not from an authority in " + other.authorities());
        refused(past, past.certificate().toString(), "expired at", "have a new one issued, or set the clock");
        refused(future, future.certificate().toString(), "is not valid before", "set the clock");
        refused(
                new TlsFiles(good.authorities(), good.authorities(), good.key()),
                "certificate file " + good.authorities() + ": the certificate names nobody");
    }

    private void refused(TlsFiles files, String... words) {
        assertThatThrownBy(() -> Credentials.read(files, now))
                .isInstanceOf(CredentialsException.class)
                .hasMessageContainingAll(words)
                .message()
                .doesNotContain("\n");
    }

    @Test
    void allThreeFilesOrNone() {
        Path file = Path.of("f");
        String[] names = {"--ca-file", "--cert-file", "--key-file"};
        assertThat(TlsFiles.of(null, null, null, names)).isEmpty();
        assertThat(TlsFiles.of(file, file, file, names)).isPresent();
        assertThatThrownBy(() -> TlsFiles.of(file, null, file, names)).hasMessageStartingWith("--cert-file is missing");
    }
}
