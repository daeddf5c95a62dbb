package io.raftfleet.state.raft;

import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.apache.ratis.protocol.RaftPeer;
import org.jspecify.annotations.Nullable;

/**
 * What the members' clocks show, as far as this engine has heard of late. One that does not answer, or is older than the question, does not
 * count. Asks every 20 s, and sooner when somebody looks while there is one that has not answered.
 *
 * <p>Thread-safe.
 */
final class Clocks {
    private static final Duration BETWEEN_QUESTIONS = Duration.ofSeconds(20);
    private static final Duration WHILE_UNKNOWN = Duration.ofMillis(250);
    private static final Duration PATIENCE = Duration.ofSeconds(3);
    /** An answer is good until there should have been two more, */
    private static final Duration GOOD_FOR = Duration.ofSeconds(65);
    /** and until this engine's own two clocks have come so far apart: it was suspended meanwhile, or its wall clock was set. */
    private static final long MOST_APART_MS = 10_000;

    /**
     * What a clock showed, and what this engine's did then.
     *
     * @param ms of Unix time
     * @param ownMs of Unix time
     * @param ownNanos of the monotonic clock
     */
    private record Heard(long ms, long ownMs, long ownNanos) {
        boolean good(long nowMs, long nowNanos) {
            long age = nowNanos - ownNanos;
            return age < GOOD_FOR.toNanos()
                    && Math.abs(nowMs - ownMs - TimeUnit.NANOSECONDS.toMillis(age)) < MOST_APART_MS;
        }

        long shows(long nowNanos) {
            return ms + TimeUnit.NANOSECONDS.toMillis(nowNanos - ownNanos);
        }
    }

    private final Supplier<@Nullable RatisServer> server;
    private final InstantSource own;
    private final ScheduledExecutorService timer;
    private final Map<String, Heard> heard = new ConcurrentHashMap<>();
    private final AtomicLong asked = new AtomicLong(System.nanoTime() - BETWEEN_QUESTIONS.toNanos());

    /**
     * One that does not ask by itself yet.
     *
     * @param server the current one; null while there is none
     * @param own this engine's wall clock
     */
    Clocks(Supplier<@Nullable RatisServer> server, InstantSource own, ScheduledExecutorService timer) {
        this.server = server;
        this.own = own;
        this.timer = timer;
    }

    /** Asks from now on, until the timer is shut down. */
    void watch() {
        var unused = timer.scheduleWithFixedDelay(
                this::shown, WHILE_UNKNOWN.toMillis(), BETWEEN_QUESTIONS.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** As far as is known; the next call may know better. */
    EngineClocks shown() {
        var current = server.get();
        if (current == null) {
            return EngineClocks.ALONE;
        }
        var others = current.otherVoters();
        long now = System.nanoTime();
        long nowMs = own.millis();
        var shown = others.stream()
                .map(peer -> heard.get(peer.getId().toString()))
                .filter(Objects::nonNull)
                .filter(last -> last.good(nowMs, now))
                .map(last -> last.shows(now))
                .toList();
        long before = asked.get();
        var pause = shown.size() < others.size() ? WHILE_UNKNOWN : BETWEEN_QUESTIONS;
        if (now - before >= pause.toNanos() && asked.compareAndSet(before, now)) {
            others.forEach(peer -> ask(current, peer));
        }
        return new EngineClocks(others.size() + 1, shown);
    }

    /** What it shows counts from when it was asked, not from when its answer came: this engine may have been suspended in between. */
    private void ask(RatisServer current, RaftPeer peer) {
        long ownMs = own.millis();
        long ownNanos = System.nanoTime();
        Futures.onEnd(
                Futures.within(current.peerClient().clock(peer), PATIENCE, timer, TimeoutException::new),
                (ms, failure) -> {
                    if (failure == null) {
                        heard.put(peer.getId().toString(), new Heard(ms, ownMs, ownNanos));
                    }
                });
    }
}
