package io.raftfleet.engine.http;

import com.google.common.primitives.Bytes;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.handler.ssl.SslContext;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.GlobalEventExecutor;
import io.raftfleet.engine.access.SocketPeers;
import io.raftfleet.engine.admission.Peer;
import io.raftfleet.engine.http.HttpConnection.Buffers;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.tls.ConnectionWatch;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves one {@link HttpHandler} on TCP and, when asked, on a unix socket: HTTP/1.1 with keep-alive, every connection,
 * request, body and wait limited by {@link HttpSettings}. Built on Netty, which gRPC brings along, and whose NIO
 * transport serves unix sockets on the JDK's own channels. Started and stopped by one thread.
 */
public final class HttpServers implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(HttpServers.class);
    private static final int BACKLOG = 512;
    private static final int MAX_REQUEST_LINE = 8 * 1024;
    private static final int MAX_HEADERS = 16 * 1024;
    /** No smaller than the requests that one read (64 KiB) can hold: the codec counts those that wait for their turn. */
    private static final int MAX_PIPELINED = 4_096;

    private static final Duration DEFAULT_DRAIN = Duration.ofSeconds(5);
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(5);
    private static final byte[] FULL = full();

    private final HttpHandler handler;
    private final HttpSettings settings;
    /** For connections by the network, which leave those by the unix socket theirs. */
    private final Buffers buffers;

    private final Buffers localBuffers;
    private final Optional<SslContext> tls;
    private final ConnectionWatch watch;
    private final MultiThreadIoEventLoopGroup loops;
    private final ChannelGroup connections = new DefaultChannelGroup("http", GlobalEventExecutor.INSTANCE, true);
    /** As with buffers. */
    private final ConnectionRoom room;

    private final ConnectionRoom localRoom;
    private final List<Channel> listeners = new ArrayList<>();
    private @Nullable UnixSocketFile socketFile;
    /** Set before anybody can find the socket. */
    private volatile Optional<SocketPeers> peers = Optional.empty();
    /** Set before anything is closed, so that no answer promises a connection that is about to go. */
    private volatile boolean stopping;

    private HttpServers(HttpSettings settings, HttpHandler handler) {
        this.settings = settings;
        this.handler = handler;
        this.buffers = buffers(settings.maxBufferedBytes(), settings.maxBufferedBytes() / 2);
        this.localBuffers = buffers(settings.maxBufferedBytes(), settings.maxBufferedBytes());
        this.room = new ConnectionRoom("the HTTP port", settings.maxConnections(), System::nanoTime);
        this.localRoom = new ConnectionRoom("the unix socket", settings.maxConnections(), System::nanoTime);
        this.tls = settings.tls().map(own -> own.httpServer(EnumSet.allOf(SpiffeId.Kind.class)));
        this.watch = ConnectionWatch.accepting(
                settings.tls(), line -> log.warn("HTTP on {}:{}: {}", settings.host(), settings.port(), line));
        this.loops = new MultiThreadIoEventLoopGroup(
                settings.ioThreads(), new DefaultThreadFactory("http-io", true), NioIoHandler.newFactory());
    }

    private static Buffers buffers(long bytes, long ofOneAddress) {
        return new Buffers(new SharedRoom(bytes, ofOneAddress), new SharedRoom(bytes, ofOneAddress));
    }

    /** Bytes of answers by the network that clients have not taken. */
    long unsent() {
        return buffers.answers().used();
    }

    /**
     * Opens all listeners.
     *
     * @throws IOException if one can't be opened, saying which, why, and what to do; then none stays open
     */
    public static HttpServers start(HttpSettings settings, HttpHandler handler) throws IOException {
        HttpServers servers = new HttpServers(settings, handler);
        try {
            servers.listen();
        } catch (IOException | RuntimeException e) {
            servers.close(Duration.ZERO);
            throw e;
        }
        return servers;
    }

    /** Where it listens on TCP, with the port that was taken when a free one was asked for. */
    public InetSocketAddress address() {
        return (InetSocketAddress) listeners.getFirst().localAddress();
    }

    private void listen() throws IOException {
        InetSocketAddress address = new InetSocketAddress(settings.host(), settings.port());
        String where = settings.host() + ":" + settings.port();
        if (address.isUnresolved()) {
            throw new IOException("can't listen for HTTP on " + where + ": no address is known for this host name");
        }
        try {
            listeners.add(bind(NioServerSocketChannel.class, address));
        } catch (BindException e) {
            throw new IOException(
                    "can't listen for HTTP on " + where + ": " + e.getMessage()
                            + "; stop the process that has this port (\"ss -ltnp 'sport = :" + settings.port()
                            + "'\" names it), or configure another address",
                    e);
        } catch (IOException e) {
            throw new IOException("can't listen for HTTP on " + where + ": " + e.getMessage(), e);
        }
        if (settings.unixSocket().isPresent()) {
            UnixSocketFile file = new UnixSocketFile(settings.unixSocket().get());
            file.makeWay();
            try {
                file.place(made -> {
                    listeners.add(bind(NioServerDomainSocketChannel.class, made));
                    peers = Optional.of(SocketPeers.of(made.getPath()));
                    socketFile = file;
                });
            } catch (IOException e) {
                throw new IOException(
                        "can't listen for HTTP on unix socket " + file + ": " + e.getMessage()
                                + "; its folder must exist and be writable for this user",
                        e);
            }
        }
        log.info(
                "HTTP{} listens on {}:{}{}",
                tls.isPresent() ? " over TLS" : "",
                address().getHostString(),
                address().getPort(),
                socketFile == null ? "" : " and unix socket " + socketFile);
    }

    private Channel bind(Class<? extends ServerChannel> type, SocketAddress address) throws IOException {
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loops)
                .channel(type)
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel connection) {
                        accept(connection);
                    }
                });
        if (type == NioServerSocketChannel.class) {
            bootstrap.option(ChannelOption.SO_REUSEADDR, true).childOption(ChannelOption.TCP_NODELAY, true);
        }
        var bound = bootstrap.bind(address).awaitUninterruptibly();
        if (bound.isSuccess()) {
            return bound.channel();
        }
        switch (bound.cause()) {
            case IOException e -> throw e;
            case null -> throw new IOException("binding was cancelled");
            case Throwable e -> throw new IOException(String.valueOf(e.getMessage()), e);
        }
    }

    private void accept(Channel connection) {
        boolean local = connection instanceof NioDomainSocketChannel;
        ConnectionClock clock = new ConnectionClock(settings);
        String from = Peer.name(connection.remoteAddress());
        if (stopping || !(local ? localRoom : room).enter(connection, from, clock)) {
            refuse(connection, local);
            return;
        }
        if (!local) {
            watch.add(connection);
            tls.ifPresent(context -> {
                var handler = context.newHandler(connection.alloc());
                handler.setHandshakeTimeoutMillis(settings.receiveTimeout().toMillis());
                connection.pipeline().addLast(handler);
            });
        }
        connection
                .pipeline()
                .addLast(clock)
                .addLast(new HttpServerCodec(
                        new HttpDecoderConfig()
                                .setMaxInitialLineLength(MAX_REQUEST_LINE)
                                .setMaxHeaderSize(MAX_HEADERS),
                        MAX_PIPELINED))
                .addLast(new FlowControlHandler())
                .addLast(new HttpConnection(
                        handler,
                        settings,
                        local ? localBuffers : buffers,
                        from,
                        clock,
                        () -> stopping,
                        local ? peers : Optional.empty()));
        connections.add(connection);
        if (stopping) {
            connection.pipeline().fireUserEventTriggered(HttpConnection.Stop.STOP);
        }
    }

    private void refuse(Channel connection, boolean local) {
        if (tls.isPresent() && !local) {
            var unused = connection.close(); // Words would have to be encrypted.
            return;
        }
        connection.writeAndFlush(Unpooled.wrappedBuffer(FULL)).addListener(ChannelFutureListener.CLOSE);
    }

    private static byte[] full() {
        byte[] body = HttpReply.error(
                        503, "this engine has as many connections as it takes: ask again soon, or another engine")
                .body()
                .toByteArray();
        byte[] head = """
                HTTP/1.1 503 Service Unavailable\r
                Content-Type: application/json\r
                Content-Length: %d\r
                Retry-After: 1\r
                Connection: close\r
                \r
                """.formatted(body.length).getBytes(StandardCharsets.US_ASCII);
        return Bytes.concat(head, body);
    }

    /** As {@link #close(Duration)}, with five seconds for the requests under way. */
    @Override
    public void close() {
        close(DEFAULT_DRAIN);
    }

    /**
     * Stops listening, lets requests under way be answered, then closes every connection.
     *
     * @param drain how long to wait for answers
     */
    public void close(Duration drain) {
        stopping = true;
        for (Channel listener : listeners) {
            listener.close().awaitUninterruptibly(CLOSE_LIMIT.toMillis());
        }
        for (Channel connection : connections) {
            connection.pipeline().fireUserEventTriggered(HttpConnection.Stop.STOP);
        }
        if (!connections.newCloseFuture().awaitUninterruptibly(drain.toMillis()) && drain.isPositive()) {
            log.warn("HTTP stops with {} requests unanswered after {}", connections.size(), drain);
        }
        connections.close().awaitUninterruptibly(CLOSE_LIMIT.toMillis());
        if (!loops.shutdownGracefully(0, CLOSE_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                .awaitUninterruptibly(2 * CLOSE_LIMIT.toMillis())) {
            log.warn("HTTP threads did not end within {}", CLOSE_LIMIT.multipliedBy(2));
        }
        if (socketFile != null) {
            try {
                socketFile.remove();
            } catch (IOException e) {
                log.warn("unix socket {} could not be removed: {}", socketFile, e.getMessage());
            }
        }
    }
}
