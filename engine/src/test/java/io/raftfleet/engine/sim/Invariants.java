package io.raftfleet.engine.sim;

import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.EngineFrame;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.log.UnitScheduled;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import io.raftfleet.unit.UnitHash;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;

/** What must hold at all times, and once nothing is at fault any more. Owned by the simulation's thread. */
final class Invariants implements Network.Tap {
    /** What an agent's session has sent and was told. */
    private static final class Told {
        long epoch;
        long term;
        final Set<Long> sent = new HashSet<>();
        final Map<Long, Long> heartbeats = new HashMap<>();
    }

    private final Registry truth;
    private final Map<String, SimMachine> machines;
    private final List<String> violations = new ArrayList<>();
    private final Map<String, Long> opened = new HashMap<>();
    private final Map<String, Long> welcomed = new HashMap<>();
    private final Set<String> committedReports = new HashSet<>();
    private final Map<Object, Told> sessions = new HashMap<>();
    /** Index of the last entry after which a unit was to be on a machine. */
    private final Map<String, Long> assigned = new HashMap<>();

    /** The highest term in which a machine has spoken as in session. */
    private final Map<String, Long> terms = new HashMap<>();

    private int moved;
    private boolean restored;

    private final LongSupplier nanos;
    private final ToLongFunction<String> ledUntil;
    private int lost;

    /** @param ledUntil when the engine at an address has led last */
    Invariants(Registry truth, Map<String, SimMachine> machines, LongSupplier nanos, ToLongFunction<String> ledUntil) {
        this.truth = truth;
        this.machines = machines;
        this.nanos = nanos;
        this.ledUntil = ledUntil;
    }

    /** The highest term that a machine has seen; 0 for none. */
    long term(String machine) {
        return terms.getOrDefault(machine, 0L);
    }

    List<String> violations() {
        return violations;
    }

    void violated(String what) {
        violations.add(what);
    }

    /** How many machines were lost, those that came back counted again. */
    int lost() {
        return lost;
    }

    // --- At all times ----------------------------------------------------------------------------------------------

    /** An entry is committed. */
    void committed(Entry entry, ApplyResult result) {
        for (int i = 0; i < entry.getRecordsCount(); i++) {
            var record = entry.getRecords(i);
            boolean held = result.dropped().get(i) == null;
            switch (record.getRecordCase()) {
                case SESSION_OPENED -> {
                    var session = record.getSessionOpened();
                    if (held) {
                        rises(opened, "opened", session.getMachineId(), session.getSessionEpoch());
                    }
                }
                case MACHINE_LOST -> {
                    if (held) {
                        lost(record.getMachineLost().getMachineId());
                    }
                }
                case STATES_REPORTED -> {
                    var report = record.getStatesReported();
                    inSession(report);
                    committedReports.add(
                            report.getMachineId() + " " + report.getSessionEpoch() + " " + report.getSequence());
                }
                case UNIT_SCHEDULED -> {
                    if (held) {
                        scheduled(record.getUnitScheduled());
                    }
                }
                default -> {}
            }
        }
        noteAssignments();
    }

    /** Nothing comes to a machine that takes no units; but what a restored registry finds there may stay. */
    private void scheduled(UnitScheduled placed) {
        var machine = truth.read(view -> view.machine(placed.getMachineId()));
        if (!restored && machine != null && machine.mark().cordoned()) {
            violated(placed.getName() + " was placed on " + placed.getMachineId() + ", which is "
                    + machine.mark().kind());
        }
    }

    /** What a session said stands in the log before the next one begins, or not at all: so sessions of the same epoch are told apart. */
    private void inSession(StatesReported report) {
        var latest = opened.getOrDefault(report.getMachineId(), 0L);
        if (report.getSessionEpoch() != latest) {
            violated("report " + report.getSequence() + " of session " + report.getSessionEpoch() + " of machine "
                    + report.getMachineId() + " was committed, which is in session " + latest);
        }
    }

    /** The registry begins anew, with what a backup holds. */
    void restored() {
        restored = true;
        opened.clear();
        welcomed.clear();
        committedReports.clear();
        sessions.clear();
        assigned.clear();
        noteAssignments();
        truth.read(view -> {
            view.units()
                    .values()
                    .forEach(unit -> machines.forEach((id, machine) -> {
                        if (!unit.global() && machine.runs(unit.name()) && !id.equals(unit.machineId())) {
                            moved++;
                        }
                    }));
            return moved;
        });
    }

    /** How many units ran elsewhere than the backup had them. */
    int moved() {
        return moved;
    }

    private void noteAssignments() {
        truth.read(view -> {
            for (var unit : view.units().values()) {
                for (var machine : view.machines().values()) {
                    if (view.assigned(unit, machine)) {
                        assigned.put(unit.name() + " on " + machine.id(), view.appliedIndex());
                    }
                }
            }
            return assigned;
        });
    }

    /**
     * A unit is started by an agent that began when the registry had this index. What it remembers of earlier times it carries out
     * only if an engine stands by it.
     */
    void started(String unit, String machine, long agentSince) {
        if (assigned.getOrDefault(unit + " on " + machine, 0L) < agentSince) {
            violated(unit + " is started on " + machine + ", where it was not to be since the agent began");
        }
        boolean global = truth.read(view -> {
            var known = view.unit(unit);
            return known != null && known.global();
        });
        boolean fenced = truth.read(view -> {
            var known = view.unit(unit);
            return known != null && known.wants().fence();
        });
        if (fenced || (restored && !global)) {
            machines.forEach((id, other) -> {
                if (!id.equals(machine) && other.runs(unit)) {
                    violated(unit + " is started on " + machine + " while it runs on " + id);
                }
            });
        }
    }

    private void lost(String id) {
        lost++;
        var machine = machines.get(id);
        if (machine != null && machine.leaseHeld()) {
            violated("machine " + id + " is lost, though its lease is held: it was heard within its TTL");
        }
    }

    private void rises(Map<String, Long> epochs, String what, String machine, long epoch) {
        var before = epochs.put(machine, epoch);
        if (before != null && before >= epoch) {
            violated("session " + epoch + " of machine " + machine + " was " + what + " after session " + before);
        }
    }

    @Override
    public void fromAgent(Object call, String machine, String engine, AgentFrame frame) {
        var session = sessions.computeIfAbsent(call, none -> new Told());
        switch (frame.getFrameCase()) {
            case STATES -> session.sent.add(frame.getStates().getSequence());
            case HEARTBEAT -> session.heartbeats.put(frame.getHeartbeat().getSequence(), nanos.getAsLong());
            case HELLO, DIGESTS, INVENTORY, FRAME_NOT_SET -> {}
        }
        if (!frame.hasHello()) {
            if (session.term < term(machine)) {
                violated("machine " + machine + " is in session with " + engine + " in term " + session.term
                        + ", though it has seen term " + term(machine));
            }
            terms.merge(machine, session.term, Math::max);
        }
    }

    @Override
    public void toAgent(Object call, String machine, String engine, EngineFrame frame) {
        var session = sessions.computeIfAbsent(call, none -> new Told());
        if (frame.hasWelcome()) {
            session.epoch = frame.getWelcome().getSessionEpoch();
            session.term = frame.getWelcome().getTerm();
            if (session.term >= term(machine)) {
                rises(welcomed, "welcomed", machine, session.epoch);
            }
        } else if (frame.hasHeartbeatAck()) {
            long sequence = frame.getHeartbeatAck().getSequence();
            var sent = session.heartbeats.get(sequence);
            if (sent == null || ledUntil.applyAsLong(engine) < sent) {
                violated("heartbeat " + sequence + " of machine " + machine + " is acknowledged by " + engine
                        + ", which had been followed by another leader before it was sent");
            }
        } else if (frame.hasStateAck()) {
            for (long sequence : session.sent) {
                if (sequence <= frame.getStateAck().getSequence()
                        && !committedReports.contains(machine + " " + session.epoch + " " + sequence)) {
                    violated("report " + sequence + " of session " + session.epoch + " of machine " + machine
                            + " is acknowledged and not committed");
                }
            }
        }
    }

    // --- Once nothing is at fault ----------------------------------------------------------------------------------

    /** What is not yet as it must be in the end. */
    List<String> unsettled(Simulation simulation) {
        var open = new ArrayList<String>();
        var client = simulation.client();
        client.underWay().forEach(name -> open.add("a write of " + name + " is not answered"));
        for (var node : simulation.log().nodes()) {
            var engine = node.engine();
            if (engine == null || !engine.registry().digest().equals(truth.digest())) {
                open.add(node.peer().id() + " has another registry");
            }
        }
        for (var machine : machines.values()) {
            if (machine.agent() == null || !machine.leaseHeld()) {
                open.add("machine " + machine.id() + " has no session");
            }
            if (machine.unsettled() > 0) {
                open.add("machine " + machine.id() + " has " + machine.unsettled() + " units under way");
            }
        }
        truth.read(view -> {
            if (!view.units().keySet().equals(client.wanted().keySet())) {
                open.add("units are " + view.units().keySet() + ", acknowledged are "
                        + client.wanted().keySet());
            }
            machines.keySet().stream().filter(id -> !view.present(id)).forEach(id -> open.add(id + " is not present"));
            for (var unit : view.units().values()) {
                if (unit.target() != client.wanted().get(unit.name())) {
                    open.add(unit.name() + " is to be " + unit.target() + ", acknowledged was "
                            + client.wanted().get(unit.name()));
                }
                where(view, unit.name(), open);
            }
            states(view, simulation, open);
            drained(view, simulation.drained(), open);
            return open;
        });
        return open;
    }

    /** Nothing is left on the machine that was drained in the end, but units that no two may have on one machine. */
    private static void drained(RegistryView view, String id, Collection<String> open) {
        var machine = view.machine(id);
        if (machine == null) {
            return;
        }
        boolean stuck = view.scheduledTo(id).stream().anyMatch(name -> name.startsWith("alone"));
        boolean done = machine.mark().kind() == MachineMarkKind.MACHINE_MARK_KIND_DRAINED;
        if (!done && !stuck) {
            open.add("machine " + id + " is not drained: it is " + machine.mark() + " with " + view.scheduledTo(id));
        }
        view.scheduledTo(id).stream()
                .filter(name -> !name.startsWith("alone"))
                .forEach(name -> open.add(name + " is on the drained machine " + id));
    }

    /** A unit is on the machines that it was given to, and nowhere else; it runs there if it is to, or has ended. */
    private void where(RegistryView view, String name, Collection<String> open) {
        var unit = view.unit(name);
        if (unit == null) {
            return;
        }
        var has = new TreeSet<String>();
        machines.values().stream()
                .filter(machine -> machine.states().containsKey(name))
                .forEach(machine -> has.add(machine.id()));
        var due = new TreeSet<String>();
        view.machines().values().stream()
                .filter(machine -> view.assigned(unit, machine))
                .forEach(machine -> due.add(machine.id()));
        if (!has.equals(due)) {
            open.add(name + " is on " + has + ", due on " + due);
        }
        if (due.isEmpty() && unit.wanted() && !name.startsWith("alone")) {
            open.add(name + " has no machine");
        }
        for (var id : has) {
            var machine = machines.get(id);
            var state = machine == null ? null : machine.states().get(name);
            var told = view.state(name, id);
            if (state == null || told == null) {
                continue;
            }
            boolean up = state.activeState().equals("active");
            var text = String.valueOf(view.contents(unit.hash()));
            boolean ends = text.contains("ExitAfterSec");
            boolean unsure = told.getError().contains("the agent ended while it was starting");
            if (unit.target() == TargetState.TARGET_STATE_LAUNCHED && !ends && !up && !unsure) {
                open.add(name + " is to run on " + id + " and is " + state);
            }
            if (unit.target() == TargetState.TARGET_STATE_LAUNCHED && !unsure && !told.getLaunched()) {
                open.add(name + " was not launched on " + id + ": " + told.getError());
            }
            if (unit.target() == TargetState.TARGET_STATE_LOADED && up) {
                open.add(name + " runs on " + id + ", where it is to be loaded");
            }
        }
    }

    /** The registry's states are what the managers say, and what those know who watch. */
    private void states(RegistryView view, Simulation simulation, Collection<String> open) {
        var registered = new TreeMap<String, String>();
        for (var record : view.statesAfter("", "")) {
            registered.put(record.name() + " on " + record.machineId(), text(record.state()));
        }
        var real = new TreeMap<String, String>();
        machines.forEach((id, machine) -> machine.states()
                .forEach((name, state) -> real.put(
                        name + " on " + id,
                        state.loadState() + " " + state.activeState() + " " + state.subState() + " " + state.mainPid()
                                + " " + state.hash().toHex())));
        if (!registered.equals(real)) {
            open.add("states are registered as " + difference(registered, real));
        }
        var watched = new TreeMap<String, String>();
        simulation.watcher().states().forEach((key, state) -> watched.put(key, text(state)));
        if (!watched.equals(registered)) {
            open.add("states are watched as " + difference(watched, registered));
        }
        if (!simulation.watcher().units().equals(view.units().keySet())) {
            open.add("units are watched as " + simulation.watcher().units());
        }
    }

    private static String text(UnitState state) {
        return state.getLoadState() + " " + state.getActiveState() + " " + state.getSubState() + " "
                + state.getMainPid() + " "
                + UnitHash.from(state.getHash()).toHex();
    }

    private static String difference(Map<String, String> one, Map<String, String> other) {
        var only = new TreeMap<>(one);
        only.entrySet().removeAll(other.entrySet());
        var missing = new TreeMap<>(other);
        missing.entrySet().removeAll(one.entrySet());
        return only + " instead of " + missing;
    }
}
