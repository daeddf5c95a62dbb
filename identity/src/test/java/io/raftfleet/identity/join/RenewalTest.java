package io.raftfleet.identity.join;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.identity.Credentials;
import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.TestCluster;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.OwnKey;
import io.raftfleet.identity.tls.TlsIdentity;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A certificate is renewed in time, with its own key, and what fails is tried again. */
class RenewalTest {
    private static final Duration LIFE = Duration.ofDays(90);

    @TempDir
    Path dir;

    private final Instant begin = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    private Instant now = begin;
    private int asked;
    private boolean away;
    private TestCluster cluster;
    private TlsFiles files;
    private TlsIdentity identity;
    private Renewal renewal;

    @BeforeEach
    void machine() throws Exception {
        cluster = new TestCluster(dir.resolve("ca"), "c1");
        files = cluster.issue(Kind.AGENT, "a1", Optional.empty(), begin, LIFE);
        identity = TlsIdentity.open(files, () -> now);
        renewal = new Renewal(identity, this::issue, () -> now, new Random(1));
    }

    private String issue(byte[] request) throws IOException {
        asked++;
        if (away) {
            throw new IOException("no engine leads");
        }
        return cluster.authority.issue(
                OwnKey.requested(request), Kind.AGENT, "a1", Optional.empty(), List.of(), now, now.plus(LIFE));
    }

    private Instant end() throws Exception {
        return Credentials.read(files, now).chain().getFirst().getNotAfter().toInstant();
    }

    @Test
    void afterTwoThirdsOfItsLifeAndNotBefore() throws Exception {
        var key = identity.current().key();
        now = begin.plus(Duration.ofDays(59));
        assertThat(renewal.look()).isEqualTo(Renewal.EVERY);
        assertThat(asked).isZero();

        now = begin.plus(Duration.ofDays(65));
        assertThat(renewal.look()).isEqualTo(Renewal.EVERY);
        assertThat(asked).isEqualTo(1);
        assertThat(end()).isEqualTo(now.plus(LIFE));
        identity.look();
        assertThat(identity.current().key()).isEqualTo(key);
        assertThat(identity.self().expires()).isEqualTo(now.plus(LIFE));

        renewal.look();
        assertThat(asked).as("the new one is young").isEqualTo(1);
    }

    @Test
    void notAllMachinesAskAtOnce() {
        var times = new TreeSet<Duration>();
        var random = new Random(1);
        for (int machine = 0; machine < 20; machine++) {
            var own = new Renewal(identity, this::issue, () -> now, random);
            asked = 0;
            away = true;
            for (now = begin.plus(Duration.ofDays(59)); asked == 0; now = now.plus(Duration.ofHours(1))) {
                own.look();
            }
            times.add(Duration.between(begin, now));
        }
        assertThat(times.first()).isGreaterThan(Duration.ofDays(60));
        assertThat(times.last()).isLessThan(Duration.ofDays(65));
        assertThat(times).as("hours at which somebody asks first").hasSizeGreaterThan(10);
    }

    @Test
    void whatFailsIsTriedAgainSoonThenLessOften() throws Exception {
        now = begin.plus(Duration.ofDays(80));
        away = true;
        assertThat(renewal.look()).isBetween(Duration.ofMillis(2_500), Duration.ofSeconds(5));
        assertThat(renewal.look()).isBetween(Duration.ofSeconds(5), Duration.ofSeconds(10));
        Duration last = Duration.ZERO;
        for (int i = 0; i < 20; i++) {
            last = renewal.look();
        }
        assertThat(last).isBetween(Renewal.EVERY.dividedBy(2), Renewal.EVERY);
        assertThat(end()).isEqualTo(begin.plus(LIFE));

        away = false;
        assertThat(renewal.look()).isEqualTo(Renewal.EVERY);
        assertThat(end()).isEqualTo(now.plus(LIFE));
    }
}
