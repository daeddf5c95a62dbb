package io.raftfleet.bench;

import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.WriteOutcome;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.model.TargetState;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** Many units at once. */
final class BulkUnits {
    /** Of units, in a request. */
    static final int BATCH = 500;
    /** A service that runs until it is stopped. */
    static final String SLEEP = "[Service]\nExecStart=/bin/sleep 100000\n";

    private static final Duration PATIENCE = Duration.ofMinutes(10);

    private BulkUnits() {}

    /** Names of services: a prefix and a number from 0 on. */
    static List<String> names(String prefix, int units) {
        return IntStream.range(0, units).mapToObj(i -> prefix + i + ".service").toList();
    }

    static NewUnit unit(String name, String text, TargetState target) {
        return NewUnit.newBuilder()
                .setName(name)
                .setText(text)
                .setTargetState(target)
                .build();
    }

    /** Such a service, to be running. */
    static NewUnit launched(String name) {
        return unit(name, SLEEP, TargetState.TARGET_STATE_LAUNCHED);
    }

    /** Has them created; does not wait until they run. */
    static void create(FleetClient client, List<NewUnit> units) {
        inBatches(units, batch -> requireOk(client.createUnits(batch, false)));
    }

    /** Creates services and waits until their machines have told that all are active. */
    static void start(FleetClient client, List<String> names) {
        create(client, names.stream().map(BulkUnits::launched).toList());
        Await.until(
                names.size() + " units are active",
                PATIENCE,
                () -> client.listUnitStates(ListUnitStatesRequest.getDefaultInstance()).rows().stream()
                                .filter(state -> state.getActiveState().equals("active"))
                                .count()
                        >= names.size());
    }

    /** Has them destroyed; does not wait for their machines. */
    static void destroy(FleetClient client, List<String> names) {
        inBatches(names, batch -> requireOk(client.destroyUnits(batch)));
    }

    /** Destroys all units of a cluster and waits until its machines have none left. */
    static void destroyAll(FleetClient client, List<String> names) {
        destroy(client, names);
        Await.until(
                "the machines have nothing left",
                PATIENCE,
                () -> client.listUnitStates(ListUnitStatesRequest.getDefaultInstance())
                        .rows()
                        .isEmpty());
    }

    static void requireOk(WriteOutcome outcome) {
        for (var result : outcome.results()) {
            if (result.getCode() != ItemCode.ITEM_CODE_OK) {
                throw new IllegalStateException("a write was answered " + result);
            }
        }
    }

    private static <T> void inBatches(List<T> all, Consumer<List<T>> action) {
        for (int from = 0; from < all.size(); from += BATCH) {
            action.accept(all.subList(from, Math.min(from + BATCH, all.size())));
        }
    }
}
