package io.raftfleet.state.raft;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.ratis.protocol.RaftPeerId;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connects a leader anew with followers that have not answered for a while. The connection to a host that is cut off does not
 * break: TCP sends again what was not acknowledged, after twice as long each time, up to two minutes (RFC 6298), so that an engine would be
 * missed for minutes after its host is back. A new connection is there as soon as the host is. Owned by one timer's thread; connections
 * are ended by threads of their own, one at a time for each follower, as Ratis waits for seconds for the end of one that is silent.
 */
final class SilentFollowers {
    private static final Logger LOG = LoggerFactory.getLogger(SilentFollowers.class);

    /** Longer than a part of a checkpoint may take, which is 10 s; a new connection each time that so much has passed. */
    static final Duration SILENCE = Duration.ofSeconds(12);

    private final Supplier<@Nullable RatisServer> server;
    private final LeadershipConfirmation confirmation;
    private final LongSupplier nanoTime;
    /** When each was last connected anew. */
    private final Map<String, Long> connected = new HashMap<>();
    /** Those that are being connected anew. */
    private final Set<RaftPeerId> underWay = ConcurrentHashMap.newKeySet();

    /** @param server the current one; null while there is none */
    SilentFollowers(
            Supplier<@Nullable RatisServer> server, LeadershipConfirmation confirmation, LongSupplier nanoTime) {
        this.server = server;
        this.confirmation = confirmation;
        this.nanoTime = nanoTime;
    }

    /** Looks from now on, until the timer is shut down. */
    void watch(ScheduledExecutorService timer) {
        var unused = timer.scheduleWithFixedDelay(
                this::look, SILENCE.toMillis(), SILENCE.toMillis() / 2, TimeUnit.MILLISECONDS);
    }

    private void look() {
        RatisServer current = server.get();
        if (current == null || !current.info().isLeader()) {
            connected.clear();
            return;
        }
        look(confirmation.sinceAnswers(current.info().getCurrentTerm()), follower -> {
            if (underWay.add(follower)) {
                var unused = Thread.ofVirtual().name("connect-anew").start(() -> {
                    try {
                        current.connectAnew(follower);
                    } finally {
                        underWay.remove(follower);
                    }
                });
            }
        });
    }

    /**
     * Connects anew with those that are due.
     *
     * @param sinceAnswers milliseconds since each follower's last answer
     */
    void look(Map<String, Long> sinceAnswers, Connector connector) {
        long now = nanoTime.getAsLong();
        connected.keySet().retainAll(sinceAnswers.keySet());
        sinceAnswers.forEach((follower, millis) -> {
            if (millis < SILENCE.toMillis()) {
                connected.remove(follower);
                return;
            }
            Long last = connected.get(follower);
            if (last == null || now - last >= SILENCE.toNanos()) {
                connected.put(follower, now);
                LOG.debug("Engine {} has not answered for {} ms: connecting anew", follower, millis);
                connector.connectAnew(RaftPeerId.valueOf(follower));
            }
        });
    }

    interface Connector {
        void connectAnew(RaftPeerId follower);
    }
}
