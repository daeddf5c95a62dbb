package io.raftfleet.etcd.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/**
 * A certificate authority with one certificate for an etcd server on the loopback address and one for its clients, in PEM
 * files of a directory, made by {@code openssl}. Can be made anew, under the same names.
 */
public final class EtcdCertificates {
    private final Path dir;

    public EtcdCertificates(Path dir) {
        this.dir = dir;
        renew();
    }

    public Path ca() {
        return dir.resolve("ca.pem");
    }

    public Path clientCertificate() {
        return dir.resolve("client.pem");
    }

    public Path clientKey() {
        return dir.resolve("client.key");
    }

    /** Replaces all of them: what has read the old ones trusts none of the new, and is trusted no longer. */
    public void renew() {
        try {
            var fresh = Files.createTempDirectory(Files.createDirectories(dir), "new");
            var authority = List.of("-x509", "-days", "2", "-subj", "/CN=ca");
            request(fresh, "ca", authority);
            for (var who : List.of("server", "client")) {
                request(
                        fresh,
                        who,
                        List.of(
                                "-x509",
                                "-days",
                                "2",
                                "-subj",
                                "/CN=" + who,
                                "-CA",
                                fresh.resolve("ca.pem").toString(),
                                "-CAkey",
                                fresh.resolve("ca.key").toString(),
                                "-addext",
                                "basicConstraints=critical,CA:FALSE",
                                "-addext",
                                "subjectAltName=IP:127.0.0.1,DNS:localhost",
                                "-addext",
                                "extendedKeyUsage=serverAuth,clientAuth"));
            }
            try (var made = Files.list(fresh)) {
                for (var file : made.toList()) {
                    Files.move(file, dir.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
                }
            }
            Files.delete(fresh);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    List<String> serverOptions() {
        return List.of(
                "--cert-file",
                dir.resolve("server.pem").toString(),
                "--key-file",
                dir.resolve("server.key").toString(),
                "--trusted-ca-file",
                ca().toString(),
                "--client-cert-auth");
    }

    List<String> clientOptions() {
        return List.of(
                "--cacert",
                ca().toString(),
                "--cert",
                clientCertificate().toString(),
                "--key",
                clientKey().toString());
    }

    private static void request(Path dir, String name, List<String> options) throws IOException {
        var command = new ArrayList<>(List.of(
                "openssl",
                "req",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-keyout",
                dir.resolve(name + ".key").toString(),
                "-out",
                dir.resolve(name + ".pem").toString()));
        command.addAll(options);
        var run = new ProcessBuilder(command).redirectErrorStream(true).start();
        var said = new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (run.waitFor() != 0) {
                throw new IllegalStateException(String.join(" ", command) + ": " + said);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while certificates were made", e);
        }
    }
}
