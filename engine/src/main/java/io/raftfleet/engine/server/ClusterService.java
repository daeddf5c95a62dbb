package io.raftfleet.engine.server;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.raftfleet.engine.api.Async;
import io.raftfleet.proto.cluster.BackupChunk;
import io.raftfleet.proto.cluster.BackupRequest;
import io.raftfleet.proto.cluster.ChangeMembersRequest;
import io.raftfleet.proto.cluster.ChangeMembersResponse;
import io.raftfleet.proto.cluster.ClusterGrpc;
import io.raftfleet.proto.cluster.EngineInfo;
import io.raftfleet.proto.cluster.EngineRole;
import io.raftfleet.proto.cluster.ListOrphansRequest;
import io.raftfleet.proto.cluster.ListOrphansResponse;
import io.raftfleet.proto.cluster.MemoryStatus;
import io.raftfleet.proto.cluster.MirrorStatus;
import io.raftfleet.proto.cluster.SettleOrphanRequest;
import io.raftfleet.proto.cluster.SettleOrphanResponse;
import io.raftfleet.proto.cluster.StatusRequest;
import io.raftfleet.proto.cluster.StatusResponse;
import io.raftfleet.proto.cluster.TakeSnapshotRequest;
import io.raftfleet.proto.cluster.TakeSnapshotResponse;
import io.raftfleet.proto.cluster.TransferLeaderRequest;
import io.raftfleet.proto.cluster.TransferLeaderResponse;
import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.MemoryUse;
import io.raftfleet.state.Registry;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.RaftNode;
import io.raftfleet.state.raft.RaftView;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The operators' API over gRPC. See {@code cluster.proto}. */
final class ClusterService extends ClusterGrpc.ClusterImplBase {
    /** Machines that are named in a status, as {@code cluster.proto} says. */
    private static final int MOST_AWAITED = 20;

    private static final Duration DEADLINE = Duration.ofSeconds(10);
    /** An engine that has been silent for longer is not asked to lead. */
    private static final Duration HEARD = Duration.ofSeconds(3);

    private final String engineId;
    private final String clusterId;
    private final Registry registry;
    private final RaftNode raft;
    private final LeaderRoute route;
    private final EnginePeer self;
    private final Executor tasks;
    private final Supplier<Optional<MirrorStatus>> mirror;
    private final Orphans orphans;
    private final MemberChanges members;
    private final Backups backups;

    /** @param tasks runs what blocks */
    ClusterService(
            EnginePeer self,
            String clusterId,
            Registry registry,
            RaftNode raft,
            LeaderRoute route,
            Executor tasks,
            Supplier<Optional<MirrorStatus>> mirror,
            Orphans orphans) {
        this.self = self;
        this.mirror = mirror;
        this.orphans = orphans;
        this.engineId = self.id();
        this.clusterId = clusterId;
        this.tasks = tasks;
        this.members = new MemberChanges(engineId, clusterId, raft, route);
        this.backups = new Backups(engineId, clusterId, registry, raft);
        this.registry = registry;
        this.raft = raft;
        this.route = route;
    }

    @Override
    public void status(StatusRequest request, StreamObserver<StatusResponse> responses) {
        var view = raft.view();
        var response = StatusResponse.newBuilder()
                .setClusterId(clusterId)
                .setTerm(view.term())
                .setCommitIndex(view.commitIndex())
                .setSnapshotIndex(view.checkpointIndex())
                .setLogIndex(view.logIndex())
                .setLogTerm(view.logTerm())
                .setSelf(info(self, view))
                .setVersion(EngineVersion.current())
                .setEntryFormat(raft.entryFormat())
                .setLogAppliedIndex(view.appliedIndex())
                .setAgreedEntryFormat(raft.knownFormat());
        view.peers().forEach(peer -> response.addEngines(info(peer, view)));
        var disk = raft.diskUsage();
        response.setLogBytes(disk.log()).setSnapshotBytes(disk.checkpoint());
        mirror.get().ifPresent(response::setMirror);
        long quota = raft.quota();
        // Digest and index of one moment, so that engines can be compared.
        var digest = registry.read(registryView -> {
            response.setIncarnation(registryView.incarnation())
                    .setAppliedIndex(registryView.appliedIndex())
                    .setUnits(registryView.units().size())
                    .setMachines(registryView.presentMachines())
                    .setUnitStates(registryView.stateCount())
                    .setAwaitedMachines(registryView.awaitedMachines())
                    .addAllAwaited(registryView.awaited().stream()
                            .map(MachineRecord::id)
                            .limit(MOST_AWAITED)
                            .toList())
                    .setMemory(memory(registryView.memory(), view.role() == RaftView.Role.LEADER ? quota : 0));
            return registryView.digest();
        });
        responses.onNext(response.setRegistryDigest(digest.get()).build());
        responses.onCompleted();
    }

    @Override
    public void transferLeader(TransferLeaderRequest request, StreamObserver<TransferLeaderResponse> responses) {
        var target = request.getEngineId();
        if (!target.isEmpty()
                && raft.view().peers().stream().noneMatch(peer -> peer.id().equals(target))) {
            responses.onError(Status.FAILED_PRECONDITION
                    .withDescription("engine " + target + " is none of this cluster's")
                    .asRuntimeException());
            return;
        }
        var leader = route.elsewhere();
        if (leader != null) {
            route.clusterStub(leader)
                    .withDeadlineAfter(DEADLINE.toMillis(), TimeUnit.MILLISECONDS)
                    .transferLeader(request, responses);
            return;
        }
        var from = request.getFromEngineId();
        if (raft.view().role() == RaftView.Role.LEADER
                && (target.equals(engineId) || (target.isEmpty() && !from.isEmpty() && !from.equals(engineId)))) {
            responses.onNext(
                    TransferLeaderResponse.newBuilder().setLeaderId(engineId).build());
            responses.onCompleted();
            return;
        }
        Long silence = raft.view().silence().get(target);
        if (silence != null && silence > HEARD.toMillis()) {
            // It could not take over, and no write would be taken until that is clear.
            responses.onError(Status.FAILED_PRECONDITION
                    .withDescription("engine " + target + " has not answered for " + silence
                            + " ms and could not lead: start it first, or name another")
                    .asRuntimeException());
            return;
        }
        answer(
                raft.transferLeadership(target.isEmpty() ? null : target, DEADLINE),
                next -> TransferLeaderResponse.newBuilder().setLeaderId(next).build(),
                responses);
    }

    @Override
    public void listOrphans(ListOrphansRequest request, StreamObserver<ListOrphansResponse> responses) {
        // It looks at all states: not on the thread that has confirmed the index.
        var listed = raft.readIndex(DEADLINE).thenApplyAsync(index -> orphans.list(), tasks);
        Async.whenDone(listed, (list, failure) -> {
            if (failure == null) {
                responses.onNext(list);
                responses.onCompleted();
            } else {
                responses.onError(Status.UNAVAILABLE
                        .withDescription("orphans can't be listed: "
                                + Async.cause(failure).getMessage())
                        .asRuntimeException());
            }
        });
    }

    @Override
    public void settleOrphan(SettleOrphanRequest request, StreamObserver<SettleOrphanResponse> responses) {
        var leader = route.elsewhere();
        if (leader != null) {
            route.clusterStub(leader)
                    .withDeadlineAfter(DEADLINE.toMillis(), TimeUnit.MILLISECONDS)
                    .settleOrphan(request, responses);
        } else {
            orphans.settle(request, responses);
        }
    }

    @Override
    public void takeSnapshot(TakeSnapshotRequest request, StreamObserver<TakeSnapshotResponse> responses) {
        answer(
                raft.takeSnapshot(DEADLINE),
                index -> TakeSnapshotResponse.newBuilder().setIndex(index).build(),
                responses);
    }

    @Override
    public void changeMembers(ChangeMembersRequest request, StreamObserver<ChangeMembersResponse> responses) {
        members.change(request, responses);
    }

    @Override
    public void backup(BackupRequest request, StreamObserver<BackupChunk> responses) {
        backups.send((ServerCallStreamObserver<BackupChunk>) responses, tasks);
    }

    private MemoryStatus memory(MemoryUse use, long clusterQuota) {
        return MemoryStatus.newBuilder()
                .setHeld(use.held())
                .setQuota(raft.ownQuota())
                .setClusterQuota(clusterQuota)
                .setUnits(use.units())
                .setContents(use.contents())
                .setStates(use.states())
                .setMachines(use.machines())
                .setRequests(use.requests())
                .setRemovals(use.removals())
                .setEvents(use.events())
                .build();
    }

    private EngineInfo info(EnginePeer peer, RaftView view) {
        var info = EngineInfo.newBuilder()
                .setId(peer.id())
                .setRaftAddress(peer.raftAddress())
                .setGrpcAddress(peer.grpcAddress())
                .setHttpAddress(peer.httpAddress())
                .setRole(role(peer, view))
                .setMatchIndex(
                        peer.id().equals(engineId)
                                ? view.appliedIndex()
                                : view.matchIndex().getOrDefault(peer.id(), 0L));
        var silence = view.silence().get(peer.id());
        if (silence != null) {
            info.setSilentMs(silence);
        }
        return info.build();
    }

    private EngineRole role(EnginePeer peer, RaftView view) {
        if (peer.id().equals(engineId)) {
            if (view.role() == RaftView.Role.FOLLOWER
                    && view.peers().stream().noneMatch(member -> member.id().equals(engineId))) {
                return EngineRole.ENGINE_ROLE_JOINING;
            }
            return switch (view.role()) {
                case LEADER -> EngineRole.ENGINE_ROLE_LEADER;
                case FOLLOWER -> EngineRole.ENGINE_ROLE_FOLLOWER;
                case CANDIDATE -> EngineRole.ENGINE_ROLE_CANDIDATE;
                case LISTENER -> EngineRole.ENGINE_ROLE_LISTENER;
                case CLOSED -> EngineRole.ENGINE_ROLE_CLOSED;
            };
        }
        @Nullable EnginePeer leader = view.leader();
        return leader != null && leader.id().equals(peer.id())
                ? EngineRole.ENGINE_ROLE_LEADER
                : EngineRole.ENGINE_ROLE_FOLLOWER;
    }

    private static <T, R> void answer(CompletableFuture<T> reply, Function<T, R> message, StreamObserver<R> responses) {
        Async.whenDone(reply, (result, failure) -> {
            if (failure == null) {
                responses.onNext(message.apply(result));
                responses.onCompleted();
            } else {
                responses.onError(Status.FAILED_PRECONDITION
                        .withDescription(failure.getMessage())
                        .asRuntimeException());
            }
        });
    }
}
