package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.identity.Credentials;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.TlsFiles;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CertCommandTest {
    private static final String CLUSTER = "0b7c4a3e-2f40-4f0a-9d1b-5a3c7d1e2f00";

    @TempDir
    Path dir;

    private Result run(String... arguments) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        int exit = Fleetctl.run(
                new Terminal(
                        InputStream.nullInputStream(),
                        new PrintStream(out, false, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        Map.of(),
                        dir,
                        false),
                arguments);
        return new Result(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void anAuthorityAndAUserOfIt() throws IOException {
        assertThat(run("cert", "create-ca", "--cluster-id", CLUSTER, "ca").exit())
                .isZero();
        var issued = run("cert", "issue", "--ca", "ca", "--role", "operator", "user", "alice");
        assertThat(issued.out()).contains("user-alice.pem").contains("user-alice-key.pem");
        var self = Credentials.read(
                        new TlsFiles(
                                dir.resolve("ca/ca.pem"),
                                dir.resolve("user-alice.pem"),
                                dir.resolve("user-alice-key.pem")),
                        Instant.now())
                .self();
        assertThat(self.toString()).isEqualTo("spiffe://" + CLUSTER + "/user/alice");
        assertThat(self.role()).contains(Role.OPERATOR);
        assertThat(run("cert", "issue", "--ca", "ca", "--host", "localhost,127.0.0.1", "engine", "e1")
                        .exit())
                .isZero();
        assertThat(run("cert", "issue", "--ca", "ca", "agent", "a".repeat(32)).exit())
                .isZero();
    }

    @Test
    void whatCantBeIssuedIsSaid() {
        refused("no certificate authority", "cert", "issue", "--ca", "none", "engine", "e1");
        assertThat(run("cert", "create-ca", "--cluster-id", CLUSTER, "ca").exit())
                .isZero();
        refused("ca-key.pem exists", "cert", "create-ca", "--cluster-id", CLUSTER, "ca");
        refused("can't name a cluster", "cert", "create-ca", "--cluster-id", "a/b", "other");
        refused("a user needs a role", "cert", "issue", "--ca", "ca", "user", "bob");
        refused("--role king: it is viewer", "cert", "issue", "--ca", "ca", "--role", "king", "user", "bob");
        refused("--role is for users", "cert", "issue", "--ca", "ca", "--role", "admin", "engine", "e1");
        refused("can't have a certificate", "cert", "issue", "--ca", "ca", "daemon", "e1");
        refused("can't be the name of an engine", "cert", "issue", "--ca", "ca", "engine", "e/1");
        refused("--days 0", "cert", "issue", "--ca", "ca", "--days", "0", "engine", "e1");
        assertThat(run("cert", "issue", "--ca", "ca", "engine", "e1").exit()).isZero();
        refused("exists: it is not written over", "cert", "issue", "--ca", "ca", "engine", "e1");
    }

    private void refused(String words, String... arguments) {
        var result = run(arguments);
        assertThat(result.exit()).as(result.out()).isEqualTo(1);
        assertThat(result.err()).contains(words);
    }
}
