package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.client.Endpoint;
import io.raftfleet.identity.TlsFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContextsTest {
    private static final Endpoint ONE = new Endpoint("10.0.0.1", 14201);

    @TempDir
    Path home;

    private void context(String name, String... lines) throws IOException {
        Path directory = Files.createDirectories(home.resolve(".config/raftfleet/contexts"));
        Files.write(directory.resolve(name), List.of(lines));
    }

    private Map<String, String> environment() {
        return Map.of("HOME", home.toString());
    }

    @Test
    void aFileThatIsDamagedIsNamedAndADirectoryPassedOver() throws IOException {
        Path directory = Files.createDirectories(home.resolve(".config/raftfleet/contexts"));
        Files.createDirectory(directory.resolve("b.conf"));
        context("c.conf", "endpoint=10.0.0.1:14201", "ca_file=/x", "cert_file=/y", "key_file=/z");
        assertThat(Contexts.find(List.of(ONE), environment()))
                .contains(new TlsFiles(Path.of("/x"), Path.of("/y"), Path.of("/z")));
        Files.write(directory.resolve("a.conf"), new byte[] {'x', (byte) 0xff, (byte) 0xfe, '\n'});
        assertThatThrownBy(() -> Contexts.find(List.of(ONE), environment()))
                .hasMessageContaining("a.conf: no endpoint given");
    }

    @Test
    void theContextOfAnEndpointSaysWhoCalls() throws IOException {
        context("a.conf", "endpoint=10.0.9.1:14201", "ca_file=/x", "cert_file=/x", "key_file=/x");
        context(
                "b.conf",
                "# the big one",
                "endpoint = 10.0.0.1:14201, 10.0.0.2:14201",
                "ca_file=/certs/ca.pem",
                "cert_file=/certs/alice.pem",
                "key_file=/certs/alice-key.pem");
        context("c.txt", "nothing of ours");
        var files =
                new TlsFiles(Path.of("/certs/ca.pem"), Path.of("/certs/alice.pem"), Path.of("/certs/alice-key.pem"));
        assertThat(Contexts.find(List.of(ONE), environment())).contains(files);
        assertThat(Contexts.find(List.of(new Endpoint("10.0.0.7", 1), new Endpoint("10.0.0.2", 14201)), environment()))
                .contains(files);
        assertThat(Contexts.find(List.of(new Endpoint("10.0.0.7", 14201)), environment()))
                .isEmpty();
    }

    @Test
    void theConfigurationMayBeElsewhere() throws IOException {
        Path directory = Files.createDirectories(home.resolve("elsewhere/raftfleet/contexts"));
        Files.write(
                directory.resolve("a.conf"),
                List.of("endpoint=10.0.0.1:14201", "ca_file=/x", "cert_file=/x", "key_file=/x"));
        assertThat(Contexts.find(List.of(ONE), environment())).isEmpty();
        assertThat(Contexts.find(
                        List.of(ONE),
                        Map.of(
                                "HOME",
                                home.toString(),
                                "XDG_CONFIG_HOME",
                                home.resolve("elsewhere").toString())))
                .isPresent();
    }

    @Test
    void nobodyHasToHaveOne() {
        assertThat(Contexts.find(List.of(ONE), environment())).isEmpty();
        assertThat(Contexts.find(List.of(ONE), Map.of())).isEmpty();
    }

    @Test
    void whatIsWrongWithOneIsSaid() throws IOException {
        context("a.conf", "endpoint=10.0.0.1:14201", "ca_file=/x", "cert_file=/x");
        assertThatThrownBy(() -> Contexts.find(List.of(ONE), environment()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("a.conf", "key_file is missing");
        context("a.conf", "endpoint=10.0.0.1:14201", "plaintext=yes");
        assertThatThrownBy(() -> Contexts.find(List.of(ONE), environment()))
                .hasMessageContaining("plaintext=yes is neither true nor false");
        context("a.conf", "ca_file=/x");
        assertThatThrownBy(() -> Contexts.find(List.of(ONE), environment()))
                .hasMessageContainingAll("a.conf", "no endpoint given");
    }

    @Test
    void aContextIsFoundByItsName() throws IOException {
        context("big.conf", "endpoint=10.0.0.1:14201", "ca_file=/x", "cert_file=/y", "key_file=/z");
        context("plain.conf", "endpoint=127.0.0.1:14201", "plaintext=true");
        var big = Contexts.named("big", environment());
        assertThat(big.endpoints()).containsExactly(ONE);
        assertThat(big.files()).contains(new TlsFiles(Path.of("/x"), Path.of("/y"), Path.of("/z")));
        assertThat(Contexts.named("plain", environment()).files()).isEmpty();
    }

    /** A certificate that was forgotten does not become a call in plaintext. */
    @Test
    void plaintextIsAskedForInSoManyWords() throws IOException {
        context("a.conf", "endpoint=10.0.0.1:14201");
        assertThatThrownBy(() -> Contexts.find(List.of(ONE), environment()))
                .hasMessageContainingAll("a.conf", "names no certificate", "plaintext=true");
        assertThatThrownBy(() -> Contexts.named("a", environment()))
                .hasMessageContainingAll("a.conf", "names no certificate", "fleetctl login");
        context("a.conf", "endpoint=10.0.0.1:14201", "plaintext=true");
        assertThat(Contexts.find(List.of(ONE), environment())).isEmpty();
        context("a.conf", "endpoint=unix:///run/e1.sock");
        assertThat(Contexts.named("a", environment()).files()).isEmpty();
        context("a.conf", "endpoint=10.0.0.1:14201", "plaintext=true", "ca_file=/x", "cert_file=/x", "key_file=/x");
        assertThatThrownBy(() -> Contexts.find(List.of(ONE), environment())).hasMessageContaining("don't go together");
    }

    @Test
    void whoNamesNoContextIsToldWhichThereAre() throws IOException {
        assertThatThrownBy(() -> Contexts.named("big", environment())).hasMessageContaining("fleetctl login makes one");
        context("big.conf", "endpoint=10.0.0.1:14201");
        context("small.conf", "endpoint=10.0.0.2:14201");
        assertThatThrownBy(() -> Contexts.named("bgi", environment())).hasMessageEndingWith("; did you mean big?");
        assertThatThrownBy(() -> Contexts.named("other", environment())).hasMessageEndingWith("there are: big, small");
        assertThatThrownBy(() -> Contexts.named("../contexts/big", environment()))
                .hasMessageContaining("there is no context \"../contexts/big\"");
        assertThatThrownBy(() -> Contexts.named("big", Map.of())).hasMessageContaining("HOME");
    }

    @Test
    void whoHasNoContextAndNamesNoCertificateShowsNone() throws IOException {
        assertThat(Contexts.mayShowCertificates(environment(), "list-units")).isFalse();
        assertThat(Contexts.mayShowCertificates(Map.of(), "list-units")).isFalse();
        assertThat(Contexts.mayShowCertificates(environment(), "list-units", "--cert-file=/x"))
                .isTrue();
        assertThat(Contexts.mayShowCertificates(Map.of("FLEETCTL_CERT_FILE", "/x")))
                .isTrue();
        context("a.conf", "endpoint=10.0.0.1:14201");
        assertThat(Contexts.mayShowCertificates(environment(), "list-units")).isTrue();
    }
}
