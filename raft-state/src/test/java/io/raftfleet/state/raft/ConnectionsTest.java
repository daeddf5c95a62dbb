package io.raftfleet.state.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.thirdparty.io.grpc.Attributes;
import org.apache.ratis.thirdparty.io.grpc.Grpc;
import org.apache.ratis.thirdparty.io.netty.channel.embedded.EmbeddedChannel;
import org.junit.jupiter.api.Test;

class ConnectionsTest {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private final List<String> told = new ArrayList<>();
    private final Refusals refusals = new Refusals("e1", System::nanoTime, told::add);
    private final Connections connections = new Connections(LIMIT, refusals, new RaftTls(Optional.empty(), refusals));
    private final EmbeddedChannel listener = new EmbeddedChannel(connections);
    private int port = 20_000;

    /** Of a network that is not there. */
    private static final class Connection extends EmbeddedChannel {
        private final SocketAddress from;

        Connection(SocketAddress from) {
            this.from = from;
            freezeTime();
        }

        @Override
        protected SocketAddress remoteAddress0() {
            return from;
        }

        Attributes attributes() {
            return Attributes.newBuilder()
                    .set(Grpc.TRANSPORT_ATTR_REMOTE_ADDR, from)
                    .build();
        }
    }

    private Connection connect(String address) {
        Connection connection = new Connection(new InetSocketAddress(address, port++));
        var unused = listener.writeOneInbound(connection);
        return connection;
    }

    private List<Connection> connect(String address, int count) {
        List<Connection> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(connect(address));
        }
        return all;
    }

    private static List<Connection> open(List<Connection> all) {
        return all.stream().filter(EmbeddedChannel::isOpen).toList();
    }

    @Test
    void anAddressHasSoManyAndItsOldestGoFirst() {
        List<Connection> all = connect("192.0.2.1", 20_000);
        assertThat(open(all)).isEqualTo(all.subList(20_000 - Connections.MOST_PER_ADDRESS, 20_000));
        assertThat(connections.strangers()).isEqualTo(Connections.MOST_PER_ADDRESS);
        assertThat(told).singleElement().asString().contains("192.0.2.1", "64 connections from there already");
    }

    @Test
    void whoHasMostLosesOneWhenThereAreManyInAll() {
        List<Connection> most = connect("192.0.2.1", Connections.MOST_PER_ADDRESS);
        for (int i = 0; i < 1_000; i++) {
            connect("198.51.100." + i % 250);
        }
        assertThat(connections.strangers()).isEqualTo(Connections.MOST);
        Connection engine = connect("192.0.2.2");
        assertThat(engine.isOpen()).isTrue();
        assertThat(open(most)).hasSizeLessThan(10);
        for (int i = 0; i < 1_000; i++) {
            connect("198.51.100." + i % 250);
        }
        assertThat(engine.isOpen()).as("the only one of its address").isTrue();
        assertThat(connections.strangers()).isEqualTo(Connections.MOST);
    }

    @Test
    void allAddressesOfAnIpv6NetworkAreOne() {
        List<Connection> all = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            all.add(connect("2001:db8::" + Integer.toHexString(i)));
        }
        assertThat(open(all)).hasSize(Connections.MOST_PER_ADDRESS);
        assertThat(connect("2001:db8:0:1::1").isOpen()).isTrue();
        assertThat(open(all)).hasSize(Connections.MOST_PER_ADDRESS);
    }

    @Test
    void whatSaysNothingIsClosedAndEnginesAreNot() {
        Connection silent = connect("192.0.2.1");
        Connection engine = connect("192.0.2.1");
        Connection asking = connect("192.0.2.1");
        connections.taken(engine.attributes(), true);
        connections.taken(asking.attributes(), false);
        for (Connection connection : List.of(silent, engine, asking)) {
            connection.advanceTimeBy(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
            connection.runScheduledPendingTasks();
        }
        assertThat(silent.isOpen()).isFalse();
        assertThat(engine.isOpen()).isTrue();
        assertThat(asking.isOpen()).isTrue();
        assertThat(told).singleElement().asString().contains("nothing came from it that an engine sends, for 10 s");

        connect("192.0.2.1", 10 * Connections.MOST_PER_ADDRESS);
        assertThat(engine.isOpen()).as("whose it is, is known").isTrue();
        assertThat(asking.isOpen()).as("anybody may ask").isFalse();
    }

    @Test
    void nothingIsRememberedOfWhatWentAway() {
        connect("192.0.2.1", 30).forEach(EmbeddedChannel::finishAndReleaseAll);
        connect("192.0.2.2", 30).forEach(EmbeddedChannel::finishAndReleaseAll);
        assertThat(connections.strangers()).isZero();
    }
}
