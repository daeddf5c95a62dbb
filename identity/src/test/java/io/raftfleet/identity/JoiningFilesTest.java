package io.raftfleet.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.ca.OwnKey;
import io.raftfleet.identity.join.JoinException;
import io.raftfleet.identity.join.JoinedFiles;
import io.raftfleet.proto.cluster.JoinResponse;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tokens as they are pasted, requests for certificates, and the files that come of them. */
class JoiningFilesTest {
    private static final TokenText TOKEN = new TokenText(
            "0011", "aabb", SpiffeId.Kind.AGENT, "", "c1", "ccdd", List.of("10.0.0.1:14201", "[::1]:14201"));

    @TempDir
    Path dir;

    @Test
    void aTokenIsReadAsItWasWritten() {
        assertThat(TokenText.parse("  " + TOKEN.text() + "\n")).isEqualTo(TOKEN);
        assertThat(TOKEN.toString()).doesNotContain("aabb");
    }

    @Test
    void aTokenThatIsNotWholeIsRefusedWithoutBeingShown() {
        String text = TOKEN.text();
        for (var broken : List.of(
                "",
                "token",
                text.substring(0, text.length() - 1),
                text.replace('M', 'N'),
                text + "x",
                text + "." + text)) {
            assertThatThrownBy(() -> TokenText.parse(broken))
                    .as(broken)
                    .isInstanceOf(IllegalArgumentException.class)
                    .satisfies(e -> assertThat(e.getMessage()).doesNotContain(text.substring(30)));
        }
    }

    @Test
    void aRequestProvesItsKey() throws Exception {
        var key = OwnKey.create(new SecureRandom());
        byte[] request = key.signingRequest();
        assertThat(OwnKey.requested(request).getAlgorithm()).isEqualTo("EC");
        request[request.length - 1] ^= 1;
        assertThatThrownBy(() -> OwnKey.requested(request)).isInstanceOf(CredentialsException.class);
        assertThatThrownBy(() -> OwnKey.requested(new byte[] {1, 2, 3})).isInstanceOf(CredentialsException.class);
    }

    @Test
    void filesOfAnotherAuthorityAreNotWrittenOver() throws Exception {
        JoinResponse[] given = new JoinResponse[2];
        var key = OwnKey.create(new SecureRandom());
        for (int i = 0; i < 2; i++) {
            var authority = CertificateAuthority.create(dir.resolve("ca" + i), "c1", Instant.now(), Duration.ofDays(2));
            given[i] = JoinResponse.newBuilder()
                    .setAuthority(authority.certificate())
                    .setCertificate(authority.issue(
                            OwnKey.requested(key.signingRequest()),
                            SpiffeId.Kind.AGENT,
                            "m",
                            Optional.empty(),
                            List.of(),
                            Instant.now().minusSeconds(60),
                            Instant.now().plusSeconds(600)))
                    .build();
        }
        var files = JoinedFiles.write(dir.resolve("here"), "agent-m", key.text(), given[0]);
        assertThat(Credentials.read(files, Instant.now()).self().id().name()).isEqualTo("m");
        JoinedFiles.write(dir.resolve("here"), "agent-m", key.text(), given[0]);
        assertThatThrownBy(() -> JoinedFiles.write(dir.resolve("here"), "agent-m", key.text(), given[1]))
                .isInstanceOf(JoinException.class)
                .hasMessageContaining("of another authority");
        assertThat(Credentials.read(files, Instant.now()).self().id().name()).isEqualTo("m");
    }

    @Test
    void aKeyIsOfTheAuthorityThatItFits() throws Exception {
        var one = CertificateAuthority.create(dir.resolve("one"), "c1", Instant.now(), Duration.ofDays(2));
        var other = CertificateAuthority.create(dir.resolve("other"), "c1", Instant.now(), Duration.ofDays(2));
        other.issue(SpiffeId.Kind.AGENT, "m", Optional.empty(), List.of(), Instant.now(), Duration.ofDays(1))
                .write(dir.resolve("m.pem"), dir.resolve("m-key.pem"));
        var authorities = Credentials.read(
                        new TlsFiles(dir.resolve("other/ca.pem"), dir.resolve("m.pem"), dir.resolve("m-key.pem")),
                        Instant.now())
                .authorities();
        assertThat(CertificateAuthority.of(authorities, dir.resolve("other/ca-key.pem"), "c1")
                        .digest())
                .isEqualTo(other.digest())
                .isNotEqualTo(one.digest());
        assertThatThrownBy(() -> CertificateAuthority.of(authorities, dir.resolve("one/ca-key.pem"), "c1"))
                .isInstanceOf(CredentialsException.class)
                .hasMessageContaining("is not the key of an authority");
    }
}
