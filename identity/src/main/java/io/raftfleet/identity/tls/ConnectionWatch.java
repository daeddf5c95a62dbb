package io.raftfleet.identity.tls;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.Future;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Says why connections come to nothing, and has those with TLS end with their peer's certificate. Its handlers stand before all
 * others of a connection. Thread-safe; a handler is used by its connection's thread.
 */
public final class ConnectionWatch {
    private final Optional<TlsIdentity> identity;
    private final boolean dials;
    private final String peer;
    private final QuietLog log;

    /**
     * A watch over connections that others make.
     *
     * @param identity this side's; empty where plaintext is spoken
     * @param say takes a line
     */
    public static ConnectionWatch accepting(Optional<TlsIdentity> identity, Consumer<String> say) {
        return new ConnectionWatch(identity, false, "a connection from", say);
    }

    /** The same over those that this process makes, to engines. */
    static ConnectionWatch dialing(Optional<TlsIdentity> identity, Consumer<String> say) {
        return new ConnectionWatch(identity, true, "the connection to the engine at", say);
    }

    private ConnectionWatch(Optional<TlsIdentity> identity, boolean dials, String peer, Consumer<String> say) {
        this.identity = identity;
        this.dials = dials;
        this.peer = peer;
        this.log = new QuietLog(say, System::nanoTime);
    }

    /** Watches a connection that has just been made, or is about to be. */
    public void add(Channel connection) {
        connection.pipeline().addFirst(new First());
    }

    private void say(Channel channel, String why) {
        log.say(peer + " " + printable(channel.remoteAddress()) + " failed: " + why);
    }

    private static String printable(@Nullable SocketAddress address) {
        // Without the port, which is another each time.
        return address instanceof InetSocketAddress inet && inet.getAddress() != null
                ? inet.getAddress().getHostAddress()
                : String.valueOf(address);
    }

    /** Looks at the first bytes. */
    private final class First extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            var pipeline = ctx.pipeline();
            var tls = pipeline.get(SslHandler.class);
            if (tls != null) {
                var unused = tls.handshakeFuture().addListener(done -> handshaken(tls, ctx.channel(), done));
            } else if (message instanceof ByteBuf bytes && isTls(bytes)) {
                say(ctx.channel(), TlsFailure.TLS);
            }
            pipeline.remove(this);
            ctx.fireChannelRead(message);
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            if (dials && identity.isEmpty()) {
                say(ctx.channel(), TlsFailure.SILENT);
            }
            ctx.fireChannelInactive();
        }
    }

    private static boolean isTls(ByteBuf bytes) {
        if (bytes.readableBytes() < 2) {
            return false;
        }
        int type = bytes.getUnsignedByte(bytes.readerIndex());
        return (type == TlsFailure.HANDSHAKE || type == TlsFailure.ALERT)
                && bytes.getUnsignedByte(bytes.readerIndex() + 1) == TlsFailure.VERSION;
    }

    private void handshaken(SslHandler tls, Channel channel, Future<?> done) {
        var own = identity.orElse(null);
        if (own == null) {
            return;
        }
        if (!done.isSuccess()) {
            say(channel, TlsFailure.words(done.cause(), own.current().files().authorities()));
            return;
        }
        if (dials && !ApplicationProtocolNames.HTTP_2.equals(tls.applicationProtocol())) {
            say(channel, TlsFailure.NO_GRPC);
        }
        var ended = own.connections()
                .add(printable(channel.remoteAddress()), tls.engine().getSession(), own, () -> cut(channel, tls));
        var unused = channel.closeFuture().addListener(closed -> ended.run());
        ChannelPipeline pipeline = channel.pipeline();
        var context = pipeline.context(tls);
        if (context != null) {
            pipeline.addAfter(context.name(), null, new Late(own));
        }
    }

    /** At once, from below gRPC: a channel that is told to close waits for the calls in it to end, and a session never does. */
    private static void cut(Channel channel, SslHandler tls) {
        var below = channel.pipeline().context(tls);
        var unused = below == null ? channel.close() : below.close();
    }

    /** A server looks at a client's certificate after the client has taken the handshake for done. */
    private final class Late extends ChannelInboundHandlerAdapter {
        private final TlsIdentity own;

        Late(TlsIdentity own) {
            this.own = own;
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            if (TlsFailure.is(cause)) {
                say(ctx.channel(), TlsFailure.words(cause, own.current().files().authorities()));
            }
            ctx.fireExceptionCaught(cause);
        }
    }
}
