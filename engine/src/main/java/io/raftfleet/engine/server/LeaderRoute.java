package io.raftfleet.engine.server;

import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import io.raftfleet.engine.access.Authorization;
import io.raftfleet.engine.api.Async;
import io.raftfleet.engine.trace.CallTrace;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.ClusterGrpc;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.state.raft.EnginePeer;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The way to the leader: which engine it is, and channels to the others. When another engine comes to lead, calls that wait
 * for the old one are cancelled, for it may be paused and never answer, and those that wait for a leader go on.
 *
 * <p>Maps and queues are concurrent; {@link #leader} is written by Raft's listener thread.
 */
final class LeaderRoute implements AutoCloseable {
    /** On a call that came from another engine: it goes no further. */
    static final Metadata.Key<String> FORWARDED =
            Metadata.Key.of("raftfleet-forwarded", Metadata.ASCII_STRING_MARSHALLER);

    /** A call that another engine has not answered yet. Each is itself alone: no value equality. */
    private static final class Waiting {
        final String engineId;
        final CompletableFuture<?> reply;

        Waiting(String engineId, CompletableFuture<?> reply) {
            this.engineId = engineId;
            this.reply = reply;
        }
    }

    private final String selfId;
    /** Passes on who called: the leader decides for whom it does something. */
    private static final ClientInterceptor CALLER = Authorization.passingOn();

    private static final ClientInterceptor TRACE = CallTrace.passingOn();

    private final Function<String, ManagedChannel> channels;
    private final Map<String, ManagedChannel> open = new ConcurrentHashMap<>();
    private final Queue<Waiting> waiting = new ConcurrentLinkedQueue<>();
    private volatile @Nullable EnginePeer leader;
    private final Queue<Runnable> waitingForChange = new ConcurrentLinkedQueue<>();
    private final AtomicLong changes = new AtomicLong();

    /** @param channels makes a channel to a gRPC address */
    LeaderRoute(String selfId, Function<String, ManagedChannel> channels) {
        this.selfId = selfId;
        this.channels = channels;
    }

    /** Raft says that this engine leads now. */
    void leaderChanged(EnginePeer newLeader) {
        leader = newLeader;
        for (var call : waiting) {
            if (!call.engineId.equals(newLeader.id())) {
                call.reply.cancel(true);
            }
        }
        changed();
    }

    /** This engine leads, and takes writes from now on. */
    void ready() {
        changed();
    }

    private void changed() {
        changes.incrementAndGet();
        for (var action : List.copyOf(waitingForChange)) {
            if (waitingForChange.remove(action)) {
                action.run();
            }
        }
    }

    /** How often another engine came to lead, or this one became ready to. */
    long changes() {
        return changes.get();
    }

    /** Runs a short action at the next such change, on Raft's listener thread, unless it is forgotten before. */
    void onChange(Runnable action) {
        waitingForChange.add(action);
    }

    void forget(Runnable action) {
        waitingForChange.remove(action);
    }

    @Nullable
    EnginePeer leader() {
        return leader;
    }

    /** The leader if it is another engine. */
    @Nullable
    EnginePeer elsewhere() {
        var known = leader;
        return known == null || known.id().equals(selfId) ? null : known;
    }

    /** A stub to an engine, whose calls are marked as forwarded. */
    FleetGrpc.FleetFutureStub futureStub(EnginePeer engine) {
        return FleetGrpc.newFutureStub(channel(engine))
                .withInterceptors(TRACE, CALLER, MetadataUtils.newAttachHeadersInterceptor(mark()));
    }

    /** The same for streams. */
    FleetGrpc.FleetStub stub(EnginePeer engine) {
        return FleetGrpc.newStub(channel(engine))
                .withInterceptors(CALLER, MetadataUtils.newAttachHeadersInterceptor(mark()));
    }

    /** A stub to an engine for operators' calls. */
    ClusterGrpc.ClusterStub clusterStub(EnginePeer engine) {
        return ClusterGrpc.newStub(channel(engine)).withInterceptors(CALLER);
    }

    /** The same for calls of those who join. */
    AccessGrpc.AccessStub accessStub(EnginePeer engine) {
        return AccessGrpc.newStub(channel(engine)).withInterceptors(CALLER);
    }

    /** Has the call cancelled when another engine than this comes to lead. */
    <T> CompletableFuture<T> whileLeading(EnginePeer engine, CompletableFuture<T> call) {
        var entry = new Waiting(engine.id(), call);
        waiting.add(entry);
        Async.whenDone(call, (result, failure) -> waiting.remove(entry));
        var now = leader;
        if (now != null && !now.id().equals(engine.id())) {
            call.cancel(true);
        }
        return call;
    }

    @Override
    public void close() {
        open.values().forEach(ManagedChannel::shutdownNow);
        try {
            for (var channel : open.values()) {
                if (!channel.awaitTermination(1, TimeUnit.SECONDS)) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private ManagedChannel channel(EnginePeer engine) {
        return open.computeIfAbsent(engine.grpcAddress(), channels);
    }

    private static Metadata mark() {
        var headers = new Metadata();
        headers.put(FORWARDED, "1");
        return headers;
    }
}
