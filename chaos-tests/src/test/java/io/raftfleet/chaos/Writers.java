package io.raftfleet.chaos;

import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.model.TargetState;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Writes one unit after the other until it is closed: one writer through the client library, one through HTTP, which asks the
 * next engine when one is away, as clients do. Thread-safe.
 */
final class Writers implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final String BODY =
            "{\"desiredState\":\"inactive\",\"options\":[{\"section\":\"Service\",\"name\":\"ExecStart\",\"value\":\"/bin/true\"}]}";

    private final Cluster cluster;
    private final AtomicInteger grpc = new AtomicInteger();
    private final AtomicInteger http = new AtomicInteger();
    private final List<String> failures = new CopyOnWriteArrayList<>();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private volatile boolean ending;

    Writers(Cluster cluster) {
        this.cluster = cluster;
        threads.execute(() -> {
            while (!ending) {
                writeGrpc("grpc-" + (grpc.get() + 1) + ".service");
            }
        });
        threads.execute(() -> {
            while (!ending) {
                writeHttp("http-" + (http.get() + 1) + ".service");
            }
        });
    }

    /** Waits until both have written so much more. */
    void awaitMore(int count) {
        int grpcBefore = grpc.get();
        int httpBefore = http.get();
        Await.until(
                "writes go on, after " + grpcBefore + " through gRPC and " + httpBefore + " through HTTP",
                Ops.SOON,
                () -> !failures.isEmpty() || (grpc.get() >= grpcBefore + count && http.get() >= httpBefore + count));
    }

    /** What failed for good. */
    List<String> failures() {
        return List.copyOf(failures);
    }

    /** How many units were acknowledged; exact once this is closed. */
    int written() {
        return grpc.get() + http.get();
    }

    private void writeGrpc(String name) {
        try {
            var unit = Ops.sleeper(name).toBuilder()
                    .setTargetState(TargetState.TARGET_STATE_INACTIVE)
                    .build();
            var result =
                    cluster.client().createUnits(List.of(unit), false).results().getFirst();
            if (result.getCode() == ItemCode.ITEM_CODE_OK) {
                grpc.incrementAndGet();
            } else {
                fail(name + ": " + result);
            }
        } catch (RuntimeException e) {
            fail(name + ": " + e);
        }
    }

    private void writeHttp(String name) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        var last = "no engine asked";
        do {
            for (var engine : cluster.engines()) {
                try {
                    var answer = Http.send(engine, "PUT", "/fleet/v1/units/" + name, BODY);
                    // A repetition of a write that was done finds the unit there.
                    if (answer.statusCode() == 201 || answer.statusCode() == 204) {
                        http.incrementAndGet();
                        return;
                    }
                    last = answer.statusCode() + " " + answer.body();
                } catch (UncheckedIOException e) {
                    last = e.toString();
                }
            }
        } while (System.nanoTime() < end);
        fail(name + ": " + last);
    }

    private void fail(String why) {
        failures.add(why);
        ending = true;
    }

    @Override
    public void close() {
        ending = true;
        threads.close();
    }
}
