package io.raftfleet.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Status;
import java.net.ConnectException;
import java.net.ProtocolException;
import java.net.SocketException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClientPartsTest {
    @Test
    void endpointListsKeepOrderAndDropRepeats() {
        assertThat(Endpoint.parseList("b:2, http://a:1/,b:2,[::1]:3,https://c:4"))
                .containsExactly(
                        new Endpoint("b", 2),
                        new Endpoint("a", 1, Endpoint.Kind.HTTP),
                        new Endpoint("::1", 3),
                        new Endpoint("c", 4, Endpoint.Kind.HTTPS));
        assertThat(new Endpoint("::1", 3)).hasToString("[::1]:3");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "localhost|has no port",
                "[::1]|has no port",
                "::1:14201|brackets",
                "a:x|is not a number",
                "a:0|from 1 to 65535",
                "a:65536|from 1 to 65535",
                "unix://fleet.sock|begins with a slash",
                "ftp://a:1|not supported",
                "http://a:1/path|is not a number",
                ":1|has no port",
                ",|no endpoint given",
            })
    void badEndpointsAreNamed(String text, String reason) {
        assertThatThrownBy(() -> Endpoint.parseList(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void batchesKeepToItemsAndBytes() {
        List<Integer> many = IntStream.range(0, 25_000).boxed().toList();
        assertThat(Batches.split(many, item -> 10)).extracting(List::size).containsExactly(10_000, 10_000, 5_000);
        assertThat(Batches.split(Collections.nCopies(5, 0), item -> 1 << 20))
                .extracting(List::size)
                .containsExactly(3, 2);
        assertThat(Batches.split(List.of(1, 9, 1), item -> item << 20))
                .containsExactly(List.of(1), List.of(9), List.of(1));
        assertThat(Batches.split(List.of(), item -> 1)).isEmpty();
        assertThat(Batches.split(many, item -> 10).stream()
                        .flatMap(List::stream)
                        .toList())
                .isEqualTo(many);
    }

    @Test
    void backOffGrowsToASecondAndKeepsHalfOfIt() {
        var random = new Random(1);
        for (int round = 1; round < 100; round++) {
            long full = Math.min(1_000_000_000L, 50_000_000L << Math.min(round - 1, 10));
            assertThat(Caller.backoff(round, random))
                    .as("round %d, seed 1", round)
                    .isBetween(full / 2, full);
        }
    }

    @Test
    void requestIdsAreSixteenBytesAndStamped() {
        var ids = new RequestIds(ClientOptions.of(Endpoint.parseList("a:1"))
                .withSources(InstantSource.fixed(java.time.Instant.ofEpochMilli(1234)), new Random(7)));
        var seen = new HashSet<>();
        for (int i = 0; i < 1000; i++) {
            var id = ids.next();
            assertThat(id.getId().size()).isEqualTo(16);
            assertThat(id.getIssuedAtMs()).isEqualTo(1234);
            assertThat(seen.add(id.getId())).as("seed 7").isTrue();
        }
    }

    @Test
    void aTryThatWasGivenTooLittleTimeHidesNoReason() {
        var failures = new Failures();
        var noHttp = new ProtocolException("it does not speak HTTP/1.1");
        failures.add(new Endpoint("a", 1), Status.UNAVAILABLE.withDescription("no leader is known"));
        failures.add(new Endpoint("a", 1), Status.DEADLINE_EXCEEDED);
        failures.add(new Endpoint("b", 2), Status.DEADLINE_EXCEEDED);
        assertThat(failures.unanswered("Version", Status.DEADLINE_EXCEEDED, Duration.ofSeconds(3)))
                .hasMessageStartingWith(
                        "no engine answered Version within 3 s: a:1 (no leader is known), b:2 (no answer). ");
        assertThat(failures.allUnreachable(2)).isFalse();

        var foreign = new Failures();
        foreign.add(
                new Endpoint("a", 1, Endpoint.Kind.HTTP),
                Status.UNAVAILABLE
                        .withDescription("it does not speak HTTP/1.1; is it for gRPC?")
                        .withCause(noHttp));
        assertThat(foreign.allUnreachable(1)).as("nothing to wait for").isTrue();
        assertThat(foreign.unanswered("Version", Status.DEADLINE_EXCEEDED, Duration.ofSeconds(3)))
                .hasMessageStartingWith(
                        "no engine can be reached: http://a:1 (it does not speak HTTP/1.1; is it for gRPC?)")
                .hasCause(noHttp);
    }

    @Test
    void whoClosesAConnectionInTheMiddleOfACallWasReached() {
        var reset = new Failures();
        reset.add(
                new Endpoint("a", 1),
                Status.UNAVAILABLE
                        .withDescription("io exception")
                        .withCause(new SocketException("Connection reset by peer")));
        assertThat(reset.allUnreachable(1)).as("it may have done the write").isFalse();
        assertThat(reset.unanswered("CreateUnits", Status.UNAVAILABLE, Duration.ofSeconds(3)))
                .hasMessageStartingWith(
                        "no engine answered CreateUnits within 3 s: a:1 (the connection broke off: connection reset)");

        var down = new Failures();
        down.add(
                new Endpoint("a", 1),
                Status.UNAVAILABLE
                        .withDescription("io exception")
                        .withCause(new ConnectException("Connection refused")));
        assertThat(down.allUnreachable(1)).as("nothing to wait for").isTrue();
    }
}
