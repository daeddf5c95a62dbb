package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.VersionRequest;
import io.raftfleet.proto.fleet.VersionResponse;
import io.raftfleet.state.raft.EnginePeer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LeaderRouteTest {
    private static final EnginePeer E1 = new EnginePeer("e1", "raft1", "e1", "http1");
    private static final EnginePeer E2 = new EnginePeer("e2", "raft2", "e2", "http2");
    private static final EnginePeer E3 = new EnginePeer("e3", "raft3", "e3", "http3");

    private final Map<String, ManagedChannel> made = new HashMap<>();
    private final List<String> asked = new ArrayList<>();
    private final LeaderRoute route = new LeaderRoute("e1", this::channel);

    private ManagedChannel channel(String address) {
        asked.add(address);
        var channel = InProcessChannelBuilder.forName("route-" + address)
                .directExecutor()
                .build();
        made.put(address, channel);
        return channel;
    }

    @AfterEach
    void close() {
        route.close();
        assertThat(made.values()).allMatch(ManagedChannel::isShutdown);
    }

    @Test
    void theLeaderIsElsewhereUnlessItIsThisEngine() {
        assertThat(route.leader()).isNull();
        assertThat(route.elsewhere()).isNull();
        route.leaderChanged(E2);
        assertThat(route.leader()).isEqualTo(E2);
        assertThat(route.elsewhere()).isEqualTo(E2);
        route.leaderChanged(E1);
        assertThat(route.leader()).isEqualTo(E1);
        assertThat(route.elsewhere()).isNull();
    }

    @Test
    void callsThatWaitForAnotherEngineThanTheNewLeaderAreCancelled() {
        route.leaderChanged(E2);
        var waiting = route.whileLeading(E2, new CompletableFuture<String>());
        var answered = route.whileLeading(E2, new CompletableFuture<String>());
        answered.complete("in time");
        route.leaderChanged(E2);
        assertThat(waiting).as("the same again").isNotDone();
        route.leaderChanged(E3);
        assertThat(waiting).isCancelled();
        assertThat(answered).isCompletedWithValue("in time");
        var late = route.whileLeading(E2, new CompletableFuture<String>());
        assertThat(late).as("begun when the old leader was none any more").isCancelled();
        assertThat(route.whileLeading(E3, new CompletableFuture<String>())).isNotDone();
    }

    @Test
    void whoWaitsForAChangeHearsOfTheNextOneOnce() {
        var heard = new ArrayList<String>();
        Runnable forgotten = () -> heard.add("forgotten");
        route.onChange(() -> heard.add("first"));
        route.onChange(forgotten);
        route.forget(forgotten);
        assertThat(route.changes()).isZero();
        route.leaderChanged(E2);
        assertThat(heard).containsExactly("first");
        route.onChange(() -> {
            heard.add("second");
            route.onChange(() -> heard.add("third"));
        });
        route.ready();
        assertThat(heard).containsExactly("first", "second");
        assertThat(route.changes()).isEqualTo(2);
        route.leaderChanged(E3);
        assertThat(heard).containsExactly("first", "second", "third");
    }

    @Test
    void forwardedCallsAreMarkedAndShareAChannel() throws Exception {
        var marks = new ArrayList<String>();
        Server server = InProcessServerBuilder.forName("route-e2")
                .directExecutor()
                .intercept(new ServerInterceptor() {
                    @Override
                    public <Q, S> ServerCall.Listener<Q> interceptCall(
                            ServerCall<Q, S> call, Metadata headers, ServerCallHandler<Q, S> next) {
                        marks.add(headers.get(LeaderRoute.FORWARDED));
                        return next.startCall(call, headers);
                    }
                })
                .addService(new FleetGrpc.FleetImplBase() {
                    @Override
                    public void version(VersionRequest request, StreamObserver<VersionResponse> responses) {
                        responses.onNext(VersionResponse.getDefaultInstance());
                        responses.onCompleted();
                    }
                })
                .build()
                .start();
        try {
            for (int call = 0; call < 2; call++) {
                route.futureStub(E2)
                        .version(VersionRequest.getDefaultInstance())
                        .get(10, TimeUnit.SECONDS);
            }
        } finally {
            server.shutdownNow();
        }
        assertThat(marks).containsExactly("1", "1");
        assertThat(asked).containsExactly("e2");
    }
}
