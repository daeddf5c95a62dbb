package io.raftfleet.engine.session;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.EngineFrame;
import io.raftfleet.proto.agent.FetchContentsRequest;
import io.raftfleet.proto.agent.FindLeaderRequest;
import io.raftfleet.proto.agent.FindLeaderResponse;
import io.raftfleet.proto.agent.LogUpload;
import io.raftfleet.proto.agent.LogUploadDone;
import io.raftfleet.proto.agent.RevokedEngine;
import io.raftfleet.proto.agent.RevokedEnginesRequest;
import io.raftfleet.proto.agent.RevokedEnginesResponse;
import io.raftfleet.proto.model.PrincipalKind;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.state.Registry;
import io.raftfleet.unit.UnitHash;
import java.util.Iterator;
import java.util.function.Predicate;

/** What agents call. See {@code agent.proto}. */
public final class AgentGatewayService extends AgentGatewayGrpc.AgentGatewayImplBase {
    private static final int MAX_HASHES = 100_000;

    private final String clusterId;
    private final Registry registry;
    private final Sessions sessions;
    private final LogBroker logs;
    private final LeadershipCheck check;
    private final LeaderNews news = new LeaderNews(this::leadership);

    public AgentGatewayService(
            String clusterId, Registry registry, Sessions sessions, LogBroker logs, LeadershipCheck check) {
        this.clusterId = clusterId;
        this.registry = registry;
        this.sessions = sessions;
        this.logs = logs;
        this.check = check;
    }

    @Override
    public StreamObserver<AgentFrame> session(StreamObserver<EngineFrame> responses) {
        var session = new AgentSession(sessions, Caller.current(), responses);
        session.start();
        return session;
    }

    @Override
    public void fetchContents(FetchContentsRequest request, StreamObserver<UnitContents> responses) {
        var out = (ServerCallStreamObserver<UnitContents>) responses;
        if (request.getHashesCount() > MAX_HASHES
                || request.getHashesList().stream().anyMatch(hash -> hash.size() != UnitHash.BYTES)) {
            out.onError(Status.INVALID_ARGUMENT
                    .withDescription("contents are asked for by at most " + MAX_HASHES + " hashes of " + UnitHash.BYTES
                            + " bytes each")
                    .asRuntimeException());
            return;
        }
        var caller = Caller.current();
        if (!caller.speaksFor(request.getMachineId())) {
            out.onError(Status.PERMISSION_DENIED
                    .withDescription(caller + " may not fetch contents for machine " + request.getMachineId()
                            + ": each agent fetches those of its own machine")
                    .asRuntimeException());
            return;
        }
        Predicate<UnitHash> readable = caller.kind() == Caller.Kind.AGENT
                ? registry.read(view -> Assignments.hashes(view, request.getMachineId()))::contains
                : hash -> true;
        out.setOnReadyHandler(
                new ContentsSender(registry, readable, request.getHashesList().iterator(), out));
    }

    @Override
    public StreamObserver<LogUpload> uploadLog(StreamObserver<LogUploadDone> responses) {
        return logs.upload(Caller.current(), responses);
    }

    @Override
    public void revokedEngines(RevokedEnginesRequest request, StreamObserver<RevokedEnginesResponse> responses) {
        var revoked = RevokedEnginesResponse.newBuilder();
        registry.read(view -> view.revoked()).stream()
                .filter(name -> name.who().getKind() == PrincipalKind.PRINCIPAL_KIND_ENGINE)
                .forEach(engine -> revoked.addRevoked(RevokedEngine.newBuilder()
                        .setEngineId(engine.who().getName())
                        .setBeforeMs(engine.beforeMs())));
        responses.onNext(revoked.build());
        responses.onCompleted();
    }

    @Override
    public void findLeader(FindLeaderRequest request, StreamObserver<FindLeaderResponse> responses) {
        responses.onNext(leadership());
        responses.onCompleted();
    }

    @Override
    public void watchLeader(FindLeaderRequest request, StreamObserver<FindLeaderResponse> responses) {
        news.add((ServerCallStreamObserver<FindLeaderResponse>) responses);
    }

    /** Tells all agents that this engine takes sessions from now on. Sends one frame an agent. */
    public void announceLeadership() {
        news.announce();
    }

    /** Ends the calls by which agents wait for that: the engine stops. */
    public void endAnnouncements() {
        news.end();
    }

    private FindLeaderResponse leadership() {
        return FindLeaderResponse.newBuilder()
                .setLeading(sessions.leading())
                .setLeaderGrpc(check.leaderGrpc())
                .setTerm(check.term())
                .setClusterId(clusterId)
                .setIncarnation(registry.read(view -> view.incarnation()))
                .build();
    }

    /** Sends contents while there is room. gRPC runs it one at a time. */
    private static final class ContentsSender implements Runnable {
        private final Registry registry;
        private final Predicate<UnitHash> readable;
        private final Iterator<ByteString> hashes;
        private final ServerCallStreamObserver<UnitContents> out;
        private boolean ended;

        ContentsSender(
                Registry registry,
                Predicate<UnitHash> readable,
                Iterator<ByteString> hashes,
                ServerCallStreamObserver<UnitContents> out) {
            this.registry = registry;
            this.readable = readable;
            this.hashes = hashes;
            this.out = out;
        }

        @Override
        public void run() {
            while (!ended && out.isReady()) {
                if (!hashes.hasNext()) {
                    ended = true;
                    out.onCompleted();
                    return;
                }
                var hash = UnitHash.from(hashes.next());
                var text = readable.test(hash) ? registry.read(view -> view.contents(hash)) : null;
                if (text == null) {
                    ended = true;
                    out.onError(Status.NOT_FOUND
                            .withDescription(
                                    "the registry has no contents of hash " + hash.toHex() + " for this machine")
                            .asRuntimeException());
                    return;
                }
                out.onNext(UnitContents.newBuilder()
                        .setHash(hash.toByteString())
                        .setText(text)
                        .build());
            }
        }
    }
}
