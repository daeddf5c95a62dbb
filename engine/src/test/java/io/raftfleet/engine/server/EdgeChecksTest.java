package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.EngineFrame;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.GetUnitRequest;
import io.raftfleet.proto.fleet.GetUnitResponse;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EdgeChecksTest {
    private final LinkedBlockingQueue<String> served = new LinkedBlockingQueue<>();
    private Server server;
    private ManagedChannel channel;

    @BeforeEach
    void start() throws Exception {
        server = NettyServerBuilder.forAddress(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), InsecureServerCredentials.create())
                .addService(EdgeChecks.of(new FleetGrpc.FleetImplBase() {
                    @Override
                    public void getUnit(GetUnitRequest request, StreamObserver<GetUnitResponse> responses) {
                        served.add(request.getName());
                        responses.onError(Status.NOT_FOUND
                                .withDescription("\u001b[31m" + "x".repeat(100_000))
                                .asRuntimeException());
                    }
                }))
                .addService(EdgeChecks.of(new AgentGatewayGrpc.AgentGatewayImplBase() {
                    @Override
                    public StreamObserver<AgentFrame> session(StreamObserver<EngineFrame> responses) {
                        ((ServerCallStreamObserver<EngineFrame>) responses).setOnCancelHandler(() -> {
                            served.add("let go");
                            responses.onNext(EngineFrame.getDefaultInstance());
                        });
                        return new StreamObserver<>() {
                            @Override
                            public void onNext(AgentFrame frame) {
                                served.add(frame.getFrameCase().name());
                            }

                            @Override
                            public void onError(Throwable t) {
                                served.add("error");
                            }

                            @Override
                            public void onCompleted() {
                                served.add("completed");
                            }
                        };
                    }
                }))
                .build()
                .start();
        channel = Grpc.newChannelBuilder("localhost:" + server.getPort(), InsecureChannelCredentials.create())
                .build();
    }

    @AfterEach
    void stop() {
        channel.shutdownNow();
        server.shutdownNow();
    }

    @Test
    void aCallOverALimitIsRefusedWithTheFieldAndNobodyServesIt() {
        var fleet = FleetGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.SECONDS);
        assertThatThrownBy(() -> fleet.getUnit(
                        GetUnitRequest.newBuilder().setName("a".repeat(1 << 20)).build()))
                .isInstanceOfSatisfying(StatusRuntimeException.class, e -> {
                    assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
                    assertThat(e.getStatus().getDescription())
                            .isEqualTo("name: it has 1048576 bytes; at most 256 are allowed");
                });
        assertThat(served).isEmpty();
    }

    @Test
    void whyACallFailedIsCutAndEscaped() {
        var fleet = FleetGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.SECONDS);
        assertThatThrownBy(() -> fleet.getUnit(
                        GetUnitRequest.newBuilder().setName("a.service").build()))
                .isInstanceOfSatisfying(StatusRuntimeException.class, e -> {
                    assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
                    assertThat(e.getStatus().getDescription())
                            .startsWith("\\x1b[31mxxx")
                            .endsWith("bytes)")
                            .hasSizeLessThanOrEqualTo(1024);
                });
        assertThat(served).containsExactly("a.service");
    }

    @Test
    void aSessionEndsAtTheFirstFrameOverALimit() throws Exception {
        var ended = new LinkedBlockingQueue<Status>();
        var agent = AgentGatewayGrpc.newStub(channel).session(new StreamObserver<>() {
            @Override
            public void onNext(EngineFrame frame) {}

            @Override
            public void onError(Throwable t) {
                ended.add(Status.fromThrowable(t));
            }

            @Override
            public void onCompleted() {}
        });
        agent.onNext(hello("10.0.0.9"));
        assertThat(served.poll(10, TimeUnit.SECONDS)).isEqualTo("HELLO");
        agent.onNext(hello("10.0.0.9\n\u001b[31mINJECT"));
        var status = ended.poll(10, TimeUnit.SECONDS);
        assertThat(status).isNotNull();
        assertThat(status.getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        assertThat(status.getDescription()).startsWith("hello.primary_ip: ").doesNotContain("INJECT");
        assertThat(served.poll(10, TimeUnit.SECONDS)).isEqualTo("let go");
        assertThat(served.poll(10, TimeUnit.SECONDS)).isEqualTo("error");
        assertThat(served).isEmpty();
    }

    private static AgentFrame hello(String address) {
        return AgentFrame.newBuilder()
                .setHello(Hello.newBuilder().setMachineId("0".repeat(32)).setPrimaryIp(address))
                .build();
    }
}
