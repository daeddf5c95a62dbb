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
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Waits until a machine is drained: its end is in the registry, so that the next leader brings it about, too. Tells how many units are
 * left; when nothing moves any more, why. Then waits until what has left is up where it is now, or can't be: the cluster does not wait
 * for that once a deadline is over. To be used by one thread.
 */
final class DrainWaiter {
    private static final long TICK = TimeUnit.MILLISECONDS.toNanos(250);
    private static final long LOOK = TimeUnit.SECONDS.toNanos(1);
    /** Nothing has left for so long: it is asked why. */
    private static final long QUIET = TimeUnit.SECONDS.toNanos(2);
    /** Reasons cost the leader a look at each machine: as many are asked for at a time. */
    private static final int REASONS = 100;
    /** What has left is given so long to be up, once the machine is drained: as long as the cluster gives each unit. */
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    /** ActiveState of a unit that systemd has not done with. */
    private static final Set<String> ON_ITS_WAY = Set.of("activating", "deactivating");
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
    /** As it was when it was drained; null before. */
    private @Nullable Machine drained;

    private long drainedAt;
    /** Exit code for what runs there that is none of the cluster's; null when that was not asked yet. */
    private @Nullable Integer strays;

    private int late;
    private final LongSupplier nanoClock;
    private final ProgressLine progress;
    private final Patience patience;

    private DrainWaiter(Session session, Machine machine, Map<String, String> before, LongSupplier nanoClock) {
        this.session = session;
        this.id = machine.getId();
        this.machine = machine;
        this.before = before;
        this.nanoClock = nanoClock;
        this.progress = new ProgressLine(session.terminal());
        this.patience = new Patience(session);
    }

    /** To be made before the order is given: it notes what is to arrive elsewhere. */
    static DrainWaiter before(Session session, Machine machine) {
        return before(session, machine, System::nanoTime);
    }

    static DrainWaiter before(Session session, Machine machine, LongSupplier nanoClock) {
        var states = new TreeMap<String, String>();
        for (UnitState state : statesOn(session, machine.getId())) {
            states.put(state.getName(), state.getActiveState());
        }
        return new DrainWaiter(session, machine, states, nanoClock);
    }

    /** Waits; returns the exit code. */
    int await() {
        changedAt = nanoClock.getAsLong();
        try {
            while (true) {
                Integer exit = bearing();
                if (exit != null) {
                    return exit;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            session.err(
                    drained == null
                            ? "Interrupted; the drain goes on"
                            : "Interrupted; the drain is over, and what has left goes on to come up");
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
        if (drained != null) {
            return settle(drained); // Whatever becomes of the machine now.
        }
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
                session.terminal().out().flush();
                drained = now;
                drainedAt = nanoClock.getAsLong();
                looked = false;
                yield settle(now);
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
        long time = nanoClock.getAsLong();
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
        var down = gone.isEmpty() ? Map.<String, String>of() : troubles(gone, states(gone));
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

    /** The exit code of a drain that is over, once what has left is up, can't be, or has had its time. */
    private @Nullable Integer settle(Machine now) {
        Integer stray = strays;
        if (stray == null) {
            stray = orphans(now);
            strays = stray;
        }
        long time = nanoClock.getAsLong();
        if (looked && time - lookedAt < LOOK) {
            progress.show(late(now));
            return null;
        }
        lookedAt = time;
        Integer arrived = arrivals(now, time - drainedAt >= PATIENCE.toNanos());
        looked = true;
        return arrived == null ? null : Integer.valueOf(stray | arrived);
    }

    /**
     * Whether all that has left is up where it is now, as an exit code; what was not up before need not be. Null as long as some is on its
     * way.
     *
     * @param timeIsOver whether that is waited for no longer
     */
    private @Nullable Integer arrivals(Machine now, boolean timeIsOver) {
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
        Map<String, UnitState> states = states(wanted);
        problems.putAll(troubles(wanted, states));
        var onTheirWay = new TreeMap<String, String>();
        wanted.forEach((name, unit) -> {
            UnitState state = states.get(name);
            if (!problems.containsKey(name) && !isUp(unit, state)) {
                onTheirWay.put(name, notUp(unit, state));
            }
        });
        if (!onTheirWay.isEmpty() && !timeIsOver) {
            tellLate(now, onTheirWay.size());
            return null;
        }
        problems.putAll(onTheirWay);
        clear();
        session.someErr(
                problems.entrySet().stream()
                        .map(entry -> "Error: unit " + entry.getKey() + " has left and " + entry.getValue())
                        .toList(),
                false);
        return problems.isEmpty() ? 0 : 1;
    }

    /** What is wrong with units where they are now, by name; without those with which nothing is, or that are on their way. */
    private static Map<String, String> troubles(Map<String, Unit> wanted, Map<String, UnitState> states) {
        var problems = new TreeMap<String, String>();
        states.forEach((name, state) -> {
            // What is said while an order is being carried out may be of before; why it can't be is not.
            boolean failed = state.getActiveState().equals("failed") && !state.getPending();
            Unit unit = wanted.get(name);
            if (unit != null && (failed || !state.getError().isEmpty())) {
                problems.put(
                        name,
                        "is " + state.getActiveState() + " on " + Words.machineId(unit.getMachineId(), false)
                                + (state.getError().isEmpty() ? "" : ": " + state.getError()));
            }
        });
        return problems;
    }

    /** What their machines say of units, by name; nothing of those of which theirs says nothing. */
    private Map<String, UnitState> states(Map<String, Unit> wanted) {
        if (wanted.isEmpty()) {
            return Map.of(); // Without names a list has all.
        }
        var states = new HashMap<String, UnitState>();
        var request = ListUnitStatesRequest.newBuilder()
                .addAllNames(UnitNames.asFilter(wanted.keySet()))
                .build();
        for (UnitState state : session.client().listUnitStates(request).rows()) {
            Unit unit = wanted.get(state.getName());
            if (unit != null && state.getMachineId().equals(unit.getMachineId())) {
                states.put(state.getName(), state);
            }
        }
        return states;
    }

    /**
     * Whether a launched unit has arrived as the cluster sees it: it was started there, by its present file and order, and is up or has
     * ended.
     */
    private static boolean isUp(Unit unit, @Nullable UnitState state) {
        if (state == null || state.getPending() || !state.getHash().equals(unit.getHash())) {
            return false;
        }
        boolean answers = state.getStartGeneration() == 0 || state.getStartGeneration() == unit.getStartGeneration();
        return state.getLaunched() && answers && !ON_ITS_WAY.contains(state.getActiveState());
    }

    private static String notUp(Unit unit, @Nullable UnitState state) {
        String what;
        if (state == null) {
            what = "that machine has not said anything of it";
        } else if (ON_ITS_WAY.contains(state.getActiveState())) {
            what = "it is " + state.getActiveState() + " (" + state.getSubState() + ")";
        } else {
            what = "that machine has not started it";
        }
        return "is not up on " + Words.machineId(unit.getMachineId(), false) + " " + PATIENCE.toMinutes()
                + " minutes after the end of the drain: " + what + "; see: fleetctl why " + unit.getName();
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

    private String late(Machine now) {
        return late + (late == 1 ? " unit that has left machine " : " units that have left machine ")
                + MachineOrders.legend(now) + (late == 1 ? " is" : " are") + " not up yet";
    }

    /** A line each time where no person watches. */
    private void tellLate(Machine now, int units) {
        boolean changed = units != late;
        late = units;
        if (session.terminal().interactive()) {
            progress.show(late(now));
        } else if (changed) {
            session.out(late(now));
            session.terminal().out().flush();
        }
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
