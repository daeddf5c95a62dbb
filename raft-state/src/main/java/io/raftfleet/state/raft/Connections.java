package io.raftfleet.state.raft;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.SequencedSet;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.thirdparty.io.grpc.Attributes;
import org.apache.ratis.thirdparty.io.grpc.Grpc;
import org.apache.ratis.thirdparty.io.netty.channel.Channel;
import org.apache.ratis.thirdparty.io.netty.channel.ChannelHandler.Sharable;
import org.apache.ratis.thirdparty.io.netty.channel.ChannelHandlerContext;
import org.apache.ratis.thirdparty.io.netty.channel.ChannelInboundHandlerAdapter;
import org.apache.ratis.thirdparty.io.netty.channel.ServerChannel;
import org.apache.ratis.thirdparty.io.netty.channel.epoll.Epoll;
import org.apache.ratis.thirdparty.io.netty.channel.epoll.EpollServerSocketChannel;
import org.apache.ratis.thirdparty.io.netty.channel.socket.nio.NioServerSocketChannel;
import org.jspecify.annotations.Nullable;

/**
 * Bounds the connections that strangers have to the Raft port. One is a stranger's until a message of Raft's was taken on it: of those there
 * are at most {@value #MOST_PER_ADDRESS} from one address (IPv6: from one /64) and {@value #MOST} in all. One more takes the place of the
 * oldest, of its own address or of the one that has most, so that strangers keep no engine out that has an address of its own; on which
 * nothing was taken within ten seconds, it is closed. One on which a question of engines' was taken goes back to the end of the line, and may
 * stay. Connections of engines are as many as they make.
 *
 * <p>Sees the connections that the server's channel accepts, before anything else does. Guarded by its monitor; connections are closed on
 * their own threads.
 */
@Sharable
final class Connections extends ChannelInboundHandlerAdapter {
    static final int MOST_PER_ADDRESS = 64;
    static final int MOST = 512;
    static final Duration FIRST_MESSAGE = Duration.ofSeconds(10);
    private static final int PREFIX = 8;

    private final Duration firstMessage;
    private final Refusals refusals;
    private final RaftTls tls;
    /** Strangers' connections by address, oldest first. */
    @GuardedBy("this")
    private final Map<InetAddress, SequencedSet<SocketAddress>> lines = new HashMap<>();

    @GuardedBy("this")
    private final Map<SocketAddress, Stranger> strangers = new HashMap<>();

    /** A connection, and whether anything was taken on it. */
    private static final class Stranger {
        private final Channel connection;
        private boolean asked;

        Stranger(Channel connection) {
            this.connection = connection;
        }
    }

    /**
     * Of one listener.
     *
     * @param firstMessage how long a connection may stay on which nothing was taken
     */
    Connections(Duration firstMessage, Refusals refusals, RaftTls tls) {
        this.firstMessage = firstMessage;
        this.refusals = refusals;
        this.tls = tls;
    }

    /** A listening channel of the kind that Ratis makes, whose connections are bounded. */
    ServerChannel newListener() {
        ServerChannel channel = Epoll.isAvailable() ? new EpollServerSocketChannel() : new NioServerSocketChannel();
        channel.pipeline().addFirst(this);
        return channel;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object accepted) {
        Channel connection = (Channel) accepted;
        if (connection.remoteAddress() instanceof InetSocketAddress from) {
            tls.watch(connection);
            // Only then has it a thread.
            context.fireChannelRead(accepted);
            add(from, connection);
        } else {
            connection.unsafe().closeForcibly(); // gone already
        }
    }

    private void add(InetSocketAddress from, Channel connection) {
        Stranger stranger = new Stranger(connection);
        InetAddress address = line(from.getAddress());
        synchronized (this) {
            if (lineOf(address).size() >= MOST_PER_ADDRESS) {
                close(lineOf(address).getFirst(), "there are " + MOST_PER_ADDRESS + " connections from there already");
            } else if (strangers.size() >= MOST) {
                InetAddress longest = lines.entrySet().stream()
                        .max(Comparator.comparingInt(line -> line.getValue().size()))
                        .orElseThrow()
                        .getKey();
                close(lineOf(longest).getFirst(), "there are " + MOST + " connections of strangers already");
            }
            strangers.put(from, stranger);
            lines.computeIfAbsent(address, a -> new LinkedHashSet<>()).add(from);
        }
        var late = connection
                .eventLoop()
                .schedule(() -> silent(from, stranger), firstMessage.toMillis(), TimeUnit.MILLISECONDS);
        var unused = connection.closeFuture().addListener(closed -> {
            late.cancel(false);
            forget(from, stranger);
        });
    }

    @GuardedBy("this")
    private SequencedSet<SocketAddress> lineOf(InetAddress address) {
        return lines.getOrDefault(address, new LinkedHashSet<>());
    }

    private synchronized void silent(SocketAddress from, Stranger stranger) {
        if (strangers.get(from) == stranger && !stranger.asked) {
            close(from, "nothing came from it that an engine sends, for " + firstMessage.toSeconds() + " s");
        }
    }

    @GuardedBy("this")
    private void close(SocketAddress from, String why) {
        Stranger stranger = remove(from);
        if (stranger != null) {
            refusals.refused(((InetSocketAddress) from).getAddress(), "a connection", why);
            var unused = stranger.connection.close();
        }
    }

    private synchronized void forget(SocketAddress from, Stranger stranger) {
        if (strangers.get(from) == stranger) {
            remove(from);
        }
    }

    @GuardedBy("this")
    private @Nullable Stranger remove(SocketAddress from) {
        Stranger stranger = strangers.remove(from);
        if (stranger != null) {
            InetAddress address = line(((InetSocketAddress) from).getAddress());
            SequencedSet<SocketAddress> line = lineOf(address);
            line.remove(from);
            if (line.isEmpty()) {
                lines.remove(address);
            }
        }
        return stranger;
    }

    /**
     * A message was taken on it.
     *
     * @param ofRaft rather than a question, which anybody may ask
     */
    synchronized void taken(Attributes call, boolean ofRaft) {
        SocketAddress from = call.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
        Stranger stranger = from == null ? null : strangers.get(from);
        if (stranger == null) {
            return;
        }
        if (ofRaft) {
            remove(from);
            return;
        }
        stranger.asked = true;
        SequencedSet<SocketAddress> line = lineOf(line(((InetSocketAddress) from).getAddress()));
        line.remove(from);
        line.addLast(from);
    }

    /** How many connections of strangers there are. */
    synchronized int strangers() {
        return strangers.size();
    }

    private static InetAddress line(InetAddress address) {
        if (!(address instanceof Inet6Address)) {
            return address;
        }
        byte[] prefix = Arrays.copyOf(Arrays.copyOf(address.getAddress(), PREFIX), address.getAddress().length);
        try {
            return InetAddress.getByAddress(prefix);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("not an address's length", e);
        }
    }
}
