package io.raftfleet.engine.sim;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.UnitState;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;

/** Follows what the cluster says of units and their states, on any engine, and goes on where it was. Owned by the simulation's thread. */
final class SimWatcher implements StreamObserver<WatchResponse> {
    private static final Duration PAUSE = Duration.ofMillis(150);

    private final Simulation simulation;
    private final SimProcess process;
    private final SplittableRandom random;
    private final Consumer<String> violations;
    private final Set<String> units = new TreeSet<>();
    private final Map<String, UnitState> states = new TreeMap<>();
    private Revision seen;

    SimWatcher(Simulation simulation, SplittableRandom random, Revision after, Consumer<String> violations) {
        this.simulation = simulation;
        this.process = simulation.process();
        this.random = random;
        this.seen = after;
        this.violations = violations;
    }

    void open() {
        var addresses = simulation.addresses();
        var channel = simulation.network().channel("watcher", process, addresses.get(random.nextInt(addresses.size())));
        var request = WatchRequest.newBuilder().setAfter(seen).setUnits(true).setUnitStates(true);
        FleetGrpc.newStub(channel).watch(request.build(), this);
    }

    /** It follows no longer. */
    void stop() {
        process.kill();
    }

    /** What was there before it began. */
    void know(Set<String> before) {
        units.addAll(before);
    }

    Map<String, UnitState> states() {
        return states;
    }

    Set<String> units() {
        return units;
    }

    @Override
    public void onNext(WatchResponse response) {
        for (var event : response.getEventsList()) {
            switch (event.getChangeCase()) {
                case UNIT -> units.add(event.getUnit().getName());
                case UNIT_DESTROYED -> units.remove(event.getUnitDestroyed());
                case UNIT_STATE -> states.put(key(event.getUnitState()), event.getUnitState());
                case UNIT_STATE_GONE -> states.remove(key(event.getUnitStateGone()));
                case MACHINE, MACHINE_FORGOTTEN, EVENT, CHANGE_NOT_SET ->
                    violations.accept("an event that was not asked for: " + event);
            }
        }
        seen = response.getRevision();
    }

    private static String key(UnitState state) {
        return state.getName() + " on " + state.getMachineId();
    }

    @Override
    public void onError(Throwable cause) {
        if (Status.fromThrowable(cause).getCode() == Status.Code.OUT_OF_RANGE) {
            violations.accept("a watch could not be resumed after " + seen + ": " + cause.getMessage());
        }
        process.after(PAUSE, this::open);
    }

    @Override
    public void onCompleted() {
        process.after(PAUSE, this::open);
    }
}
