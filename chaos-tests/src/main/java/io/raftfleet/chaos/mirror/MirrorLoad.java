package io.raftfleet.chaos.mirror;

import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.model.TargetState;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/**
 * Clients that change units in batches, at random, as fast as they are answered, until closed. What fails is counted: a write
 * may, while no engine leads.
 */
final class MirrorLoad implements AutoCloseable {
    /** What the load sets of the machine that it is given. */
    static final String METADATA_KEY = "load";

    private static final int NAMES = 600;
    private static final int LARGEST_BATCH = 150;
    private static final int TEXTS = 16;

    private final FleetClient client;
    private final String machineId;
    private final ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicLong writes = new AtomicLong();
    private final AtomicLong failures = new AtomicLong();
    private volatile boolean closed;

    /** @param seed of what the clients do */
    MirrorLoad(FleetClient client, String machineId, int clients, long seed) {
        this.client = client;
        this.machineId = machineId;
        for (int i = 0; i < clients; i++) {
            var random = new Random(seed + i);
            var unused = workers.submit(() -> work(random));
        }
    }

    /** Batches that were answered. */
    long writes() {
        return writes.get();
    }

    /** Batches that were not, or were refused as a whole. */
    long failures() {
        return failures.get();
    }

    private void work(Random random) {
        while (!closed) {
            try {
                write(random);
                writes.incrementAndGet();
            } catch (FleetClientException e) {
                failures.incrementAndGet();
            }
        }
    }

    private void write(Random random) {
        int kind = random.nextInt(10);
        var names = names(random);
        if (kind < 5) {
            client.createUnits(names.stream().map(name -> unit(name, random)).toList(), true);
        } else if (kind < 7) {
            client.setTargetStates(names.stream()
                    .map(name -> TargetStateChange.newBuilder()
                            .setName(name)
                            .setTargetState(target(random))
                            .build())
                    .toList());
        } else if (kind < 9) {
            client.destroyUnits(names);
        } else {
            client.patchMachines(List.of(MachinePatch.newBuilder()
                    .setMachineId(machineId)
                    .setKey(METADATA_KEY)
                    .setValue("v" + random.nextInt(1000))
                    .build()));
        }
    }

    /** Some names without repetition. */
    private static List<String> names(Random random) {
        return IntStream.range(0, 1 + random.nextInt(LARGEST_BATCH))
                .mapToObj(i -> "load" + random.nextInt(NAMES) + ".service")
                .distinct()
                .toList();
    }

    private static NewUnit unit(String name, Random random) {
        return NewUnit.newBuilder()
                .setName(name)
                .setText("[Service]\nExecStart=/bin/sleep " + (10_000 + random.nextInt(TEXTS)) + "\n")
                .setTargetState(target(random))
                .build();
    }

    private static TargetState target(Random random) {
        return random.nextInt(4) == 0 ? TargetState.TARGET_STATE_INACTIVE : TargetState.TARGET_STATE_LAUNCHED;
    }

    /** Ends once every client has its last answer. */
    @Override
    public void close() {
        closed = true;
        workers.shutdown();
        try {
            if (!workers.awaitTermination(60, TimeUnit.SECONDS)) {
                throw new IllegalStateException(
                        "clients of the load did not end: a call has no answer after its deadline");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
