package io.raftfleet.state.raft;

import io.raftfleet.identity.Identity;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.tls.TlsFailure;
import io.raftfleet.identity.tls.TlsIdentity;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.apache.ratis.conf.Parameters;
import org.apache.ratis.grpc.GrpcConfigKeys;
import org.apache.ratis.grpc.GrpcTlsConfig;
import org.apache.ratis.thirdparty.io.grpc.Attributes;
import org.apache.ratis.thirdparty.io.grpc.Grpc;
import org.apache.ratis.thirdparty.io.netty.channel.Channel;
import org.apache.ratis.thirdparty.io.netty.channel.ChannelHandlerContext;
import org.apache.ratis.thirdparty.io.netty.channel.ChannelInboundHandlerAdapter;
import org.apache.ratis.thirdparty.io.netty.handler.ssl.SslHandler;
import org.apache.ratis.thirdparty.io.netty.handler.ssl.SslProvider;
import org.apache.ratis.thirdparty.io.netty.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * TLS between engines, by Ratis' own settings: both ends show certificates of engines of one cluster. Says why a connection came to
 * nothing, and has one end with its peer's certificate. Ratis has a copy of Netty of its own, so that {@code ConnectionWatch} can't
 * do it.
 *
 * <p>Thread-safe; its handlers are used by their connections' threads.
 */
final class RaftTls {
    private static final long HANDSHAKE_MILLIS = Connections.FIRST_MESSAGE.toMillis();

    private final Optional<TlsIdentity> identity;
    private final Refusals refusals;

    RaftTls(Optional<TlsIdentity> identity, Refusals refusals) {
        this.identity = identity;
        this.refusals = refusals;
    }

    /** Has Ratis' server and clients speak TLS. */
    static void configure(Parameters parameters, TlsIdentity identity) {
        GrpcConfigKeys.TLS.setConf(
                parameters,
                GrpcTlsConfig.newBuilder()
                        .setName("raftfleet")
                        .setKeyManager(identity.keyManager())
                        .setTrustManager(identity.trust(Set.of(SpiffeId.Kind.ENGINE)))
                        .setMutualTls(true)
                        .setSslProvider(SslProvider.JDK)
                        .setProtocols(TlsIdentity.PROTOCOL)
                        .build());
    }

    /** The id of the engine at the other end of a call, by its certificate; null when there is none. */
    static @Nullable String engine(Attributes call) {
        SSLSession session = call.get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
        if (session == null) {
            return null;
        }
        try {
            Identity peer = Identity.of((X509Certificate) session.getPeerCertificates()[0]);
            return peer.id().kind() == SpiffeId.Kind.ENGINE ? peer.id().name() : null;
        } catch (CertificateException | SSLPeerUnverifiedException e) {
            return null;
        }
    }

    /** Watches a connection that was just taken. */
    void watch(Channel connection) {
        if (identity.isPresent()) {
            connection.pipeline().addFirst(new First(identity.get()));
        }
    }

    /** When the first bytes come, Ratis' own handlers are in place. */
    private final class First extends ChannelInboundHandlerAdapter {
        private final TlsIdentity own;

        First(TlsIdentity own) {
            this.own = own;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object bytes) {
            SslHandler tls = context.pipeline().get(SslHandler.class);
            if (tls != null) {
                tls.setHandshakeTimeoutMillis(HANDSHAKE_MILLIS);
                var unused = tls.handshakeFuture().addListener(done -> handshaken(own, tls, context.channel(), done));
            }
            context.pipeline().remove(this);
            context.fireChannelRead(bytes);
        }
    }

    /** At once, from below gRPC: a channel that is told to close waits for the calls in it to end, and streams of entries never do. */
    private static void cut(Channel channel, SslHandler tls) {
        var below = channel.pipeline().context(tls);
        var unused = below == null ? channel.close() : below.close();
    }

    private void handshaken(TlsIdentity own, SslHandler tls, Channel channel, Future<?> done) {
        InetAddress from = channel.remoteAddress() instanceof InetSocketAddress address ? address.getAddress() : null;
        if (!done.isSuccess()) {
            refusals.refused(
                    from,
                    "a connection",
                    TlsFailure.words(done.cause(), own.current().files().authorities()));
            return;
        }
        Runnable ended = own.connections()
                .add(
                        from == null ? "an unknown address" : from.getHostAddress(),
                        tls.engine().getSession(),
                        own,
                        () -> cut(channel, tls));
        var unused = channel.closeFuture().addListener(closed -> ended.run());
    }
}
