package io.raftfleet.state.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class RefusalsTest {
    private final List<String> lines = new ArrayList<>();
    private long now;
    private final Refusals refusals = new Refusals("e1", () -> now, lines::add);

    private static InetAddress address(int i) throws UnknownHostException {
        return InetAddress.getByAddress(new byte[] {10, 0, (byte) (i >> 8), (byte) i});
    }

    @Test
    void aFloodIsOneLineAMinuteThatSaysHowMuchItWas() throws Exception {
        for (int i = 0; i < 100_000; i++) {
            refusals.refused(address(1), "a/b", "why");
        }
        assertThat(lines).containsExactly("Engine e1 refused a/b from 10.0.0.1: why");

        now += TimeUnit.SECONDS.toNanos(59);
        refusals.refused(address(1), "a/b", "why");
        assertThat(lines).hasSize(1);

        now += TimeUnit.SECONDS.toNanos(1);
        refusals.refused(address(1), "a/b", "other");
        assertThat(lines).hasSize(2).last().asString().contains("other").contains("100000 more");
    }

    @Test
    void aFloodFromAllAddressesIsBoundedToo() throws Exception {
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 60_000; i++) {
                refusals.refused(address(i), "a/b", "why");
            }
        }
        assertThat(lines).hasSize(Refusals.MOST + 1).last().asString().contains("more than 256 addresses");

        now += TimeUnit.MINUTES.toNanos(1);
        refusals.refused(address(60_001), "a/b", "why");
        assertThat(lines).last().asString().contains("from " + address(60_001).getHostAddress() + ":");
    }
}
