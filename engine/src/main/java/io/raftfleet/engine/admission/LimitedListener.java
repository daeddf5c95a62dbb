package io.raftfleet.engine.admission;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.raftfleet.identity.tls.ConnectionWatch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A listening socket that takes so many connections, and so many from one address. One more is told so in HTTP/2's way
 * ({@code GOAWAY}, {@code ENHANCE_YOUR_CALM}, which gRPC's clients report as RESOURCE_EXHAUSTED) and closed, before anything
 * is set up for it. A connection that does not begin to speak HTTP/2 in time is closed, too, and earlier when its address has
 * no room for a new one: silent connections keep nobody out.
 *
 * <p>Connections come on this channel's thread, and go on theirs: {@link Open} is guarded by its monitor.
 */
final class LimitedListener extends NioServerSocketChannel {
    private static final Logger log = LoggerFactory.getLogger(LimitedListener.class);
    /** Of HTTP/2's connection preface. */
    private static final int PREFACE = 24;

    private static final int FRAME_HEADER = 9;
    private static final byte SETTINGS = 4;
    private static final byte GO_AWAY = 7;
    private static final int ENHANCE_YOUR_CALM = 11;

    /** The connections of a server. */
    static final class Open {
        private final int most;
        private final int mostPerPeer;
        private final Duration firstBytes;
        private final AdmissionMetrics metrics;
        private final ConnectionWatch watch;

        @GuardedBy("this")
        private final Map<String, Integer> byPeer = new HashMap<>();
        /** Those of each address that have not spoken yet, oldest first. */
        @GuardedBy("this")
        private final Map<String, Set<FirstBytes>> silent = new HashMap<>();

        @GuardedBy("this")
        private int total;

        Open(AdmissionLimits limits, AdmissionMetrics metrics, ConnectionWatch watch) {
            this.most = limits.connections();
            this.mostPerPeer = limits.connectionsPerPeer();
            this.firstBytes = limits.firstBytes();
            this.metrics = metrics;
            this.watch = watch;
        }

        synchronized boolean tryTake(String peer) {
            if (total >= most || byPeer.getOrDefault(peer, 0) >= mostPerPeer) {
                var waiting = silent.get(peer);
                if (waiting == null) {
                    return false;
                }
                var oldest = waiting.iterator().next();
                spoke(peer, oldest);
                // It is counted until it is closed: for that moment there is one too many.
                oldest.giveUp();
            }
            total++;
            byPeer.merge(peer, 1, Integer::sum);
            return true;
        }

        synchronized void isSilent(String peer, FirstBytes connection) {
            silent.computeIfAbsent(peer, key -> new LinkedHashSet<>()).add(connection);
        }

        private synchronized void spoke(String peer, FirstBytes connection) {
            var waiting = silent.get(peer);
            if (waiting != null && waiting.remove(connection) && waiting.isEmpty()) {
                silent.remove(peer);
            }
        }

        private synchronized void giveBack(String peer) {
            total--;
            byPeer.computeIfPresent(peer, (key, count) -> count == 1 ? null : count - 1);
        }
    }

    private final Open open;

    LimitedListener(Open open) {
        this.open = open;
    }

    @Override
    protected int doReadMessages(List<Object> accepted) throws Exception {
        var socket = javaChannel().accept();
        if (socket == null) {
            return 0;
        }
        var peer = Peer.name(socket.getRemoteAddress());
        if (!open.tryTake(peer)) {
            open.metrics.connectionRefused();
            refuse(socket);
            return 1;
        }
        try {
            var connection = new NioSocketChannel(this, socket);
            var first = new FirstBytes(connection, open, peer);
            connection.closeFuture().addListener(closed -> {
                open.spoke(peer, first);
                open.giveBack(peer);
            });
            connection.pipeline().addLast(first);
            open.watch.add(connection);
            open.isSilent(peer, first); // Only one that is handed over can make room.
            accepted.add(connection);
        } catch (RuntimeException e) {
            // What is wrong with one connection must not end the listener, as an exception would.
            log.warn("a connection from {} could not be taken", peer, e);
            open.giveBack(peer);
            socket.close();
        }
        return 1;
    }

    /** The words fit any socket's empty buffer, so this never waits. */
    private static void refuse(SocketChannel socket) {
        var words = "too many connections: close some, or try again later".getBytes(StandardCharsets.US_ASCII);
        var frames = ByteBuffer.allocate(2 * FRAME_HEADER + 8 + words.length);
        frame(frames, 0, SETTINGS);
        frame(frames, 8 + words.length, GO_AWAY)
                .putInt(0)
                .putInt(ENHANCE_YOUR_CALM)
                .put(words)
                .flip();
        try (socket) {
            socket.configureBlocking(false);
            socket.write(frames);
        } catch (IOException e) {
            // It went away by itself.
        }
    }

    private static ByteBuffer frame(ByteBuffer out, int length, byte type) {
        return out.put((byte) (length >>> 16))
                .putShort((short) length)
                .put(type)
                .put((byte) 0)
                .putInt(0);
    }

    /** Closes a connection whose first bytes do not come. Used by the connection's thread alone, but for {@link #giveUp}. */
    static final class FirstBytes extends ChannelInboundHandlerAdapter {
        private final Channel connection;
        private final Open open;
        private final String peer;
        private volatile boolean givenUp;
        private int seen;

        FirstBytes(Channel connection, Open open, String peer) {
            this.connection = connection;
            this.open = open;
            this.peer = peer;
        }

        /** From any thread: it makes room for another one. A connection that has no thread yet can't be closed; that closes it then. */
        void giveUp() {
            givenUp = true;
            if (connection.isRegistered()) {
                var unused = connection.close();
            }
        }

        @Override
        public void channelRegistered(ChannelHandlerContext context) {
            context.fireChannelRegistered();
            if (givenUp) {
                var unused = context.close();
            }
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            var late = context.executor()
                    .schedule(
                            () -> {
                                if (seen < PREFACE) {
                                    var unused = context.close();
                                }
                            },
                            open.firstBytes.toMillis(),
                            TimeUnit.MILLISECONDS);
            context.channel().closeFuture().addListener(closed -> late.cancel(false));
            context.fireChannelActive();
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            seen += ((ByteBuf) message).readableBytes();
            if (seen >= PREFACE) {
                open.spoke(peer, this);
                context.pipeline().remove(this);
            }
            context.fireChannelRead(message);
        }
    }
}
