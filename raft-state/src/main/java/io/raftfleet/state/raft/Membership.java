package io.raftfleet.state.raft;

import io.raftfleet.state.raft.ReplicationException.NotLeader;
import io.raftfleet.state.raft.ReplicationException.Unavailable;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.SetConfigurationRequest;
import org.apache.ratis.protocol.SetConfigurationRequest.Arguments;
import org.apache.ratis.protocol.SetConfigurationRequest.Mode;
import org.apache.ratis.protocol.exceptions.ReconfigurationInProgressException;
import org.apache.ratis.protocol.exceptions.ReconfigurationTimeoutException;

/**
 * Changes who the members are, on the leader. Ratis first brings new engines up to date as learners without a vote, then
 * moves to the new configuration through a joint one (§4.3 of Ongaro's thesis), so that no moment has two majorities.
 * Thread-safe; Ratis takes one change at a time and refuses others meanwhile.
 */
final class Membership {
    private static final Duration LOOK = Duration.ofMillis(50);

    private final RaftConfig config;
    private final LeadershipConfirmation followers;
    private final ClientId client;
    private final LongSupplier calls;
    private final ScheduledExecutorService timer;

    Membership(
            RaftConfig config,
            LeadershipConfirmation followers,
            ClientId client,
            LongSupplier calls,
            ScheduledExecutorService timer) {
        this.config = config;
        this.followers = followers;
        this.client = client;
        this.calls = calls;
        this.timer = timer;
    }

    /** See {@link RaftNode#changeMembers}. */
    CompletableFuture<List<EnginePeer>> change(
            RatisServer server, List<EnginePeer> added, Set<String> removed, Duration deadline) {
        if (!server.info().isLeader()) {
            return CompletableFuture.failedFuture(
                    new NotLeader("Engine '" + config.engineId() + "' does not lead: ask the leader."));
        }
        List<RaftPeer> before = List.copyOf(server.division().getRaftConf().getCurrentPeers());
        List<RaftPeer> after;
        try {
            after = newMembers(before, added, removed);
        } catch (IllegalArgumentException e) {
            return CompletableFuture.failedFuture(e);
        }
        CompletableFuture<Void> quorum = new CompletableFuture<>();
        awaitQuorum(server, before, after, System.nanoTime() + recent().toNanos(), quorum);
        return Futures.within(
                quorum.thenCompose(ready -> configure(server, before, after, added)),
                deadline,
                timer,
                () -> new Unavailable("The change of members was not done within " + deadline.toMillis()
                        + " ms and may yet be: look at fleetctl cluster status."));
    }

    private CompletableFuture<List<EnginePeer>> configure(
            RatisServer server, List<RaftPeer> before, List<RaftPeer> after, List<EnginePeer> added) {
        Arguments arguments = Arguments.newBuilder()
                .setMode(Mode.COMPARE_AND_SET)
                .setServersInCurrentConf(before)
                .setListenersInCurrentConf(List.of())
                .setServersInNewConf(after)
                .setListenersInNewConf(List.of())
                .build();
        SetConfigurationRequest request =
                new SetConfigurationRequest(client, server.id(), server.group(), calls.getAsLong(), arguments);
        return server.admin(s -> s.setConfigurationAsync(request)).handle((reply, failure) -> {
            if (failure != null) {
                throw failed(added, Futures.cause(failure));
            }
            if (!reply.isSuccess()) {
                throw failed(added, reply.getException());
            }
            return after.stream().map(RatisServer::enginePeer).toList();
        });
    }

    private static List<RaftPeer> newMembers(List<RaftPeer> before, List<EnginePeer> added, Set<String> removed) {
        Set<String> ids = new HashSet<>();
        before.forEach(p -> ids.add(p.getId().toString()));
        for (String id : removed) {
            if (!ids.contains(id)) {
                throw new IllegalArgumentException(
                        "Engine '" + id + "' is no member: the members are " + sorted(ids) + ".");
            }
        }
        Set<String> addresses = new HashSet<>();
        before.stream()
                .filter(p -> !removed.contains(p.getId().toString()))
                .forEach(p -> addresses.add(p.getAddress()));
        Set<String> fresh = new HashSet<>();
        for (EnginePeer engine : added) {
            if (ids.contains(engine.id()) || !fresh.add(engine.id())) {
                throw new IllegalArgumentException("Engine '" + engine.id()
                        + "' is a member already, and ids are never used again: give the new engine another.");
            }
            if (!addresses.add(engine.raftAddress())) {
                throw new IllegalArgumentException("Engine '" + engine.id() + "' has the Raft address "
                        + engine.raftAddress() + " of another member: give it its own, or replace that member.");
            }
        }
        List<RaftPeer> after = Stream.concat(
                        before.stream().filter(p -> !removed.contains(p.getId().toString())),
                        added.stream().map(RatisServer::ratisPeer))
                .toList();
        if (after.isEmpty()) {
            throw new IllegalArgumentException("No engine would be left: stop the cluster instead.");
        }
        return after;
    }

    /**
     * A change that the remaining engines could not commit would leave the cluster without a quorum. A leader that is new
     * hears from the others in a moment, and is ready for changes then, so it looks some times.
     */
    private void awaitQuorum(
            RatisServer server, List<RaftPeer> before, List<RaftPeer> after, long end, CompletableFuture<Void> ready) {
        Set<String> heard = new HashSet<>();
        heard.add(config.engineId());
        followers.silence(server.info().getCurrentTerm()).forEach((id, millis) -> {
            if (millis <= recent().toMillis()) {
                heard.add(id);
            }
        });
        Set<String> known = new HashSet<>();
        before.forEach(p -> known.add(p.getId().toString()));
        List<String> silent = after.stream()
                .map(p -> p.getId().toString())
                .filter(id -> known.contains(id) && !heard.contains(id))
                .toList();
        boolean majority = (after.size() - silent.size()) * 2 > after.size();
        if (majority && server.info().isLeaderReady()) {
            ready.complete(null);
        } else if (System.nanoTime() < end) {
            ScheduledFuture<?> again = timer.schedule(
                    () -> awaitQuorum(server, before, after, end, ready), LOOK.toMillis(), TimeUnit.MILLISECONDS);
            Futures.onEnd(ready, (value, failure) -> again.cancel(false));
        } else if (majority) {
            ready.completeExceptionally(new Unavailable("Nothing was changed: engine '" + config.engineId()
                    + "' leads for a moment only and is not ready for it. Try again."));
        } else {
            ready.completeExceptionally(new Unavailable("Nothing was changed: of the " + after.size()
                    + " engines that would be members, " + sorted(silent) + " do not answer, so that there would be no"
                    + " majority. Start them first, or add other engines."));
        }
    }

    private Duration recent() {
        return config.electionTimeoutMax().multipliedBy(3);
    }

    private RuntimeException failed(List<EnginePeer> added, Throwable cause) {
        if (cause instanceof ReconfigurationTimeoutException) {
            return new Unavailable("Nothing was changed: "
                    + added.stream().map(e -> e.id() + " at " + e.raftAddress()).toList()
                    + " did not answer the leader in time. Are they started with --join, and reachable?");
        }
        if (cause instanceof ReconfigurationInProgressException) {
            return new Unavailable("Nothing was changed: another change of members is under way. Wait for it.");
        }
        return new Unavailable("The members were not changed, or the change is unknown: " + cause.getMessage()
                + ". Look at fleetctl cluster status before you repeat it.");
    }

    private static List<String> sorted(Collection<String> ids) {
        return ids.stream().sorted().toList();
    }
}
