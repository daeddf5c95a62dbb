package io.raftfleet.engine.server;

import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.raftfleet.engine.api.Async;
import io.raftfleet.proto.cluster.ChangeMembersRequest;
import io.raftfleet.proto.cluster.ChangeMembersResponse;
import io.raftfleet.proto.cluster.EngineAddresses;
import io.raftfleet.proto.cluster.EngineRole;
import io.raftfleet.proto.cluster.StatusRequest;
import io.raftfleet.proto.cluster.StatusResponse;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.RaftNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Adds and removes engines: finds the leader, looks at the engines that are to come, and has Raft change its configuration.
 * A leader that is to go hands its leadership over first, so that no write fails. Stateless; never blocks.
 */
final class MemberChanges {
    private static final Logger log = LoggerFactory.getLogger(MemberChanges.class);
    /** An engine that was just started takes some seconds until it answers. */
    private static final Duration LOOK = Duration.ofSeconds(30);

    private static final Duration AGAIN = Duration.ofMillis(200);
    private static final Duration HAND_OVER = Duration.ofSeconds(3);
    /** A large registry takes a while to reach a new engine. */
    private static final Duration CATCH_UP = Duration.ofMinutes(10);

    private final String engineId;
    private final String clusterId;
    private final RaftNode raft;
    private final LeaderRoute route;

    MemberChanges(String engineId, String clusterId, RaftNode raft, LeaderRoute route) {
        this.engineId = engineId;
        this.clusterId = clusterId;
        this.raft = raft;
        this.route = route;
    }

    void change(ChangeMembersRequest request, StreamObserver<ChangeMembersResponse> responses) {
        var leader = raft.view().leader();
        if (leader == null) {
            responses.onError(Status.UNAVAILABLE
                    .withDescription("no leader is known: start a majority of the engines, then ask again")
                    .asRuntimeException());
        } else if (!leader.id().equals(engineId)) {
            forward(leader, request, responses);
        } else if (request.getRemoveList().contains(engineId)) {
            leave(request, responses);
        } else {
            Async.whenDone(lookAt(request.getAddList()), (looked, failure) -> {
                if (failure == null) {
                    carryOut(request, responses);
                } else {
                    responses.onError(refusal(failure));
                }
            });
        }
    }

    private void forward(
            EnginePeer leader, ChangeMembersRequest request, StreamObserver<ChangeMembersResponse> responses) {
        route.clusterStub(leader)
                .withDeadlineAfter(CATCH_UP.toMillis(), TimeUnit.MILLISECONDS)
                .changeMembers(request, responses);
    }

    /** Hands over to an engine that stays, and lets that one go on. */
    private void leave(ChangeMembersRequest request, StreamObserver<ChangeMembersResponse> responses) {
        var view = raft.view();
        var heir = view.peers().stream()
                .filter(peer -> !request.getRemoveList().contains(peer.id()))
                .max((a, b) -> Long.compare(
                        match(view.matchIndex().get(a.id())),
                        match(view.matchIndex().get(b.id()))));
        if (heir.isEmpty()) {
            responses.onError(Status.FAILED_PRECONDITION
                    .withDescription("no member would stay that engine " + engineId
                            + ", which leads, could hand over to: add other engines first")
                    .asRuntimeException());
            return;
        }
        // With the caller, whom the heir asks for.
        var goOn = Context.current().wrap(() -> forward(heir.get(), request, responses));
        Async.whenDone(raft.transferLeadership(heir.get().id(), HAND_OVER), (next, failure) -> {
            if (failure == null) {
                log.info("engine {} is to leave the cluster and has handed leadership over to {}", engineId, next);
                goOn.run();
            } else {
                responses.onError(refusal(failure));
            }
        });
    }

    private static long match(@Nullable Long index) {
        return index == null ? -1 : index;
    }

    /** The new engines must answer, be of this cluster, and wait to be added. */
    private CompletableFuture<?> lookAt(List<EngineAddresses> added) {
        var looks = new ArrayList<CompletableFuture<?>>();
        for (var engine : added) {
            var deadline = Deadline.after(LOOK.toMillis(), TimeUnit.MILLISECONDS);
            var caller = Context.current().getDeadline();
            CompletableFuture<StatusResponse> answer;
            try {
                answer = lookAt(engine, caller == null ? deadline : deadline.minimum(caller));
            } catch (IllegalArgumentException e) {
                return CompletableFuture.failedFuture(Status.INVALID_ARGUMENT
                        .withDescription("engine " + engine.getId() + ": " + e.getMessage())
                        .asRuntimeException());
            }
            looks.add(answer.handle((status, failure) -> {
                var problem = failure != null ? unreachable(engine, failure) : problem(engine, status);
                if (problem != null) {
                    throw Status.FAILED_PRECONDITION
                            .withDescription("nothing was changed: " + problem)
                            .asRuntimeException();
                }
                return status;
            }));
        }
        return CompletableFuture.allOf(looks.toArray(CompletableFuture[]::new));
    }

    /** Its first answer that is not one of an engine that is still starting. */
    private CompletableFuture<StatusResponse> lookAt(EngineAddresses engine, Deadline deadline) {
        var answer = new CompletableFuture<StatusResponse>();
        route.clusterStub(peer(engine))
                .withWaitForReady()
                .withDeadline(deadline)
                .status(StatusRequest.getDefaultInstance(), new Single<>(answer));
        return answer.thenCompose(status -> {
            boolean starting = status.getSelf().getRole() == EngineRole.ENGINE_ROLE_CLOSED
                    && status.getSelf().getId().equals(engine.getId());
            if (!starting || deadline.timeRemaining(TimeUnit.MILLISECONDS) <= AGAIN.toMillis()) {
                return CompletableFuture.completedFuture(status);
            }
            return new CompletableFuture<Void>()
                    .completeOnTimeout(null, AGAIN.toMillis(), TimeUnit.MILLISECONDS)
                    .thenCompose(waited -> lookAt(engine, deadline));
        });
    }

    private static String unreachable(EngineAddresses engine, Throwable failure) {
        return "engine " + engine.getId() + " does not answer on " + engine.getGrpcAddress() + " ("
                + Status.fromThrowable(failure).getCode() + "): start it with --join";
    }

    private @Nullable String problem(EngineAddresses engine, StatusResponse status) {
        var self = status.getSelf();
        if (!status.getClusterId().equals(clusterId)) {
            return "the engine on " + engine.getGrpcAddress() + " is of cluster " + status.getClusterId() + ", not of "
                    + clusterId + ": give it this cluster's id";
        }
        if (!self.getId().equals(engine.getId())
                || !self.getRaftAddress().equals(engine.getRaftAddress())
                || !self.getHttpAddress().equals(engine.getHttpAddress())) {
            return "the engine on " + engine.getGrpcAddress() + " says that it is " + self.getId() + "="
                    + self.getRaftAddress() + "/" + self.getGrpcAddress() + "/" + self.getHttpAddress()
                    + ": name it by its own id and addresses";
        }
        if (self.getRole() != EngineRole.ENGINE_ROLE_JOINING) {
            return "engine " + engine.getId() + " does not wait to be added (it is "
                    + self.getRole().name().substring("ENGINE_ROLE_".length()) + ")";
        }
        return null;
    }

    private void carryOut(ChangeMembersRequest request, StreamObserver<ChangeMembersResponse> responses) {
        var added = request.getAddList().stream().map(MemberChanges::peer).toList();
        var removed = Set.copyOf(request.getRemoveList());
        log.info(
                "engine {} adds {} to the cluster and removes {}",
                engineId,
                added.stream().map(EnginePeer::id).toList(),
                removed);
        Async.whenDone(raft.changeMembers(added, removed, CATCH_UP), (members, failure) -> {
            if (failure == null) {
                log.info(
                        "the cluster's engines are {}",
                        members.stream().map(EnginePeer::id).toList());
                var response = ChangeMembersResponse.newBuilder();
                members.forEach(member -> response.addMembers(EngineAddresses.newBuilder()
                        .setId(member.id())
                        .setRaftAddress(member.raftAddress())
                        .setGrpcAddress(member.grpcAddress())
                        .setHttpAddress(member.httpAddress())));
                responses.onNext(response.build());
                responses.onCompleted();
            } else {
                responses.onError(refusal(failure));
            }
        });
    }

    private static StatusRuntimeException refusal(Throwable failure) {
        var cause = failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        if (cause instanceof StatusRuntimeException status) {
            return status;
        }
        var code = cause instanceof IllegalArgumentException ? Status.INVALID_ARGUMENT : Status.FAILED_PRECONDITION;
        return code.withDescription(cause.getMessage()).asRuntimeException();
    }

    private static EnginePeer peer(EngineAddresses engine) {
        return new EnginePeer(
                engine.getId(), engine.getRaftAddress(), engine.getGrpcAddress(), engine.getHttpAddress());
    }

    /** The one answer of a call. */
    private record Single<T>(CompletableFuture<T> result) implements StreamObserver<T> {
        @Override
        public void onNext(T value) {
            result.complete(value);
        }

        @Override
        public void onError(Throwable t) {
            result.completeExceptionally(t);
        }

        @Override
        public void onCompleted() {
            result.completeExceptionally(
                    Status.INTERNAL.withDescription("empty answer").asRuntimeException());
        }
    }
}
