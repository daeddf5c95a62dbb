package io.raftfleet.engine.sim;

import io.grpc.Server;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import io.raftfleet.engine.server.SimulatedEngine;
import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.EngineFrame;
import io.raftfleet.proto.agent.FindLeaderRequest;
import io.raftfleet.proto.agent.FindLeaderResponse;
import io.raftfleet.proto.agent.Welcome;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * What an engine would say that was begun anew from a copy of its disk, alone: that it leads, in a term that has long been over. It
 * welcomes every machine. What machines say to it then is for {@link Invariants} to judge.
 */
final class OldCopy extends AgentGatewayGrpc.AgentGatewayImplBase implements AutoCloseable {
    private final String name;
    private final FindLeaderResponse leads;
    private final Server server;
    private long epoch = 1_000_000;

    OldCopy(String name, String address, long term, long incarnation, SimProcess process) {
        this.name = name;
        this.leads = FindLeaderResponse.newBuilder()
                .setLeading(true)
                .setLeaderGrpc(address)
                .setTerm(term)
                .setClusterId("sim")
                .setIncarnation(incarnation)
                .build();
        this.server = InProcessServerBuilder.forName(name)
                .executor(process.wire())
                .scheduledExecutorService(process.executor())
                .addService(this)
                .build();
        try {
            server.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String name() {
        return name;
    }

    @Override
    public void findLeader(FindLeaderRequest request, StreamObserver<FindLeaderResponse> responses) {
        responses.onNext(leads);
        responses.onCompleted();
    }

    @Override
    public void watchLeader(FindLeaderRequest request, StreamObserver<FindLeaderResponse> responses) {
        responses.onNext(leads);
    }

    @Override
    public StreamObserver<AgentFrame> session(StreamObserver<EngineFrame> responses) {
        return new StreamObserver<>() {
            @Override
            public void onNext(AgentFrame frame) {
                if (frame.hasHello()) {
                    responses.onNext(EngineFrame.newBuilder()
                            .setWelcome(Welcome.newBuilder()
                                    .setClusterId(leads.getClusterId())
                                    .setIncarnation(leads.getIncarnation())
                                    .setTerm(leads.getTerm())
                                    .setSessionEpoch(++epoch)
                                    .setTtlMs((int) SimulatedEngine.TTL.toMillis())
                                    .setHeartbeatIntervalMs(1000)
                                    .setSilenceLimitMs(2500)
                                    .setAssignmentsMatch(true)
                                    .setStatesMatch(true)
                                    .setMaxStatesPerReport(500))
                            .build());
                }
            }

            @Override
            public void onError(Throwable cause) {}

            @Override
            public void onCompleted() {
                responses.onCompleted();
            }
        };
    }

    @Override
    public void close() {
        server.shutdownNow();
    }
}
