package io.raftfleet.client;

import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;

/**
 * Orders for units by name, and waiting for what becomes of them: what most programs need. An order is done when it is in the
 * registry of a majority of engines; what machines make of it is waited for by {@link #await}.
 *
 * <p>Orders block, for the client's request timeout at most and a second more for each 1,000 units. All of them may be given again: what
 * is so already stays as it is, but for {@link #restart}. They fail with {@link FleetClientException}, which says whether something may
 * have been done, and with {@link UnitsRefusedException} when engines refused some of the units; the others' orders stand then.
 * Thread-safe, as the client is.
 */
public final class Units {
    private final FleetClient client;

    Units(FleetClient client) {
        this.client = client;
    }

    /**
     * Stores units and launches them. One that is there with the same options is launched; one with others is refused.
     *
     * @param files unit files by the units' names, 1 MiB each at most
     */
    public WriteOutcome start(Map<String, String> files) {
        return create(files, false);
    }

    /**
     * Stores units and launches them, in place of those that have these names: those with other options start again, all at once. A rolling
     * change is {@link FleetClient#startRollout}.
     *
     * @param files unit files by the units' names, 1 MiB each at most
     */
    public WriteOutcome replace(Map<String, String> files) {
        return create(files, true);
    }

    private WriteOutcome create(Map<String, String> files, boolean replace) {
        List<NewUnit> units = files.entrySet().stream()
                .map(file -> NewUnit.newBuilder()
                        .setName(file.getKey())
                        .setText(file.getValue())
                        .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                        .build())
                .toList();
        var created = client.createUnits(units, replace).orThrow();
        var there = IntStream.range(0, units.size())
                .filter(i -> created.results().get(i).getCode() == ItemCode.ITEM_CODE_UNCHANGED)
                .boxed()
                .toList();
        if (there.isEmpty()) {
            return created;
        }
        var launched = launch(there.stream().map(i -> units.get(i).getName()).toList());
        var results = new ArrayList<>(created.results());
        for (int i = 0; i < there.size(); i++) {
            results.set(there.get(i), launched.results().get(i));
        }
        return new WriteOutcome(results, launched.revision());
    }

    /** Launches units that are there. */
    public WriteOutcome launch(Collection<String> names) {
        return target(names, TargetState.TARGET_STATE_LAUNCHED, false);
    }

    /** Starts units once more, also those that run. Given again after a failure of unknown fate, they may start twice. */
    public WriteOutcome restart(Collection<String> names) {
        return target(names, TargetState.TARGET_STATE_LAUNCHED, true);
    }

    /** Stops units; they stay on their machines. */
    public WriteOutcome stop(Collection<String> names) {
        return target(names, TargetState.TARGET_STATE_LOADED, false);
    }

    /** Stops units and takes them off their machines; they stay in the registry. */
    public WriteOutcome unload(Collection<String> names) {
        return target(names, TargetState.TARGET_STATE_INACTIVE, false);
    }

    private WriteOutcome target(Collection<String> names, TargetState target, boolean again) {
        List<TargetStateChange> changes = names.stream()
                .map(name -> TargetStateChange.newBuilder()
                        .setName(name)
                        .setTargetState(target)
                        .setStartAgain(again)
                        .build())
                .toList();
        return client.setTargetStates(changes).orThrow();
    }

    /** Stops units and removes them from the registry. One that is not there is refused, also when this call itself has removed it. */
    public WriteOutcome destroy(Collection<String> names) {
        return client.destroyUnits(List.copyOf(names)).orThrow();
    }

    /**
     * Waits until units are where an order has taken them, over however many leaders it takes. Only what machines say of the newest order
     * counts, so that a unit that ran before is not taken for one that was started.
     *
     * @param names of units that are not global, at least one; none of a template
     * @param goal what to wait for; {@link WaitGoal#UP} also takes a unit that has finished without a failure
     * @param limit for all of it
     * @return the states in which they got there, by name; none for a goal that leaves none
     * @throws UnitFailedException as soon as one of them can't get there: it failed, it is not there, or was ordered elsewhere
     * @throws TimeoutException when they did not get there in time; it names them, and says why the first of them are on no machine
     * @throws FleetClientException when no engine can be asked for longer than the client's patience
     */
    public Map<String, UnitState> await(Collection<String> names, WaitGoal goal, Duration limit)
            throws InterruptedException, TimeoutException {
        return new UnitAwait(client, names, goal, limit).run();
    }

    /** {@link #await} with {@link WaitGoal#UP}. */
    public Map<String, UnitState> awaitActive(Collection<String> names, Duration limit)
            throws InterruptedException, TimeoutException {
        return await(names, WaitGoal.UP, limit);
    }
}
