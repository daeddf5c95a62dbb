package io.raftfleet.state.raft;

import io.raftfleet.state.raft.ReplicationException.Unavailable;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.protocol.TransferLeadershipRequest;
import org.jspecify.annotations.Nullable;

/**
 * Hands leadership over to one engine. Ratis 3.3 doesn't take back a transfer's alarm when the transfer is done: it goes off later, and
 * fails whatever transfer is then under way; the leader then takes writes again while its successor asks for votes, which it is refused
 * for lacking them. So alarms are short, and no transfer begins before the last one's alarm has gone off. What counts is who leads: while
 * this engine still does, it asks again. Thread-safe.
 */
final class LeadershipTransfer {
    private static final Duration LOOK = Duration.ofMillis(50);

    /** No transfer of Ratis' is given longer. */
    static final Duration ALARM = Duration.ofSeconds(1);

    private final ClientId client;
    private final LongSupplier calls;
    private final ScheduledExecutorService timer;
    private final AtomicLong quiet = new AtomicLong(System.nanoTime());

    LeadershipTransfer(ClientId client, LongSupplier calls, ScheduledExecutorService timer) {
        this.client = client;
        this.calls = calls;
        this.timer = timer;
    }

    /** The id of the engine that leads then; fails with {@link Unavailable} when it does not after {@code limit}. */
    CompletableFuture<String> to(RatisServer server, String target, Duration limit) {
        var done = new CompletableFuture<String>();
        look(
                server,
                new Wanted(target, System.nanoTime() + limit.toNanos(), limit, done),
                "another hand-over has just ended");
        return done;
    }

    private record Wanted(String target, long end, Duration limit, CompletableFuture<String> done) {
        long left() {
            return end - System.nanoTime();
        }
    }

    private void ask(RatisServer server, Wanted wanted) {
        long alarm = Math.clamp(wanted.left(), TimeUnit.MILLISECONDS.toNanos(1), ALARM.toNanos());
        quietAfter(alarm);
        var request = new TransferLeadershipRequest(
                client,
                server.id(),
                server.group(),
                calls.getAsLong(),
                RaftPeerId.valueOf(wanted.target()),
                TimeUnit.NANOSECONDS.toMillis(alarm));
        Futures.onEnd(server.admin(s -> s.transferLeadershipAsync(request)), (reply, failure) -> {
            if (failure == null && reply.isSuccess()) {
                quietAfter(alarm); // it was set at some time since
                wanted.done().complete(wanted.target());
            } else {
                look(server, wanted, why(reply, failure));
            }
        });
    }

    private void quietAfter(long alarm) {
        quiet.set(System.nanoTime() + alarm + LOOK.toNanos());
    }

    private void look(RatisServer server, Wanted wanted, String why) {
        var leader = server.info().getLeaderId();
        if (leader != null && leader.toString().equals(wanted.target())) {
            wanted.done().complete(wanted.target());
        } else if (wanted.left() <= 0) {
            wanted.done()
                    .completeExceptionally(new Unavailable("Engine '" + wanted.target()
                            + "' did not take over the leadership within "
                            + wanted.limit().toMillis() + " ms: " + why));
        } else if (leader != null && !server.info().isLeader()) {
            wanted.done()
                    .completeExceptionally(new Unavailable(
                            "Engine '" + leader + "' leads now, not '" + wanted.target() + "': " + why));
        } else if (server.info().isLeader() && System.nanoTime() - quiet.get() >= 0) {
            ask(server, wanted);
        } else {
            var unused = timer.schedule(() -> look(server, wanted, why), LOOK.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private static String why(@Nullable RaftClientReply reply, @Nullable Throwable failure) {
        var cause = failure == null && reply != null ? reply.getException() : failure;
        return cause == null
                ? "no reason given"
                : String.valueOf(Futures.cause(cause).getMessage());
    }
}
