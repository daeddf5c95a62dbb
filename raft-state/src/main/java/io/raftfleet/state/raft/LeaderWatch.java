package io.raftfleet.state.raft;

import com.google.common.net.HostAndPort;
import io.raftfleet.state.raft.PeerMessages.Standing;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.thirdparty.io.grpc.Attributes;
import org.apache.ratis.thirdparty.io.grpc.ServerTransportFilter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Replaces a leader whose process is gone without waiting for an election timeout. A killed process loses its
 * connections at once; a follower that loses a connection, and whose new one to the leader is refused, asks for votes right
 * away. Timeouts can then be long enough for busy machines, as they matter only for leaders that are
 * paused, cut off, or on a machine that went down whole.
 *
 * <p>So that two followers don't split the votes, they compare their logs first: the one whose log is longest begins (if
 * equal, one that keeps up with applying it; then the smallest id), the others only if it doesn't. This is a matter of speed alone: any engine may ask for
 * votes at any time, and votes are granted by Raft's rules.
 *
 * <p>Thread-safe; at most one examination at a time.
 */
final class LeaderWatch extends ServerTransportFilter {
    private static final Logger LOG = LoggerFactory.getLogger(LeaderWatch.class);
    private static final Duration CONNECT = Duration.ofMillis(200);
    /** How long the engine of the smallest id waits for the others' answers before it stands for election, if it keeps up. */
    private static final Duration COMPARE = Duration.ofMillis(50);
    /** How much longer others wait. Who has not answered by then is too busy to lead. */
    private static final Duration COMPARE_LATE = Duration.ofMillis(150);

    private static final Duration STEP_BACK = Duration.ofMillis(400);
    private static final Duration STEP_APART = Duration.ofMillis(100);
    private static final int LOOKS = 5;
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(20);

    private final ScheduledExecutorService timer;
    private final AtomicLong examined = new AtomicLong(-1);
    private volatile @Nullable RatisServer server;

    LeaderWatch(ScheduledExecutorService timer) {
        this.timer = timer;
    }

    void attach(RatisServer newServer) {
        server = newServer;
    }

    /** The server is about to be closed: it asks for no votes any more. */
    void detach() {
        server = null;
    }

    /** A connection that another engine had made to this one is gone. */
    @Override
    public void transportTerminated(@Nullable Attributes attributes) {
        RatisServer ratis = server;
        if (ratis == null || !ratis.info().isFollower()) {
            return;
        }
        RaftPeer leader = ratis.leaderPeer();
        long term = ratis.info().getCurrentTerm();
        // A leader's connections break together: one examination does.
        if (leader == null || leader.getId().equals(ratis.id()) || examined.getAndSet(term) == term) {
            return;
        }
        Thread.ofVirtual().name("leader-watch").start(() -> examine(ratis, leader, term));
    }

    /** Lets the engines get to know each other before they need to compare their logs in a hurry. */
    void leaderChanged() {
        RatisServer ratis = server;
        if (ratis != null) {
            for (RaftPeer peer : ratis.otherVoters()) {
                Futures.onEnd(ratis.peerClient().meet(peer), (met, failure) -> {});
            }
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // standing for election reports for itself
    private void examine(RatisServer ratis, RaftPeer leader, long term) {
        if (!isGone(leader)) {
            examined.compareAndSet(term, -1); // the next connection to break is examined again
            return;
        }
        Standing own = ratis.standing();
        if (isBest(ratis, own, leader, term)) {
            elect(ratis, leader, term);
        } else {
            timer.schedule(() -> elect(ratis, leader, term), stepBack(ratis, own), TimeUnit.MILLISECONDS);
        }
    }

    /** Of each engine another: entries still on their way when the leader dies can make each find the other's log longer. Longest of those that are behind. */
    private static long stepBack(RatisServer ratis, Standing own) {
        String id = ratis.id().toString();
        var others = ratis.otherVoters();
        long before = others.stream()
                .filter(peer -> peer.getId().toString().compareTo(id) < 0)
                .count();
        return STEP_BACK
                .plus(STEP_APART.multipliedBy(own.isBehind() ? before + others.size() + 1 : before))
                .toMillis();
    }

    /** Looks some times: a dying process closes its sockets one after the other. */
    private static boolean isGone(RaftPeer leader) {
        try {
            for (int look = 0; look < LOOKS; look++) {
                if (refusesConnections(leader)) {
                    return true;
                }
                Thread.sleep(BETWEEN_LOOKS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return false;
    }

    private static boolean refusesConnections(RaftPeer leader) {
        HostAndPort address = HostAndPort.fromString(leader.getAddress());
        try (Socket socket = new Socket()) {
            socket.connect(
                    new InetSocketAddress(address.getHost(), address.getPort()), Math.toIntExact(CONNECT.toMillis()));
            return false;
        } catch (ConnectException e) {
            return true;
        } catch (IOException e) {
            return false; // unreachable is not gone: the election timeout decides
        }
    }

    private static boolean isBest(RatisServer ratis, Standing own, RaftPeer leader, long term) {
        if (own.end().logTerm() != term) {
            return false;
        }
        String id = ratis.id().toString();
        Map<String, CompletableFuture<Boolean>> answers = new HashMap<>();
        for (RaftPeer peer : ratis.otherVoters()) {
            if (!peer.getId().equals(leader.getId())) {
                String other = peer.getId().toString();
                answers.put(
                        other,
                        ratis.peerClient()
                                .standing(peer)
                                .thenApply(p -> p.end().term() <= term && own.isBefore(id, p, other))
                                .exceptionally(e -> !own.isBehind())); // it is gone too, or too busy to say
            }
        }
        var all = CompletableFuture.allOf(answers.values().toArray(CompletableFuture[]::new));
        boolean smallest = answers.keySet().stream().allMatch(other -> id.compareTo(other) < 0);
        try {
            if (!isDone(all, COMPARE) && (own.isBehind() || !smallest) && !isDone(all, COMPARE_LATE)) {
                LOG.debug("Not all engines told in time how long their logs are, and how much of them is applied");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
        return answers.values().stream().allMatch(before -> before.getNow(!own.isBehind()));
    }

    private static boolean isDone(CompletableFuture<Void> future, Duration limit) throws InterruptedException {
        try {
            future.get(limit.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (ExecutionException | TimeoutException e) {
            return false;
        }
    }

    private void elect(RatisServer ratis, RaftPeer leader, long term) {
        RaftPeer current = ratis.leaderPeer();
        if (server != ratis
                || ratis.info().getCurrentTerm() != term
                || !ratis.info().isFollower()
                || current == null
                || !current.getId().equals(leader.getId())) {
            return; // somebody else was faster
        }
        if (!ratis.info().isAlive()) {
            return; // this process is on its way out too
        }
        LOG.info(
                "Engine {} asks for votes: the process of {}, leader of term {}, is gone",
                ratis.id(),
                leader.getId(),
                term);
        try {
            ratis.standForElection(leader);
        } catch (IOException | RuntimeException e) {
            LOG.warn("Engine {} could not ask for votes at once; the election timeout will decide", ratis.id(), e);
        }
    }
}
