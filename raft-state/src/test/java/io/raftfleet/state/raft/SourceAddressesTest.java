package io.raftfleet.state.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class SourceAddressesTest {
    private final Map<String, InetAddress[]> names = new HashMap<>();
    private final Queue<Runnable> background = new ArrayDeque<>();
    private long now;
    private final SourceAddresses sources = new SourceAddresses(this::resolve, background::add, () -> now);

    private InetAddress[] resolve(String host) throws UnknownHostException {
        InetAddress[] addresses = names.get(host);
        if (addresses == null) {
            throw new UnknownHostException(host);
        }
        return addresses;
    }

    private static InetAddress ip(String literal) throws UnknownHostException {
        return InetAddress.getByName(literal);
    }

    @Test
    void anAddressIsItself() throws Exception {
        assertThat(sources.fit("192.0.2.1", ip("192.0.2.1"))).isTrue();
        assertThat(sources.fit("192.0.2.1", ip("192.0.2.2"))).isFalse();
        assertThat(sources.fit("2001:db8::1", ip("2001:db8::1"))).isTrue();
        assertThat(sources.fit("2001:db8::1", ip("192.0.2.1"))).isFalse();
        assertThat(sources.fit("192.0.2.1", null)).isFalse();
        assertThat(background).isEmpty();
    }

    @Test
    void allAddressesOfThisMachineAreOne() throws Exception {
        assertThat(sources.fit("127.0.0.9", ip("127.0.0.1"))).isTrue();
        assertThat(sources.fit("127.0.0.9", ip("127.0.0.9"))).isTrue();
        assertThat(sources.fit("127.0.0.1", ip("127.0.0.9")))
                .as("an address that no interface has")
                .isFalse();
        assertThat(sources.fit("127.0.0.1", ip("::1"))).isTrue();
        assertThat(sources.fit("127.0.0.1", ip("192.0.2.1"))).isFalse();
        assertThat(sources.fit("192.0.2.1", ip("127.0.0.1")))
                .as("another machine's")
                .isFalse();
    }

    @Test
    void aNameIsLookedUpInTheBackgroundAndAgainWhenItMoved() throws Exception {
        names.put("e1.example", new InetAddress[] {ip("192.0.2.1"), ip("192.0.2.7")});
        assertThat(sources.fit("e1.example", ip("192.0.2.66")))
                .as("not looked up yet")
                .isTrue();
        background.remove().run();
        assertThat(sources.fit("e1.example", ip("192.0.2.1"))).isTrue();
        assertThat(sources.fit("e1.example", ip("192.0.2.7"))).isTrue();
        assertThat(sources.fit("e1.example", ip("192.0.2.66"))).isFalse();
        assertThat(background).as("not again so soon").isEmpty();

        names.put("e1.example", new InetAddress[] {ip("192.0.2.66")});
        now += TimeUnit.SECONDS.toNanos(10);
        assertThat(sources.fit("e1.example", ip("192.0.2.66"))).isFalse();
        assertThat(sources.fit("e1.example", ip("192.0.2.66"))).isFalse();
        assertThat(background).hasSize(1);
        background.remove().run();
        assertThat(sources.fit("e1.example", ip("192.0.2.66"))).isTrue();

        names.clear();
        now += TimeUnit.SECONDS.toNanos(10);
        assertThat(sources.fit("e1.example", ip("192.0.2.1"))).isFalse();
        background.remove().run();
        assertThat(sources.fit("e1.example", ip("192.0.2.66")))
                .as("what was known stays")
                .isTrue();
    }
}
