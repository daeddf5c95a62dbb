package io.raftfleet.chaos.traffic;

import io.grpc.StatusRuntimeException;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Change;
import io.raftfleet.chaos.history.Recorder;
import io.raftfleet.client.ClientOptions;
import io.raftfleet.client.CompactedException;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.WatchEvent;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.model.MachinePresence;
import io.raftfleet.proto.model.Revision;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;

/** Watches all units at one engine, from a list on; begins anew with a list when its revision is kept no longer. */
final class Watcher {
    private static final int WHOLE = 10_000;
    private static final Duration TURN = Duration.ofMillis(500);

    private final Recorder recorder;
    private final EngineNode engine;
    private final String name;
    private final Set<Heard> presence;

    /** A session of a machine, and its end by a loss. */
    record Heard(String machine, long epoch, boolean present) {}

    /** @param presence losses and returns that are noted: shared, as one watcher may miss some */
    Watcher(Recorder recorder, EngineNode engine, Set<Heard> presence) {
        this.recorder = recorder;
        this.engine = engine;
        this.name = "watch-" + engine.id();
        this.presence = presence;
    }

    /** Watches until told to end. */
    void run(BooleanSupplier ended) throws InterruptedException {
        try (var client = new FleetClient(ClientOptions.of(List.of(engine.endpoint())))) {
            while (!ended.getAsBoolean()) {
                try {
                    follow(client, base(), ended);
                } catch (StatusRuntimeException | FleetClientException | CompactedException e) {
                    // From a list again; what came in between this watcher has not seen, and says so by that.
                    Pace.pause(200);
                }
            }
        }
    }

    private Revision base() {
        var all = Lists.page(engine.channel(), false, WHOLE, "");
        if (!all.getNextToken().isEmpty()) {
            throw new IllegalStateException("more than " + WHOLE + " units: a campaign does not make so many");
        }
        recorder.add(new Event.WatchBased(
                recorder.now(),
                name,
                engine.id(),
                Answer.position(all.getRevision()),
                all.getUnitsList().stream().map(Contents::row).toList()));
        return all.getRevision();
    }

    private void follow(FleetClient client, Revision from, BooleanSupplier ended)
            throws CompactedException, InterruptedException {
        var request = WatchRequest.newBuilder()
                .setAfter(from)
                .setUnits(true)
                .setMachines(true)
                .build();
        var told = from;
        try (var watch = client.watch(request)) {
            while (!ended.getAsBoolean()) {
                var frame = watch.next(TURN);
                if (frame != null) {
                    note(frame);
                } else if (!watch.revision().equals(told)) {
                    recorder.add(
                            new Event.WatchFrame(recorder.now(), name, Answer.position(watch.revision()), List.of()));
                }
                told = watch.revision();
            }
        }
    }

    private void note(WatchResponse frame) {
        var changes = new ArrayList<Change>();
        for (var event : frame.getEventsList()) {
            switch (event.getChangeCase()) {
                case UNIT ->
                    changes.add(new Change(
                            Answer.position(event.getRevision()),
                            event.getUnit().getName(),
                            Contents.row(event.getUnit())));
                case UNIT_DESTROYED ->
                    changes.add(new Change(Answer.position(event.getRevision()), event.getUnitDestroyed(), null));
                case MACHINE -> presence(event);
                default -> throw new IllegalStateException("an event that was not asked for: " + event);
            }
        }
        recorder.add(new Event.WatchFrame(recorder.now(), name, Answer.position(frame.getRevision()), changes));
    }

    private void presence(WatchEvent event) {
        var machine = event.getMachine();
        boolean present = machine.getPresence() == MachinePresence.MACHINE_PRESENCE_PRESENT;
        // Others of its changes are told of as well; a machine that was lost comes back with another session.
        if (presence.add(new Heard(machine.getId(), machine.getSessionEpoch(), present))) {
            recorder.add(new Event.Presence(recorder.now(), machine.getId(), present));
        }
    }
}
