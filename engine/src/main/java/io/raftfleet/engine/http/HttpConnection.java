package io.raftfleet.engine.http;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.engine.access.SocketPeers;
import io.raftfleet.engine.http.ConnectionClock.Expired;
import io.raftfleet.engine.http.ConnectionClock.Phase;
import io.raftfleet.identity.Identity;
import io.raftfleet.identity.tls.TlsFailure;
import io.raftfleet.traces.Traceparent;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLPeerUnverifiedException;
import jdk.net.ExtendedSocketOptions;
import jdk.net.UnixDomainPrincipal;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection: reads a request whole, has it answered, and only then reads on; pipelined requests wait in the socket.
 * Owned by the connection's event loop.
 */
final class HttpConnection extends ChannelInboundHandlerAdapter {
    /** Event: the server stops; a connection that waits for a request is closed. */
    enum Stop {
        STOP
    }

    private static final Logger log = LoggerFactory.getLogger(HttpConnection.class);
    private static final ChannelOption<UnixDomainPrincipal> PEER =
            NioChannelOption.of(ExtendedSocketOptions.SO_PEERCRED);

    /** Of a request of who shows no certificate, in bytes. */
    private static final int MAX_UNCERTIFIED_BODY = 16 * 1024;

    /** Up to which an answer, in bytes, is sent however much others hold: so are those that say what a write did. */
    private static final int SMALL_ANSWER = 16 * 1024;

    /**
     * What the connections of a listener share.
     *
     * @param bodies bytes of requests that have arrived and are not answered
     * @param answers bytes of answers that are not sent
     */
    record Buffers(SharedRoom bodies, SharedRoom answers) {}

    private final HttpHandler handler;
    private final HttpSettings settings;
    private final Buffers buffers;
    /** Under which address what it holds is counted. */
    private final String from;

    private final ConnectionClock clock;
    /** Whether the server stops. Asked, not told: an answer may be sent before the event of the stop arrives. */
    private final BooleanSupplier stopping;
    /** Empty where the kernel can't say who is at the other end. */
    private final Optional<SocketPeers> peers;
    /** Asked once: a connection is its maker's for good. */
    private @Nullable CompletableFuture<UnixDomainPrincipal> peer;

    private @Nullable HttpRequest request;
    /** Of this request, in bytes. */
    private int maxBody;

    private ByteArrayOutputStream body = new ByteArrayOutputStream(0);
    /** Bytes of the body that has arrived, until the handler has the request. */
    private long reserved;

    private boolean keepAlive = true;
    /** The request was answered before its end: the rest of what comes is thrown away. */
    private boolean discarding;
    /** Counts requests, so that a late answer is not taken for that of a later request. */
    private long serial;

    HttpConnection(
            HttpHandler handler,
            HttpSettings settings,
            Buffers buffers,
            String from,
            ConnectionClock clock,
            BooleanSupplier stopping,
            Optional<SocketPeers> peers) {
        this.handler = handler;
        this.settings = settings;
        this.buffers = buffers;
        this.from = from;
        this.clock = clock;
        this.stopping = stopping;
        this.peers = peers;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        try {
            if (!discarding && message instanceof HttpRequest head) {
                begin(ctx, head);
            }
            if (!discarding && message instanceof HttpContent content) {
                append(ctx, content);
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    private void begin(ChannelHandlerContext ctx, HttpRequest head) {
        request = head;
        body = new ByteArrayOutputStream(0);
        keepAlive = HttpUtil.isKeepAlive(head);
        if (head.decoderResult().isFailure()) {
            reject(ctx, malformed(head.decoderResult().cause()));
            return;
        }
        if (head.protocolVersion().majorVersion() != 1) {
            reject(ctx, HttpReply.error(505, head.protocolVersion() + " is not spoken here; HTTP/1.1 is"));
            return;
        }
        if (head.protocolVersion().equals(HttpVersion.HTTP_1_1)
                && head.headers().getAll(HttpHeaderNames.HOST).size() != 1) {
            reject(ctx, HttpReply.error(400, "HTTP/1.1 wants one Host header"));
            return;
        }
        // What the page sends is small; a stranger gets little room.
        maxBody = certified(ctx.channel()).kind() == Caller.Kind.STRANGER
                ? Math.min(MAX_UNCERTIFIED_BODY, settings.maxBodyBytes())
                : settings.maxBodyBytes();
        if (!HttpUtil.isTransferEncodingChunked(head) && HttpUtil.getContentLength(head, 0L) > maxBody) {
            reject(ctx, tooLarge());
            return;
        }
        if (HttpUtil.is100ContinueExpected(head)) {
            ctx.writeAndFlush(new DefaultFullHttpResponse(
                            HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE, Unpooled.EMPTY_BUFFER))
                    .addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
        } else if (head.headers().contains(HttpHeaderNames.EXPECT)) {
            reject(ctx, HttpReply.error(417, "only Expect: 100-continue is known"));
        }
    }

    private void append(ChannelHandlerContext ctx, HttpContent content) {
        if (content.decoderResult().isFailure()) {
            reject(ctx, malformed(content.decoderResult().cause()));
            return;
        }
        ByteBuf bytes = content.content();
        int more = bytes.readableBytes();
        if (body.size() + more > maxBody) {
            reject(ctx, tooLarge());
            return;
        }
        if (!buffers.bodies().tryTake(from, more)) {
            reject(ctx, busy("too many large requests at once; try again shortly"));
            return;
        }
        reserved += more;
        try {
            bytes.readBytes(body, more);
        } catch (IOException e) {
            throw new UncheckedIOException("a byte array can't be written to", e);
        }
        if (content instanceof LastHttpContent && request != null) {
            dispatch(ctx, request);
        }
    }

    private static HttpReply busy(String why) {
        return HttpReply.error(503, why).with("Retry-After", "1");
    }

    private HttpReply tooLarge() {
        return HttpReply.error(413, "the body is larger than " + maxBody + " bytes");
    }

    private static HttpReply malformed(@Nullable Throwable cause) {
        if (cause instanceof TooLongHttpLineException) {
            return HttpReply.error(414, "the request line is too long");
        }
        if (cause instanceof TooLongHttpHeaderException) {
            return HttpReply.error(431, "the headers are too long");
        }
        return HttpReply.error(400, "malformed HTTP: " + (cause == null ? "" : cause.getMessage()));
    }

    @SuppressWarnings("FutureReturnValueIgnored") // The chain ends in its own log line.
    private void dispatch(ChannelHandlerContext ctx, HttpRequest head) {
        ctx.channel().config().setAutoRead(false);
        clock.enter(Phase.ANSWERING);
        long answering = ++serial;
        ByteString whole = UnsafeByteOperations.unsafeWrap(body.toByteArray());
        body = new ByteArrayOutputStream(0);
        CompletableFuture<Caller> calling = caller(ctx.channel());
        // The handler has them for as long as it takes, also where the connection is closed under it, or was told that
        // it takes too long.
        long held = reserved;
        reserved = 0;
        String what = head.method() + " " + head.uri();
        calling.thenCompose(caller -> handle(head, caller, whole))
                .exceptionally(failure -> Failures.reply(what, failure))
                .whenComplete((reply, failure) -> buffers.bodies().giveBack(from, held))
                .thenApply(this::counted)
                .thenAccept(answer -> onLoop(ctx, answer, () -> answered(ctx, answering, answer)))
                .whenComplete((done, failure) -> {
                    if (failure != null) {
                        log.error("HTTP {}: the answer could not be sent", what, failure);
                    }
                });
    }

    private CompletableFuture<HttpReply> handle(HttpRequest head, Caller caller, ByteString whole) {
        HttpCall call;
        try {
            call = call(head, caller, whole);
        } catch (IllegalArgumentException e) {
            return HttpReply.error(400, "malformed URL: " + e.getMessage()).now();
        }
        return handler.handle(call);
    }

    /**
     * An answer and its bytes among those that clients have not taken, to be given back once.
     *
     * @param bytes 0 for a small answer, which is not counted
     */
    private record Answer(HttpReply reply, long bytes) {}

    /** On the thread that made the answer: what there is no room for does not wait for the connection's thread. */
    private Answer counted(HttpReply reply) {
        long bytes = reply.body().size();
        if (bytes <= SMALL_ANSWER) {
            return new Answer(reply, 0);
        }
        return buffers.answers().tryTake(from, bytes)
                ? new Answer(reply, bytes)
                : new Answer(
                        busy(
                                "too many large answers at once that their clients have not taken; read them, then ask again"
                                        + ", or for less"),
                        0);
    }

    private void onLoop(ChannelHandlerContext ctx, Answer answer, Runnable task) {
        if (ctx.executor().inEventLoop()) {
            task.run();
            return;
        }
        try {
            ctx.executor().execute(task);
        } catch (RejectedExecutionException e) {
            buffers.answers().giveBack(from, answer.bytes());
            log.debug("HTTP connection {} was answered after the server's stop", ctx.channel(), e);
        }
    }

    /** On a unix socket, who the kernel says it is, if that one may; over TLS, whom the certificate names. */
    private CompletableFuture<Caller> caller(Channel channel) {
        SocketPeers kernel = peers.orElse(null);
        if (kernel == null) {
            return CompletableFuture.completedFuture(certified(channel));
        }
        if (peer == null) {
            peer = kernel.peer(() -> channel.config().getOption(PEER));
        }
        return peer.thenCompose(kernel::caller);
    }

    /** The handshake is done before the first request comes. Without a certificate it is a browser that has a session, or wants one. */
    private static Caller certified(Channel channel) {
        SslHandler tls = channel.pipeline().get(SslHandler.class);
        if (tls == null) {
            return Caller.PLAINTEXT;
        }
        try {
            return Caller.of(
                    Identity.of((X509Certificate) tls.engine().getSession().getPeerCertificates()[0]));
        } catch (SSLPeerUnverifiedException e) {
            return Caller.STRANGER;
        } catch (CertificateException e) {
            throw new IllegalStateException("a handshake with a certificate of nobody", e);
        }
    }

    private static HttpCall call(HttpRequest head, Caller caller, ByteString body) {
        QueryStringDecoder url = new QueryStringDecoder(head.uri());
        String host = head.headers().get(HttpHeaderNames.HOST);
        String traceparent = head.headers().get(Traceparent.HEADER);
        return new HttpCall(
                head.method().name(),
                url.path(),
                url.parameters(),
                head.headers().getAll(HttpHeaderNames.CONTENT_TYPE),
                host == null ? "" : host,
                String.join(",", head.headers().getAll(HttpHeaderNames.ORIGIN)),
                BrowserGuard.isForeign(head.headers()),
                traceparent == null ? "" : traceparent,
                caller,
                String.join("; ", head.headers().getAll(HttpHeaderNames.COOKIE)),
                false,
                body);
    }

    private void answered(ChannelHandlerContext ctx, long answering, Answer answer) {
        if (answering == serial && clock.phase() == Phase.ANSWERING) {
            respond(ctx, answer);
        } else {
            buffers.answers().giveBack(from, answer.bytes());
        }
    }

    /** Answers a request that was read to its end. */
    private void respond(ChannelHandlerContext ctx, Answer answer) {
        HttpReply reply = answer.reply();
        boolean stay = keepAlive && !stopping.getAsBoolean() && !reply.isLast();
        clock.enter(Phase.SENDING);
        ctx.writeAndFlush(response(reply, stay)).addListener(sent -> {
            buffers.answers().giveBack(from, answer.bytes());
            if (!sent.isSuccess() || !stay) {
                close(ctx);
                return;
            }
            // A task of its own: a read may deliver the next pipelined request, which must not nest in this one.
            ctx.executor().execute(() -> {
                if (stopping.getAsBoolean()) {
                    close(ctx);
                } else {
                    clock.enter(Phase.IDLE);
                    ctx.channel().config().setAutoRead(true);
                }
            });
        });
    }

    /**
     * Answers a request that will not be read to its end, then closes. Closing with unread bytes would reset the
     * connection and lose the answer, so what still comes is read and dropped until the client closes or time is over.
     */
    private void reject(ChannelHandlerContext ctx, HttpReply reply) {
        giveBack();
        discarding = true;
        keepAlive = false;
        clock.enter(Phase.LINGERING);
        ctx.writeAndFlush(response(reply, false)).addListener(sent -> {
            if (sent.isSuccess() && ctx.channel() instanceof DuplexChannel channel) {
                channel.shutdownOutput().addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
            } else {
                close(ctx);
            }
        });
        ctx.channel().config().setAutoRead(true);
    }

    private FullHttpResponse response(HttpReply reply, boolean stay) {
        FullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                HttpResponseStatus.valueOf(reply.status()),
                Unpooled.wrappedBuffer(reply.body().asReadOnlyByteBuffer()));
        response.headers().set(HttpHeaderNames.SERVER, settings.serverName());
        reply.headers().forEach((name, value) -> response.headers().set(name, value));
        if (reply.status() != 204) {
            HttpUtil.setContentLength(response, reply.body().size());
        }
        if (!reply.contentType().isEmpty()) {
            response.headers().set(HttpHeaderNames.CONTENT_TYPE, reply.contentType());
            response.headers().set("x-content-type-options", "nosniff");
            response.headers().set("cross-origin-resource-policy", "same-origin");
        }
        if (!stay) {
            response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        } else if (request != null && request.protocolVersion().equals(HttpVersion.HTTP_1_0)) {
            response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.KEEP_ALIVE);
        }
        return response;
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof SslHandshakeCompletionEvent shaken
                && shaken.isSuccess()
                && certified(ctx.channel()).kind() == Caller.Kind.STRANGER) {
            clock.hurry();
        }
        if (event instanceof Expired expired) {
            expired(ctx, expired.phase());
        } else if (event instanceof Stop) {
            if (clock.phase() == Phase.IDLE) {
                close(ctx);
            }
        } else {
            ctx.fireUserEventTriggered(event);
        }
    }

    private void expired(ChannelHandlerContext ctx, Phase phase) {
        switch (phase) {
            case IDLE, SENDING, LINGERING -> close(ctx);
            case RECEIVING ->
                reject(
                        ctx,
                        HttpReply.error(
                                408,
                                "the request did not arrive within "
                                        + settings.receiveTimeout().toMillis() + " ms"));
            case ANSWERING -> {
                log.error(
                        "HTTP {} {} had no answer within {}; the caller gets a 503",
                        request == null ? "" : request.method(),
                        request == null ? "" : request.uri(),
                        settings.answerTimeout());
                keepAlive = false;
                var late = HttpReply.error(503, "the engine did not answer in time; whether this was done is unknown");
                respond(ctx, new Answer(late, 0));
            }
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        giveBack();
        ctx.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable failure) {
        // What TLS has to say was said where the handshake failed.
        if (failure instanceof IOException || TlsFailure.is(failure)) {
            log.debug("HTTP connection {} broke", ctx.channel(), failure);
        } else {
            log.error("HTTP connection {} failed; it is closed", ctx.channel(), failure);
        }
        close(ctx);
    }

    private void giveBack() {
        buffers.bodies().giveBack(from, reserved);
        reserved = 0;
    }

    private static void close(ChannelHandlerContext ctx) {
        Channel channel = ctx.channel();
        if (channel.isOpen()) {
            channel.close().addListener(closed -> {
                if (!closed.isSuccess()) {
                    log.debug("HTTP connection {} did not close cleanly", channel, closed.cause());
                }
            });
        }
    }
}
