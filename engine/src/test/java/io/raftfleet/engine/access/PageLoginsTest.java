package io.raftfleet.engine.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Status;
import io.grpc.StatusException;
import io.raftfleet.engine.access.PageLogins.LoginRefusedException;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.tls.TlsIdentity;
import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PageLoginsTest {
    private static final Caller ALICE = user("alice");
    private static final Duration LIFE = Duration.ofDays(1);

    @TempDir
    Path dir;

    private final Instant began = Instant.parse("2026-01-02T03:04:05Z");
    private Instant now = began;
    private @Nullable String objection;
    private int looks;
    private final PageLogins logins = new PageLogins(new Random(1), () -> now, chain -> {
        looks++;
        return objection;
    });
    private List<X509Certificate> chain = List.of();

    private static Caller user(String name) {
        return new Caller(Caller.Kind.USER, name, Optional.of(Role.OPERATOR));
    }

    @BeforeEach
    void certify() throws IOException {
        var authority = CertificateAuthority.create(dir.resolve("ca"), "c1", began, Duration.ofDays(30));
        var files = new TlsFiles(dir.resolve("ca/ca.pem"), dir.resolve("a.pem"), dir.resolve("a-key.pem"));
        authority
                .issue(SpiffeId.Kind.USER, "alice", Optional.of(Role.OPERATOR), List.of(), began, LIFE)
                .write(files.certificate(), files.key());
        chain = TlsIdentity.open(files, () -> now).current().chain();
    }

    private String link(Caller caller) throws StatusException {
        return logins.offer(caller, chain).secret();
    }

    private String begin(String secret) throws LoginRefusedException {
        return logins.redeem(secret, "").orElseThrow().token();
    }

    @Test
    void aLinkBeginsASessionOfWhoMadeIt() throws Exception {
        var link = logins.offer(ALICE, chain);
        assertThat(link.secret()).matches("[0-9a-f]{32}");
        assertThat(link.expires()).isEqualTo(now.plus(PageLogins.LINK));
        var session = logins.redeem(link.secret(), "").orElseThrow();
        assertThat(session.token()).matches("[0-9a-f]{64}");
        assertThat(session.caller()).isEqualTo(ALICE);
        assertThat(logins.caller(session.token())).contains(ALICE);
        for (var none : List.of("", "0".repeat(64), "0".repeat(10_000), link.secret(), session.token() + "0")) {
            assertThat(logins.caller(none)).as(none).isEmpty();
        }
        logins.end(session.token());
        assertThat(logins.caller(session.token())).isEmpty();
    }

    @Test
    void aLinkWorksOnceAndWhoeverElseUsesItEndsWhatItBegan() throws Exception {
        String secret = link(ALICE);
        String token = begin(secret);
        assertThat(logins.redeem(secret, token))
                .as("the same browser opens it again")
                .isEmpty();
        assertThat(logins.caller(token)).contains(ALICE);
        assertThatThrownBy(() -> logins.redeem(secret, ""))
                .isInstanceOf(LoginRefusedException.class)
                .hasMessageContaining("used already, and the session that it began ends now")
                .hasMessageContaining("fleetctl ui");
        assertThat(logins.caller(token)).isEmpty();
        assertThatThrownBy(() -> logins.redeem(secret, token))
                .hasMessageContaining("used already")
                .hasMessageNotContaining("ends now");
    }

    @Test
    void aLinkIsGoodForMinutesAndASessionForHours() throws Exception {
        String late = link(ALICE);
        String inTime = link(ALICE);
        now = began.plus(PageLogins.LINK).minusMillis(1);
        String token = begin(inTime);
        now = began.plus(PageLogins.LINK);
        assertThatThrownBy(() -> begin(late)).hasMessageContaining("older than 5 minutes");
        assertThat(logins.links()).isZero();
        now = began.plus(PageLogins.LINK)
                .minusMillis(1)
                .plus(PageLogins.SESSION)
                .minusMillis(1);
        assertThat(logins.caller(token)).contains(ALICE);
        now = now.plusMillis(1);
        assertThat(logins.caller(token)).isEmpty();
        assertThat(logins.sessions()).isZero();
    }

    @Test
    void aSessionEndsWithItsCertificate() throws Exception {
        now = began.plus(LIFE).minusSeconds(30);
        var link = logins.offer(ALICE, chain);
        assertThat(link.expires()).isEqualTo(began.plus(LIFE));
        var session = logins.redeem(link.secret(), "").orElseThrow();
        assertThat(session.expires()).isEqualTo(began.plus(LIFE));
        now = began.plus(LIFE);
        assertThat(logins.caller(session.token())).isEmpty();
    }

    @Test
    void whoIsRevokedHasNoSessionAndNoLinkAnyMore() throws Exception {
        String unused = link(ALICE);
        String token = begin(link(ALICE));
        looks = 0;
        for (int i = 0; i < 100; i++) {
            assertThat(logins.caller(token)).isPresent();
        }
        assertThat(looks).as("of a moment ago it is known").isZero();
        objection = "it was revoked";
        now = now.plus(PageLogins.LOOK);
        assertThat(logins.caller(token)).isEmpty();
        assertThatThrownBy(() -> begin(unused))
                .hasMessageContaining("user/alice (operator), who is not let in any more: it was revoked");
        objection = null;
        assertThat(logins.caller(token)).as("it stays ended").isEmpty();
    }

    @Test
    void aNewSessionTakesThePlaceOfTheBrowsersOld() throws Exception {
        String first = begin(link(ALICE));
        String second = logins.redeem(link(user("bob")), first).orElseThrow().token();
        assertThat(logins.caller(first)).isEmpty();
        assertThat(logins.caller(second)).contains(user("bob"));
        assertThat(logins.sessions()).isEqualTo(1);
    }

    @Test
    void oneUserTakesNoRoomOfOthers() throws Exception {
        List<String> tokens = new ArrayList<>();
        String bob = begin(link(user("bob")));
        for (int i = 0; i < PageLogins.SESSIONS_OF_ONE + 3; i++) {
            tokens.add(begin(link(ALICE)));
        }
        assertThat(logins.sessions()).isEqualTo(PageLogins.SESSIONS_OF_ONE + 1);
        assertThat(logins.caller(bob)).isPresent();
        assertThat(tokens.subList(0, 3)).allMatch(token -> logins.caller(token).isEmpty());
        assertThat(tokens.subList(3, tokens.size()))
                .allMatch(token -> logins.caller(token).isPresent());
        now = now.plus(PageLogins.LINK);
        String oldest = link(ALICE);
        for (int i = 0; i < PageLogins.LINKS_OF_ONE; i++) {
            link(ALICE);
        }
        assertThat(logins.links()).isEqualTo(PageLogins.LINKS_OF_ONE);
        assertThatThrownBy(() -> begin(oldest)).hasMessageContaining("none of this engine's");
    }

    @Test
    void thereAreSoManyAndNoMore() throws Exception {
        for (int i = 0; i < PageLogins.MOST_SESSIONS; i++) {
            begin(link(user("u" + i)));
            if (logins.links() == PageLogins.MOST_LINKS) {
                now = now.plus(PageLogins.LINK);
            }
        }
        now = now.plus(PageLogins.LINK);
        String beyond = link(user("late"));
        assertThatThrownBy(() -> begin(beyond)).hasMessageContaining("1024 sessions are open");
        assertThat(logins.sessions()).isEqualTo(PageLogins.MOST_SESSIONS);
        for (int i = 1; i < PageLogins.MOST_LINKS; i++) {
            link(user("v" + i));
        }
        assertThatThrownBy(() -> link(user("w")))
                .isInstanceOfSatisfying(
                        StatusException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED))
                .hasMessageContaining("256 links");
        now = now.plus(PageLogins.LINK);
        assertThat(link(user("w"))).isNotEmpty();
    }

    @Test
    void certificatesWithoutEndAreNotKept() {
        var endless = new ArrayList<>(Collections.nCopies(100, chain.getFirst()));
        assertThatThrownBy(() -> logins.offer(ALICE, endless)).hasMessageContaining("more than the 16384");
        assertThat(logins.links()).isZero();
    }

    @Test
    void noTwoSecretsAreTheSame() throws Exception {
        var seen = new TreeSet<String>();
        for (int i = 0; i < 100; i++) {
            seen.add(link(user("u" + i)));
        }
        assertThat(seen).hasSize(100);
    }
}
