package io.raftfleet.fleetctl;

import io.raftfleet.client.CompactedException;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.client.Watch;
import io.raftfleet.proto.cluster.Orphan;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.WatchEvent;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.MachinePresence;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Waits until a machine is drained: its end is in the registry, so that the next leader brings it about, too. Tells how many units are
 * left; when nothing moves any more, why. To be used by one thread.
 */
final class DrainWaiter {
    private static final long TICK = TimeUnit.MILLISECONDS.toNanos(250);
    private static final long LOOK = TimeUnit.SECONDS.toNanos(1);
    /** Nothing has left for so long: it is asked why. */
    private static final long QUIET = TimeUnit.SECONDS.toNanos(2);
    /** Reasons cost the leader a look at each machine: as many are asked for at a time. */
    private static final int REASONS = 100;
    /** ActiveState of units that do not run. */
    private static final Set<String> ENDED = Set.of("inactive", "failed");

    private final Session session;
    private final String id;
    private final Map<String, String> before;
    private @Nullable Machine machine;
    private Set<String> left = Set.of();
    private boolean looked;
    private long lookedAt;
    private long changedAt;
    private final ProgressLine progress;
    private final Patience patience;

    private DrainWaiter(Session session, Machine machine, Map<String, String> before) {
        this.session = session;
        this.id = machine.getId();
        this.machine = machine;
        this.before = before;
        this.progress = new ProgressLine(session.terminal());
        this.patience = new Patience(session);
    }

    /** To be made before the order is given: it notes what is to arrive elsewhere. */
    static DrainWaiter before(Session session, Machine machine) {
        var states = new TreeMap<String, String>();
        for (UnitState state : statesOn(session, machine.getId())) {
            states.put(state.getName(), state.getActiveState());
        }
        return new DrainWaiter(session, machine, states);
    }

    /** Waits; returns the exit code. */
    int await() {
        changedAt = System.nanoTime();
        try {
            while (true) {
                Integer exit = bearing();
                if (exit != null) {
                    return exit;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            session.err("Interrupted; the drain goes on");
            return 1;
        } finally {
            clear();
        }
    }

    /** Follows; that engines do not answer for a while is borne. */
    private @Nullable Integer bearing() throws InterruptedException {
        try {
            return follow();
        } catch (FleetClientException failure) {
            clear();
            patience.bear(failure);
            return null;
        }
    }

    /** Lists and watches; null when the watch has to be begun again. */
    private @Nullable Integer follow() throws InterruptedException {
        var machines = session.client()
                .listMachines(
                        ListMachinesRequest.newBuilder().setIncludeLost(true).build());
        patience.answered();
        machine = machines.rows().stream()
                .filter(row -> row.getId().equals(id))
                .findFirst()
                .orElse(null);
        Revision from = machines.revision();
        var request = WatchRequest.newBuilder().setAfter(from).setMachines(true).build();
        try (Watch watch = session.client().watch(request)) {
            while (true) {
                Integer exit = judge();
                if (exit != null) {
                    return exit;
                }
                WatchResponse frame = watch.next(Duration.ofNanos(TICK));
                if (frame != null) {
                    frame.getEventsList().forEach(this::apply);
                }
            }
        } catch (CompactedException e) {
            return null; // Fell behind the kept window: the list says what was missed.
        }
    }

    private void apply(WatchEvent event) {
        if (event.hasMachine() && event.getMachine().getId().equals(id)) {
            machine = event.getMachine();
        } else if (event.getMachineForgotten().equals(id)) {
            machine = null;
        }
    }

    /** The exit code, once it is known. */
    private @Nullable Integer judge() {
        Machine now = machine;
        if (now == null) {
            return failed("machine " + id + " was forgotten meanwhile");
        }
        if (now.getPresence() == MachinePresence.MACHINE_PRESENCE_LOST) {
            return failed("machine " + MachineOrders.legend(now) + " is lost" + Words.since(now.getLostMs())
                    + ": its units are placed elsewhere without it; the order stands for when it comes back");
        }
        return switch (now.getMark().getKind()) {
            case MACHINE_MARK_KIND_DRAINED -> {
                clear();
                session.out("Machine " + MachineOrders.legend(now) + " drained");
                yield orphans(now) | arrivals();
            }
            case MACHINE_MARK_KIND_DRAINING, MACHINE_MARK_KIND_ENDING -> look(now);
            default ->
                failed("the drain of machine " + MachineOrders.legend(now) + " was stopped by another order: it is "
                        + Words.placeOf(now) + " now");
        };
    }

    private int failed(String why) {
        clear();
        session.err("Error draining: " + why);
        return 1;
    }

    /** How many units are left; why, if none has left for a while. */
    private @Nullable Integer look(Machine now) {
        long time = System.nanoTime();
        if (looked && time - lookedAt < LOOK) {
            progress.show(left(now));
            return null;
        }
        lookedAt = time;
        var names = new TreeSet<String>();
        statesOn(session, id).forEach(state -> names.add(state.getName()));
        if (!looked || !names.equals(left)) {
            left = names;
            changedAt = time;
            show(now);
        } else if (time - changedAt >= QUIET && !moves(now)) {
            changedAt = time;
            return stuck(now, List.copyOf(names));
        }
        looked = true;
        return null;
    }

    /** Whether what stays is made to leave at a deadline; once that is over, it is being stopped. */
    private static boolean moves(Machine now) {
        return now.getMark().getDeadlineMs() > 0;
    }

    /** An exit code if nothing that is left can leave. */
    private @Nullable Integer stuck(Machine now, List<String> names) {
        var reasons = new ArrayList<String>();
        var gone = new HashMap<String, Unit>();
        for (int from = 0; from < names.size(); from += REASONS) {
            var some = names.subList(from, Math.min(names.size(), from + REASONS));
            var request = ListUnitsRequest.newBuilder()
                    .addAllNames(UnitNames.asFilter(some))
                    .setWithVetoes(true)
                    .build();
            for (Unit unit : session.client().listUnits(request).rows()) {
                if (!unit.getGlobal() && some.contains(unit.getName())) {
                    if (VetoNotes.isUnplaced(unit)) {
                        reasons.add("unit " + unit.getName() + " waits for a machine: " + Words.vetoes(unit));
                    } else if (!unit.getMachineId().equals(id)) {
                        gone.put(unit.getName(), unit);
                    } else if (unit.getVetoesCount() == 0) {
                        return null; // It is its turn later.
                    } else {
                        reasons.add("unit " + unit.getName() + " fits no other machine: " + Words.vetoes(unit));
                    }
                }
            }
        }
        boolean misfits = !reasons.isEmpty();
        // What asks to be started first runs on here until it is up there.
        var down = gone.isEmpty() ? Map.<String, String>of() : troubles(gone, false);
        if (down.size() < gone.size() || (!misfits && down.isEmpty())) {
            return null; // On its way.
        }
        down.forEach((name, trouble) -> reasons.add("unit " + name + " " + trouble + "; it runs on here"));
        clear();
        session.someErr(reasons, false);
        boolean one = reasons.size() == 1;
        return failed(reasons.size() + (one ? " unit stays" : " units stay") + " on machine "
                + MachineOrders.legend(now) + " until "
                + (misfits ? "a machine suits " + (one ? "it" : "them") + (down.isEmpty() ? "" : " or ") : "")
                + (down.isEmpty() ? "" : one ? "it is up on its new one" : "they are up on their new ones")
                + ": the drain goes on by itself then" + (misfits ? "; --deadline stops such units" : ""));
    }

    /** What runs there yet, and is none of the cluster's: a drain moves and stops no such unit, and whoever is to use the machine must know. */
    private int orphans(Machine now) {
        var running = new TreeSet<String>();
        for (Orphan orphan : session.client().listOrphans().getOrphansList()) {
            if (orphan.getMachineId().equals(id) && !ENDED.contains(orphan.getActiveState())) {
                running.add(orphan.getName());
            }
        }
        if (running.isEmpty()) {
            return 0;
        }
        session.someErr(
                running.stream()
                        .map(name -> "Error: unit " + name + " runs there, and the cluster does not know it")
                        .toList(),
                false);
        return failed((running.size() == 1
                        ? "1 unit that the cluster does not know is"
                        : running.size() + " units that the cluster does not know are")
                + " left alone on machine " + MachineOrders.legend(now)
                + ": fleetctl cluster adopt UNIT has the drain move it, fleetctl cluster drop UNIT stops it");
    }

    /** Whether all that has left is up where it is now; what was not up before need not be. */
    private int arrivals() {
        var moved = before.entrySet().stream()
                .filter(entry -> !entry.getValue().equals("failed"))
                .map(Map.Entry::getKey)
                .toList();
        if (moved.isEmpty()) {
            return 0;
        }
        var wanted = new HashMap<String, Unit>();
        var units = ListUnitsRequest.newBuilder().addAllNames(UnitNames.asFilter(moved));
        for (Unit unit :
                session.client().listUnits(units.setWithVetoes(true).build()).rows()) {
            if (before.containsKey(unit.getName())
                    && !unit.getGlobal()
                    && Words.target(unit) == TargetState.TARGET_STATE_LAUNCHED) {
                wanted.put(unit.getName(), unit);
            }
        }
        var problems = new TreeMap<String, String>();
        wanted.values().stream()
                .filter(VetoNotes::isUnplaced)
                .forEach(unit -> problems.put(unit.getName(), "waits for a machine: " + Words.vetoes(unit)));
        problems.putAll(troubles(wanted, true));
        session.someErr(
                problems.entrySet().stream()
                        .map(entry -> "Error: unit " + entry.getKey() + " has left and " + entry.getValue())
                        .toList(),
                false);
        return problems.isEmpty() ? 0 : 1;
    }

    /**
     * What is wrong with units where they are now, by name; without those with which nothing is.
     *
     * @param over whether the drain waits for nothing any more: then it is wrong, too, not to be up yet
     */
    private Map<String, String> troubles(Map<String, Unit> wanted, boolean over) {
        var problems = new TreeMap<String, String>();
        var states = ListUnitStatesRequest.newBuilder()
                .addAllNames(UnitNames.asFilter(wanted.keySet()))
                .build();
        for (UnitState state : session.client().listUnitStates(states).rows()) {
            Unit unit = wanted.get(state.getName());
            if (unit != null
                    && state.getMachineId().equals(unit.getMachineId())
                    && (state.getActiveState().equals("failed")
                            || (over && state.getActiveState().equals("activating"))
                            || !state.getError().isEmpty())) {
                problems.put(
                        state.getName(),
                        "is " + state.getActiveState() + " on " + Words.machineId(unit.getMachineId(), false)
                                + (state.getError().isEmpty() ? "" : ": " + state.getError()));
            }
        }
        return problems;
    }

    private static List<UnitState> statesOn(Session session, String machineId) {
        return session.client()
                .listUnitStates(ListUnitStatesRequest.newBuilder()
                        .setMachineId(machineId)
                        .build())
                .rows();
    }

    private String left(Machine now) {
        return left.size() + (left.size() == 1 ? " unit is" : " units are") + " left on machine "
                + MachineOrders.legend(now);
    }

    /** A line each time where no person watches. */
    private void show(Machine now) {
        if (!looked && session.terminal().interactive()) {
            progress.clear();
            session.err("The drain goes on when this command ends; to stop it: fleetctl cordon "
                    + Words.machineId(id, false));
        }
        if (session.terminal().interactive()) {
            progress.show(left(now));
        } else {
            session.out(left(now));
            session.terminal().out().flush();
        }
    }

    private void clear() {
        progress.clear();
    }
}
