package io.raftfleet.bench;

import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.model.TargetState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Writes without a pause, one writer a client, and tells the longest time that passed without a success. */
final class WriteGaps implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int ENOUGH = 20;

    private final ExecutorService writers = Executors.newVirtualThreadPerTaskExecutor();
    private final List<Long> successes = new ArrayList<>();
    private final List<FleetClientException> failures = new ArrayList<>();
    private volatile boolean end;

    /** Begins to write. */
    WriteGaps(List<FleetClient> clients) {
        for (int i = 0; i < clients.size(); i++) {
            var client = clients.get(i);
            var name = "gap" + i + ".service";
            writers.execute(() -> write(client, name));
        }
    }

    /** Waits for some more successes. */
    void awaitMore() {
        int sofar = count();
        Await.until("writes go on", LIMIT, () -> count() >= sofar + ENOUGH);
    }

    synchronized long longest() {
        long longest = 0;
        for (int i = 1; i < successes.size(); i++) {
            longest = Math.max(longest, successes.get(i) - successes.get(i - 1));
        }
        return longest;
    }

    synchronized List<FleetClientException> failures() {
        return List.copyOf(failures);
    }

    private synchronized int count() {
        return successes.size();
    }

    private void write(FleetClient client, String name) {
        var unit = NewUnit.newBuilder()
                .setName(name)
                .setText("[Service]\nExecStart=/bin/sleep 100000\n")
                .setTargetState(TargetState.TARGET_STATE_INACTIVE)
                .build();
        while (!end) {
            try {
                client.createUnits(List.of(unit), false);
                succeeded();
                client.destroyUnits(List.of(name));
                succeeded();
            } catch (FleetClientException e) {
                failed(e);
            }
        }
    }

    private synchronized void succeeded() {
        successes.add(System.nanoTime());
    }

    private synchronized void failed(FleetClientException e) {
        failures.add(e);
    }

    /** Ends the writers after the write that each is at. */
    @Override
    public void close() {
        end = true;
        writers.close();
    }
}
