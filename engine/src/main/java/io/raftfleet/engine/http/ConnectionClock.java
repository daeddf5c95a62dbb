package io.raftfleet.engine.http;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Limits how long a connection may stay in each phase of a request as a whole, so that a client that sends or takes a
 * byte now and then holds it no longer than one that is silent. Stands first in the pipeline to see a request's first
 * byte. Owned by the connection's event loop.
 *
 * <p>Fires an {@link Expired} event, once, when the phase's time is over. A timer that is already set is left to run and
 * looks again when it fires: a busy connection sets none anew for each request.
 */
final class ConnectionClock extends ChannelInboundHandlerAdapter {
    enum Phase {
        /** Between requests. */
        IDLE,
        /** A request's first byte has come, its last has not. */
        RECEIVING,
        /** The handler has the request. */
        ANSWERING,
        /** The answer is being sent. */
        SENDING,
        /** The answer to a request that isn't read any further was sent; the client may finish reading it. */
        LINGERING
    }

    /** The time for a phase is over. */
    record Expired(Phase phase) {}

    private static final Duration LINGER = Duration.ofSeconds(3);

    private final HttpSettings settings;
    /** Written by the connection's own thread alone, as is {@link #since}. */
    private volatile Phase phase = Phase.IDLE;

    private volatile long since = System.nanoTime();
    private boolean hurried;
    private long deadline;
    private long timerDue;
    private @Nullable ScheduledFuture<?> timer;
    private @Nullable ChannelHandlerContext context;

    ConnectionClock(HttpSettings settings) {
        this.settings = settings;
    }

    /** Safe for any thread. */
    Phase phase() {
        return phase;
    }

    /** When the phase began, as {@link System#nanoTime} has it. Safe for any thread. */
    long since() {
        return since;
    }

    /** From now on it may stay no longer between requests than a request may take to come in. */
    void hurry() {
        hurried = true;
        if (phase == Phase.IDLE) {
            enter(Phase.IDLE);
        }
    }

    void enter(Phase next) {
        long now = System.nanoTime();
        phase = next;
        since = now;
        deadline = now + limit(next).toNanos();
        if (timer == null || timerDue - deadline > 0) {
            stopTimer();
            startTimer();
        }
    }

    private Duration limit(Phase of) {
        return switch (of) {
            case IDLE -> hurried ? settings.receiveTimeout() : settings.idleTimeout();
            case RECEIVING -> settings.receiveTimeout();
            case ANSWERING -> settings.answerTimeout();
            case SENDING -> settings.sendTimeout();
            case LINGERING -> LINGER;
        };
    }

    private void startTimer() {
        ChannelHandlerContext ctx = context;
        if (ctx != null && ctx.channel().isActive()) {
            timerDue = deadline;
            timer = ctx.executor().schedule(() -> look(ctx), deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        }
    }

    private void stopTimer() {
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
    }

    private void look(ChannelHandlerContext ctx) {
        timer = null;
        if (deadline - System.nanoTime() > 0) {
            startTimer();
        } else {
            ctx.fireUserEventTriggered(new Expired(phase));
        }
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        enter(Phase.IDLE);
        ctx.fireChannelActive();
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object bytes) {
        if (phase == Phase.IDLE) {
            enter(Phase.RECEIVING);
        }
        ctx.fireChannelRead(bytes);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        stopTimer();
        ctx.fireChannelInactive();
    }
}
