package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.reflection.v1.ServiceResponse;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Health and reflection as any gRPC tool asks for them, past the checks that all services have. */
class GrpcHealthTest {
    private final AtomicBoolean ready = new AtomicBoolean();
    private @Nullable RuntimeException defect;
    private final GrpcHealth health = new GrpcHealth(() -> {
        if (defect != null) {
            throw defect;
        }
        return ready.get();
    });
    private Server server;
    private ManagedChannel channel;

    @BeforeEach
    void start() throws IOException {
        var name = InProcessServerBuilder.generateName();
        server = InProcessServerBuilder.forName(name)
                .directExecutor()
                .addService(EdgeChecks.of(health.service()))
                .addService(EdgeChecks.of(ProtoReflectionServiceV1.newInstance()))
                .build()
                .start();
        channel = InProcessChannelBuilder.forName(name).directExecutor().build();
    }

    @AfterEach
    void stop() {
        channel.shutdownNow();
        server.shutdownNow();
    }

    @Test
    void anEngineServesWhileItIsReady() {
        assertThat(asked()).isEqualTo(ServingStatus.NOT_SERVING);
        ready.set(true);
        health.look();
        assertThat(asked()).isEqualTo(ServingStatus.SERVING);
        ready.set(false);
        health.look();
        assertThat(asked()).isEqualTo(ServingStatus.NOT_SERVING);
    }

    @Test
    void anEngineThatCanNotBeAskedDoesNotServe() {
        ready.set(true);
        health.look();
        defect = new IllegalStateException("asked at a bad time");
        health.look();
        assertThat(asked()).isEqualTo(ServingStatus.NOT_SERVING);
        defect = null;
        health.look();
        assertThat(asked()).isEqualTo(ServingStatus.SERVING);
    }

    @Test
    void whoWatchesHearsOfEachChangeOnceAndOfTheEnd() {
        var heard = new ArrayList<ServingStatus>();
        HealthGrpc.newStub(channel).watch(HealthCheckRequest.getDefaultInstance(), new StreamObserver<>() {
            @Override
            public void onNext(HealthCheckResponse news) {
                heard.add(news.getStatus());
            }

            @Override
            public void onError(Throwable end) {
                // The server stops.
            }

            @Override
            public void onCompleted() {
                // The same.
            }
        });
        ready.set(true);
        health.look();
        health.look();
        health.end();
        assertThat(heard).containsExactly(ServingStatus.NOT_SERVING, ServingStatus.SERVING, ServingStatus.NOT_SERVING);
    }

    @Test
    void toolsLearnWhatThereIs() throws Exception {
        var listed = new CompletableFuture<List<String>>();
        var requests = ServerReflectionGrpc.newStub(channel).serverReflectionInfo(new StreamObserver<>() {
            @Override
            public void onNext(ServerReflectionResponse answer) {
                listed.complete(answer.getListServicesResponse().getServiceList().stream()
                        .map(ServiceResponse::getName)
                        .toList());
            }

            @Override
            public void onError(Throwable fault) {
                listed.completeExceptionally(fault);
            }

            @Override
            public void onCompleted() {
                // Ours to end.
            }
        });
        requests.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
        assertThat(listed.get(10, TimeUnit.SECONDS)).contains("grpc.health.v1.Health");
        requests.onCompleted();
    }

    private ServingStatus asked() {
        return HealthGrpc.newBlockingStub(channel)
                .check(HealthCheckRequest.getDefaultInstance())
                .getStatus();
    }
}
