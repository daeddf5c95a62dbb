package io.raftfleet.chaos.hostile;

import com.google.protobuf.ByteString;
import io.grpc.Attributes;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.raftfleet.chaos.check.Finding;
import io.raftfleet.chaos.check.Violation;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.GetUnitRequest;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.WriteResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Honest clients, one for each engine and protocol, from an address of their own: each makes a unit, reads it at its engine, and
 * destroys it, without ever trying again. Findings are guarded by its monitor.
 */
final class Bystander implements AutoCloseable {
    static final String PROMISE = "nobody else's calls fail";
    /** Units of bystanders, and of nobody else. */
    static final String PREFIX = "bystander";

    private static final String ADDRESS = "127.0.0.2";
    private static final int LIMIT_MS = 5_000;
    private static final int PAUSE_MS = 20;
    private static final int MOST = 100;

    private final long origin = System.nanoTime();
    private final Supplier<String> attack;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<ManagedChannel> channels = new ArrayList<>();
    private final List<Violation> violations = new ArrayList<>();
    private final List<Long> micros = new ArrayList<>();
    private volatile boolean counted;
    private volatile boolean ended;

    /** @param attack what is under way, for the report */
    Bystander(List<EngineNode> engines, Supplier<String> attack) throws IOException {
        this.attack = attack;
        var http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .localAddress(InetAddress.getByName(ADDRESS))
                .connectTimeout(Duration.ofMillis(LIMIT_MS))
                .build();
        for (var engine : engines) {
            var channel = channel(engine);
            channels.add(channel);
            threads.execute(() -> loop("grpc-" + engine.id(), name -> overGrpc(channel, name)));
            threads.execute(() -> loop("http-" + engine.id(), name -> overHttp(http, engine, name)));
        }
    }

    private static ManagedChannel channel(EngineNode engine) {
        return NettyChannelBuilder.forAddress(
                        engine.addresses().host(), engine.addresses().grpcPort())
                .usePlaintext()
                .localSocketPicker(new NettyChannelBuilder.LocalSocketPicker() {
                    @Override
                    public SocketAddress createSocketAddress(SocketAddress remote, Attributes attributes) {
                        return new InetSocketAddress(ADDRESS, 0);
                    }
                })
                .build();
    }

    private interface Calls {
        void make(String unit) throws IOException, InterruptedException;
    }

    private void loop(String client, Calls calls) {
        try {
            for (int i = 0; !ended; i++) {
                long begin = System.nanoTime();
                try {
                    calls.make(PREFIX + "-" + client + "-" + i + ".service");
                    answered(System.nanoTime() - begin);
                } catch (StatusRuntimeException | IOException | IllegalStateException e) {
                    failed(client, begin, e);
                }
                TimeUnit.MILLISECONDS.sleep(PAUSE_MS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void answered(long nanos) {
        if (counted) {
            micros.add(TimeUnit.NANOSECONDS.toMicros(nanos));
        }
    }

    private synchronized void failed(String client, long begin, Exception failure) {
        if (counted && !ended && violations.size() < MOST) {
            violations.add(new Violation(
                    client + ", during " + attack.get() + ", after "
                            + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin) + " ms: " + failure,
                    System.nanoTime() - origin,
                    List.of()));
        }
    }

    private static void overGrpc(ManagedChannel channel, String unit) {
        var stub = FleetGrpc.newBlockingStub(channel);
        var text = "[Service]\nExecStart=/bin/sleep 1000000\n";
        var create = CreateUnitsRequest.newBuilder()
                .setRequestId(id())
                .addUnits(NewUnit.newBuilder().setName(unit).setText(text));
        done(stub.withDeadlineAfter(LIMIT_MS, TimeUnit.MILLISECONDS).createUnits(create.build()));
        var read = stub.withDeadlineAfter(LIMIT_MS, TimeUnit.MILLISECONDS)
                .getUnit(GetUnitRequest.newBuilder().setName(unit).build());
        if (!read.getUnit().getName().equals(unit)) {
            throw new IllegalStateException(
                    "asked for " + unit + ", got " + read.getUnit().getName());
        }
        var destroy = DestroyUnitsRequest.newBuilder().setRequestId(id()).addNames(unit);
        done(stub.withDeadlineAfter(LIMIT_MS, TimeUnit.MILLISECONDS).destroyUnits(destroy.build()));
    }

    private static void done(WriteResponse response) {
        var result = response.getResults(0);
        if (result.getCode() != ItemCode.ITEM_CODE_OK) {
            throw new IllegalStateException(result.getCode() + " " + result.getMessage());
        }
    }

    private static RequestId id() {
        var uuid = UUID.randomUUID();
        var bytes = ByteBuffer.allocate(16)
                .putLong(uuid.getMostSignificantBits())
                .putLong(uuid.getLeastSignificantBits())
                .flip();
        return RequestId.newBuilder()
                .setId(ByteString.copyFrom(bytes))
                .setIssuedAtMs(System.currentTimeMillis())
                .build();
    }

    private static void overHttp(HttpClient http, EngineNode engine, String unit)
            throws IOException, InterruptedException {
        var document = "{\"desiredState\":\"inactive\",\"options\":"
                + "[{\"section\":\"Service\",\"name\":\"ExecStart\",\"value\":\"/bin/sleep 1000000\"}]}";
        send(http, engine, "PUT", unit, document, 201);
        send(http, engine, "GET", unit, "", 200);
        send(http, engine, "DELETE", unit, "", 204);
    }

    private static void send(HttpClient http, EngineNode engine, String method, String unit, String body, int expected)
            throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(engine.http().resolve("/fleet/v1/units/" + unit))
                .timeout(Duration.ofMillis(LIMIT_MS))
                .header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .build();
        var response = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != expected) {
            throw new IllegalStateException(method + " " + unit + ": " + response.statusCode() + " " + response.body());
        }
    }

    /** From now on all that goes wrong counts: engines are warm. */
    void count() {
        counted = true;
    }

    /** How long a unit's life of three calls took at most, in one hundredth of all cases left out, in milliseconds. */
    synchronized double p99() {
        var sorted = micros.stream().sorted().toList();
        return sorted.isEmpty() ? 0 : sorted.get((int) (sorted.size() * 0.99)) / 1_000.0;
    }

    /** Lets the calls under way end, and says how all went. */
    Finding end() throws InterruptedException {
        threads.shutdown();
        TimeUnit.MILLISECONDS.sleep(PAUSE_MS);
        ended = true;
        if (!threads.awaitTermination(3L * LIMIT_MS, TimeUnit.MILLISECONDS)) {
            throw new IllegalStateException("bystanders do not end");
        }
        synchronized (this) {
            return new Finding(PROMISE, micros.size() + (long) violations.size(), "", violations);
        }
    }

    @Override
    public void close() {
        ended = true;
        threads.shutdownNow();
        channels.forEach(ManagedChannel::shutdownNow);
    }
}
