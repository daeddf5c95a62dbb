package io.raftfleet.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.raftfleet.client.FleetClientException.Fate;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.WriteResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a failed write says of whether it was done. */
@Timeout(60)
class FatesTest {
    private Server server;
    /** What the engine answers, one call after the other; the last one for all that follow. */
    private final Queue<Status> answers = new ArrayDeque<>();

    @BeforeEach
    void serve() throws IOException {
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(new FleetGrpc.FleetImplBase() {
                    @Override
                    public void destroyUnits(DestroyUnitsRequest request, StreamObserver<WriteResponse> out) {
                        Status answer = answer();
                        if (!answer.isOk()) {
                            out.onError(answer.asRuntimeException());
                            return;
                        }
                        var done = ItemResult.newBuilder().setCode(ItemCode.ITEM_CODE_OK);
                        var response = WriteResponse.newBuilder();
                        request.getNamesList().forEach(name -> response.addResults(done));
                        out.onNext(response.build());
                        out.onCompleted();
                    }
                })
                .build()
                .start();
    }

    private synchronized Status answer() {
        return answers.size() > 1 ? answers.remove() : answers.element();
    }

    @AfterEach
    void end() {
        server.shutdownNow();
    }

    private FleetClientException destroying(int units, Status... statuses) {
        synchronized (this) {
            answers.clear();
            Collections.addAll(answers, statuses);
        }
        return destroying(server.getPort(), units);
    }

    private static FleetClientException destroying(int port, int units) {
        var options = ClientOptions.of(List.of(new Endpoint("127.0.0.1", port)))
                .withRequestTimeout(Duration.ofMillis(400))
                .withPatience(false);
        try (var client = new FleetClient(options)) {
            client.destroyUnits(Collections.nCopies(units, "a.service"));
            throw new AssertionError("it went well");
        } catch (FleetClientException e) {
            return e;
        }
    }

    @Test
    void whatWasTurnedAwayWasNotDone() {
        for (Status status : List.of(Status.PERMISSION_DENIED, Status.INVALID_ARGUMENT, Status.RESOURCE_EXHAUSTED)) {
            var refused = destroying(1, status.withDescription("no"));
            assertThat(refused.fate()).as("%s", status.getCode()).isEqualTo(Fate.NOT_DONE);
            assertThat(refused.code()).isEqualTo(status.getCode());
            assertThat(refused.mayPass()).isEqualTo(status.getCode() == Status.Code.RESOURCE_EXHAUSTED);
        }
    }

    @Test
    void whatReachedNobodyWasNotDone() throws IOException {
        int port;
        try (var free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        var unreachable = destroying(port, 1);
        assertThat(unreachable.fate()).isEqualTo(Fate.NOT_DONE);
        assertThat(unreachable.mayPass()).isTrue();
    }

    @Test
    void oneLostAnswerMakesItsFateUnknownWhateverIsSaidAfterwards() {
        for (Status status : List.of(Status.UNKNOWN, Status.UNAVAILABLE, Status.INTERNAL)) {
            assertThat(destroying(1, status).fate()).as("%s", status.getCode()).isEqualTo(Fate.UNKNOWN);
        }
        assertThat(destroying(1, Status.UNKNOWN, Status.PERMISSION_DENIED).fate())
                .isEqualTo(Fate.UNKNOWN);
        assertThat(destroying(1, Status.FAILED_PRECONDITION.withDescription("committed, not mirrored"))
                        .fate())
                .isEqualTo(Fate.UNKNOWN);
    }

    @Test
    void batchesBeforeTheOneThatFailedAreTold() {
        var failure = destroying(10_001, Status.OK, Status.PERMISSION_DENIED.withDescription("no longer"));
        assertThat(failure.answered())
                .hasSize(10_000)
                .allSatisfy(result -> assertThat(result.getCode()).isEqualTo(ItemCode.ITEM_CODE_OK));
        assertThat(failure.fate()).isEqualTo(Fate.NOT_DONE);
        assertThat(failure).hasMessageContaining("the first 10000 of 10001");
    }
}
