package io.raftfleet.engine.schedule;

import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Veto;
import io.raftfleet.unit.Requirements;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Decides which machine runs each unit: the least loaded that its requirements admit, as fleet does. Takes facts through
 * {@code put…} and {@code remove…} and turns them into decisions on {@link #decide}; looks at nothing but what a fact or
 * a decision can have changed. Facts in the same order give the same decisions.
 *
 * <p>A decision counts as a fact at once, so putting it again once it is committed changes nothing, as long as no later
 * decision on the unit is under way: what is put replaces what was decided. The owner, the thread that decides for the
 * leader, is the only one to call this; when a proposal fails, the owner makes a new scheduler and
 * feeds it the facts again. A machine that was lost, or that does not admit a unit any more, loses the unit: to another
 * machine if one will do, else the unit becomes pending. Running units are never moved for balance. A machine's load is
 * the number of units scheduled to it and of global ones that run there, as in fleet.
 */
public final class Scheduler {
    /** Bounds the time that {@link #decide} takes when few of the units that it looks at need a decision. */
    private static final int LOOKS_PER_DECISION = 16;

    private final Cluster cluster = new Cluster();
    private final PeerGroups groups = new PeerGroups(cluster);
    private final ReplaceGraph replaceGraph = new ReplaceGraph(cluster);
    private final Drains drains = new Drains(cluster, unit -> touch(unit, null));
    private final Explainer explainer = new Explainer(cluster, groups, replaceGraph);

    /** Dirty units, oldest first; units that were decided on out of turn are still in it, no longer dirty. */
    private final Deque<UnitEntry> queue = new ArrayDeque<>();

    /** Dirty units that {@link #settle} looked at and left to who decides; in no queue. */
    private final Set<UnitEntry> unsettled = new LinkedHashSet<>();

    /**
     * A machine is new, has other metadata, is lost or back.
     *
     * @param id systemd's machine id
     * @param metadata all of it; of no effect while the machine is not present
     * @param upkeep what operators have said of it as a place for units; of no effect while it is not present
     */
    public void putMachine(String id, Map<String, String> metadata, boolean present, Upkeep upkeep) {
        MachineEntry machine = cluster.machine(id);
        if (machine.present == present
                && !machine.expected
                && machine.metadata.equals(metadata)
                && machine.upkeep.equals(upkeep)) {
            return;
        }
        machine.expected = false;
        Set<MachineClass> before = Set.copyOf(machine.classes);
        cluster.changeMachine(machine, metadata, present, upkeep);
        drains.changed(machine);
        for (UnitEntry unit : machine.units()) {
            touch(unit, null);
            touchFollowers(unit);
        }
        if (present) {
            for (MachineClass joined : machine.classes) {
                if (!before.contains(joined)) {
                    touchAll(joined.waiting, machine);
                }
            }
            touchAll(cluster.waitingForId(id), null);
            touchAll(cluster.waitingForId(machine.shortId()), null);
            touchAll(cluster.waitingForGlobals(), machine);
        }
    }

    /**
     * A machine of a restored registry that was not heard yet: nothing is known of it but what was scheduled to it. That
     * stays, with what must be beside it, until {@link #putMachine} says more.
     */
    public void expectMachine(String id) {
        MachineEntry machine = cluster.machine(id);
        cluster.changeMachine(machine, Map.of(), false, Upkeep.NONE);
        drains.changed(machine);
        machine.expected = true;
    }

    /**
     * A unit is new, or has other requirements, another target state or another machine. Global units are put too: they
     * are never decided on, but count on every machine that runs them. Templates are not put.
     *
     * @param machineId where the registry has the unit scheduled; null for nowhere
     * @throws IllegalArgumentException if the target state is none of inactive, loaded and launched
     */
    public void putUnit(String name, Requirements requirements, TargetState target, @Nullable String machineId) {
        if (target == TargetState.TARGET_STATE_UNSPECIFIED || target == TargetState.UNRECOGNIZED) {
            throw new IllegalArgumentException("unit " + name + " has no target state; give it one of its three");
        }
        MachineEntry machine = machineId == null ? null : cluster.machine(machineId);
        UnitEntry known = cluster.unit(name);
        if (known == null) {
            UnitEntry unit = cluster.newUnit(name, requirements, target);
            cluster.register(unit);
            circlesMayChange(unit);
            enter(unit, machine);
            return;
        }
        boolean same = known.requirements.equals(requirements);
        boolean wasWanted = known.wanted();
        boolean isWanted = target == TargetState.TARGET_STATE_LOADED || target == TargetState.TARGET_STATE_LAUNCHED;
        if (same && known.machine == machine && wasWanted == isWanted) {
            cluster.want(known, target);
            return;
        }
        if (unsettled.remove(known)) {
            known.dirty = false; // What was to be decided is: this is what came of it. It is looked at anew.
        }
        if (!known.attached) {
            touchFollowers(
                    known); // One that stayed where it is without this one may have stayed only to be joined by it.
        }
        leave(known);
        if (same && !known.global()) {
            cluster.want(known, target);
        } else {
            circlesMayChange(known);
            cluster.unregister(known);
            known.requirements = requirements;
            known.target = target;
            cluster.register(known);
            circlesMayChange(known);
        }
        enter(known, machine);
    }

    /** A unit was destroyed. Does nothing when it is not known. */
    public void removeUnit(String name) {
        UnitEntry unit = cluster.unit(name);
        if (unit != null) {
            leave(unit);
            circlesMayChange(unit);
            cluster.unregister(unit);
            cluster.forget(unit);
            unit.dirty = false;
            unsettled.remove(unit);
            touchFollowers(unit);
        }
    }

    /**
     * Decides on units that changes may concern. Each decision already counts when the next is made. May find fewer than
     * the limit, or none, while there is still work: ask {@link #hasWork}.
     *
     * @param limit most decisions to return, at least 1
     */
    public List<Decision> decide(int limit) {
        if (limit < 1) {
            throw new IllegalArgumentException("the limit of decisions must be at least 1, not " + limit);
        }
        cluster.countGlobals();
        List<Decision> decisions = new ArrayList<>();
        long looks = (long) limit * LOOKS_PER_DECISION;
        while (decisions.size() < limit && looks > 0 && hasWork()) {
            looks -= settle(queue.element(), limit, looks, decisions);
        }
        return decisions;
    }

    /**
     * For a scheduler that only follows what another one decides: looks at units that changes may concern, and is done with those
     * that are where they should be. The others stay to be decided on, and {@link #takeOver} has that done; that other one has mostly
     * decided already, and what it decided comes as a fact.
     *
     * @param looks most units to look at
     */
    public void settle(int looks) {
        cluster.countGlobals();
        for (int left = looks; left > 0 && hasWork(); left--) {
            UnitEntry unit = queue.remove();
            if (inPlace(unit)) {
                unit.dirty = false;
                touchReplaced(unit);
            } else {
                unsettled.add(unit);
            }
        }
    }

    /** From now on this scheduler decides: also on what {@link #settle} has left, in the order of names, whenever that came. */
    public void takeOver() {
        unsettled.stream().sorted(Comparator.comparing(unit -> unit.name)).forEach(unit -> {
            unit.hint = null; // Never decided on here, so it waits for nothing.
            queue.add(unit);
        });
        unsettled.clear();
    }

    /** Whether {@link #decide} has something to look at. It may still come to no decision. */
    public boolean hasWork() {
        while (!queue.isEmpty() && !queue.element().dirty) {
            queue.remove();
        }
        return !queue.isEmpty();
    }

    /**
     * Tries something out: whatever it changes here is as it was once this returns, however it returns. Takes time for what it changes
     * alone, and for what waits with that.
     *
     * @throws IllegalStateException while this {@link #hasWork}
     */
    public <T> T tryOut(Supplier<T> trial) {
        if (hasWork()) {
            throw new IllegalStateException("what waits is to be decided on before anything is tried out");
        }
        Runnable drainsAsTheyWere = drains.keep();
        cluster.beginTrial();
        try {
            return trial.get();
        } finally {
            cluster.undo();
            drainsAsTheyWere.run();
            queue.forEach(unit -> unit.dirty = false);
            queue.clear();
        }
    }

    /** Names of the units that are on a machine, global ones aside, oldest first. */
    public List<String> unitsOn(String machineId) {
        return cluster.machine(machineId).units().stream()
                .map(unit -> unit.name)
                .toList();
    }

    /** On how many machines a global unit runs; 0 when there is none of that name. Takes time in proportion to the number of machines. */
    public int runs(String globalUnit) {
        UnitEntry unit = cluster.unit(globalUnit);
        return unit == null || !unit.global() ? 0 : cluster.runs(unit);
    }

    /**
     * Why a unit is on no machine although it should be, as things stand: an entry for each requirement that rules out a
     * present machine. Costs time in proportion to the number of machines. Empty for a unit that isn't known, wants no
     * machine, is on one that will do, or is about to be.
     */
    public List<Veto> explain(String unitName) {
        return explainer.explain(unitName);
    }

    /**
     * The circle of {@code Replaces} that a new unit, or one with other requirements, would close, in words: "it would replace
     * a.service, which is followed by b.service, which replaces c.service". Empty when there is none.
     */
    public String circle(String unitName, Requirements requirements) {
        return replaceGraph.circle(unitName, requirements);
    }

    /** What is on its way off machines that are drained. */
    public Drains drains() {
        return drains;
    }

    /** Whether a decision on the unit alone would leave it where it is. One that goes with others, or is to leave, is not. */
    private boolean inPlace(UnitEntry unit) {
        MachineEntry machine = unit.machine;
        if (!unit.placeable()) {
            return machine == null;
        }
        if (!unit.attached || machine == null || machine.upkeep.cordoned() || machine.expected) {
            return false;
        }
        List<UnitEntry> group = groups.of(unit);
        boolean inPlace = new Placement(cluster, replaceGraph, group).choose(machine) == machine
                && group.stream().allMatch(member -> member.machine == machine);
        if (!inPlace) {
            cluster.forgetWaits(unit);
        }
        return inPlace;
    }

    /** Decides on a unit, after those of its peers that are to be decided on. Returns how many units were looked at. */
    private long settle(UnitEntry start, int limit, long looks, List<Decision> decisions) {
        Deque<UnitEntry> path = new ArrayDeque<>();
        path.push(start);
        start.onPath = true;
        long done = 0;
        while (!path.isEmpty() && done < looks && decisions.size() < limit) {
            UnitEntry peer = unsettledPeer(path.element());
            if (peer != null) {
                peer.onPath = true;
                path.push(peer);
            } else {
                UnitEntry next = path.pop();
                next.onPath = false;
                if (next.dirty) {
                    decideOn(next, limit, decisions);
                    done++;
                }
            }
        }
        path.forEach(unit -> unit.onPath = false);
        return done;
    }

    private @Nullable UnitEntry unsettledPeer(UnitEntry unit) {
        if (unit.dirty && unit.placeable()) {
            for (String name : unit.requirements.peers()) {
                UnitEntry peer = cluster.unit(name);
                if (peer != null && peer.dirty && !peer.onPath) {
                    return peer;
                }
            }
        }
        return null;
    }

    private void decideOn(UnitEntry unit, int limit, List<Decision> decisions) {
        unit.dirty = false;
        if (!unit.placeable()) {
            if (unit.machine != null) {
                String reason = unit.global() ? "global units are not scheduled" : "target state inactive";
                unschedule(unit, reason, decisions);
            }
            return;
        }
        List<UnitEntry> group = groups.of(unit);
        if (group.stream().anyMatch(member -> member.machine != null && member.machine.expected)) {
            return; // Looked at again when that machine is heard, or lost.
        }
        MachineEntry hint = unit.attached || group.size() > 1 ? null : unit.hint;
        for (UnitEntry member : group) {
            member.dirty = false;
            if (hint == null) {
                cluster.forgetWaits(member);
            }
        }
        Placement placement = new Placement(cluster, replaceGraph, group);
        MachineEntry target = placement.choose(hint);
        if (target == null) {
            placement.await();
        } else if (target.upkeep.empties()) {
            group.forEach(this::touchReplaced);
            leave(unit, target, limit, decisions);
            return;
        }
        boolean cut = false;
        for (UnitEntry member : group) {
            if (target != null) {
                cluster.forgetWaits(member);
            }
            boolean kept = target == null && member.machine != null && member.machine == placement.kept();
            if (kept || member.machine == target) {
                touchReplaced(member);
                if (kept) {
                    stayThough(member, placement.kept());
                }
            } else if (decisions.size() == limit) {
                cut = true;
            } else if (target == null) {
                unschedule(member, leaving(member, placement) + "; no other machine will do", decisions);
            } else {
                schedule(member, target, leaving(member, placement), decisions);
            }
        }
        if (cut) {
            // The rest may yet fail, if facts come in between: then those decided on now can't stay either.
            group.forEach(member -> touch(member, null));
        }
    }

    /**
     * Moves a unit off a machine that is drained, with all that must be where it is, if one machine will do for all of them; otherwise
     * they stay until something changes.
     */
    private void leave(UnitEntry unit, MachineEntry from, int limit, List<Decision> decisions) {
        if (!drains.mayMove(from)) {
            cluster.await(unit, from.waitingToMove);
            return;
        }
        List<UnitEntry> members = groups.besides(unit);
        members.forEach(cluster::forgetWaits);
        Placement placement = new Placement(cluster, replaceGraph, members, from);
        MachineEntry target = placement.choose(null);
        if (target == null) {
            placement.await();
            members.forEach(member -> cluster.await(member, from.stuck));
            drains.goOn(from);
            return;
        }
        members.forEach(cluster::forgetWaits);
        for (UnitEntry member : members) {
            if (decisions.size() == limit) {
                touch(member, null); // It follows, by itself.
            } else {
                member.dirty = false;
                schedule(member, target, "machine " + from + " is drained", decisions);
                drains.left(member.name, from);
            }
        }
    }

    /** The unit is where it can't be joined by all that it belongs with: one that is to leave, and can't, is told of as such. */
    private void stayThough(UnitEntry member, @Nullable MachineEntry machine) {
        if (machine != null && machine.upkeep.empties()) {
            cluster.await(member, machine.stuck);
            drains.goOn(machine);
        }
    }

    private static String leaving(UnitEntry member, Placement placement) {
        return member.machine == null
                ? "target state " + (member.target == TargetState.TARGET_STATE_LOADED ? "loaded" : "launched")
                        + " and unit not scheduled"
                : "can't stay on machine " + member.machine + ": " + placement.refusal();
    }

    private void schedule(UnitEntry unit, MachineEntry machine, String reason, List<Decision> decisions) {
        detach(unit);
        attach(unit, machine);
        decisions.add(new Decision.Schedule(unit.name, machine.id, reason));
    }

    private void unschedule(UnitEntry unit, String reason, List<Decision> decisions) {
        detach(unit);
        cluster.say(unit, null);
        decisions.add(new Decision.Unschedule(unit.name, reason));
    }

    /** After {@link Cluster#register}: puts a unit where a fact has it, and has it and those it concerns decided on. */
    private void enter(UnitEntry unit, @Nullable MachineEntry machine) {
        cluster.say(unit, machine);
        if (unit.placeable() && machine != null) {
            attach(unit, machine);
        }
        if (unit.global()) {
            globalsChanged(null);
        }
        touch(unit, null);
    }

    /** Before {@link Cluster#unregister}. */
    private void leave(UnitEntry unit) {
        MachineEntry machine = unit.machine;
        detach(unit);
        cluster.say(unit, null);
        cluster.forgetWaits(unit);
        if (machine != null && machine.upkeep.empties()) {
            drains.goOn(machine); // It may have been this one's turn.
        }
        if (unit.global()) {
            globalsChanged(null);
        }
    }

    private void attach(UnitEntry unit, MachineEntry machine) {
        cluster.attach(unit, machine);
        for (UnitEntry follower : cluster.followers(unit.name)) {
            if (follower.machine != machine) {
                touch(follower, null);
            }
        }
        touchReplaced(unit);
        conflictingGlobalsChanged(unit, machine);
    }

    private void detach(UnitEntry unit) {
        MachineEntry machine = unit.machine;
        if (!unit.attached || machine == null) {
            return;
        }
        cluster.detach(unit, machine);
        touchFollowers(unit);
        if (machine.upkeep.empties()) {
            touchPeers(unit); // They may leave now that they leave alone.
            drains.goOn(machine); // It may go by another way than in its turn.
        }
        for (NamePattern pattern : cluster.patternsMatching(unit.name)) {
            touchAll(pattern.declarersWaiting, machine);
        }
        for (NamePattern pattern : unit.conflicts) {
            touchAll(pattern.matchedWaiting, machine);
        }
        for (NamePattern pattern : unit.replaces) {
            touchAll(pattern.replacedWaiting, machine);
        }
        conflictingGlobalsChanged(unit, machine);
    }

    /** Has the units beside this one that it replaces decided on. */
    private void touchReplaced(UnitEntry unit) {
        MachineEntry machine = unit.machine;
        if (unit.replaces.length > 0 && machine != null) {
            for (UnitEntry other : machine.units()) {
                if (replaceGraph.replaces(unit, other)) {
                    touch(other, null);
                }
            }
        }
    }

    /** A unit that comes to a machine or leaves it can change which global units run there. */
    private void conflictingGlobalsChanged(UnitEntry unit, MachineEntry machine) {
        for (UnitEntry global : cluster.globals()) {
            if (Cluster.conflict(global, unit)) {
                cluster.countGlobals(machine);
                globalsChanged(machine);
                return;
            }
        }
    }

    /** On one machine, or on all when it is null, other global units may run now. */
    private void globalsChanged(@Nullable MachineEntry machine) {
        touchAll(cluster.waitingForGlobals(), machine);
        for (UnitEntry global : cluster.globals()) {
            for (UnitEntry follower : cluster.followers(global.name)) {
                if (machine == null || follower.attachedTo(machine)) {
                    touch(follower, null);
                }
            }
        }
    }

    /**
     * A unit's ties to others came or go: which {@code Replaces} count may change for all that it can move, if it is part of a circle. Of
     * those that are not, which are nearly all, it takes no time for what they replace.
     */
    private void circlesMayChange(UnitEntry unit) {
        if (!cluster.hasReplacers() || circle(unit.name, unit.requirements).isEmpty()) {
            return;
        }
        for (UnitEntry moved : replaceGraph.movedBy(unit)) {
            for (NamePattern pattern : moved.replaces) {
                touch(moved, null);
                touchAll(pattern.replacedWaiting, null);
            }
        }
    }

    private void touchFollowers(UnitEntry unit) {
        touchAll(cluster.followers(unit.name), null);
    }

    private void touchPeers(UnitEntry unit) {
        for (String name : unit.requirements.peers()) {
            UnitEntry peer = cluster.unit(name);
            if (peer != null) {
                touch(peer, null);
            }
        }
    }

    private void touchAll(WaitSet units, @Nullable MachineEntry hint) {
        for (UnitEntry unit : units) {
            touch(unit, hint);
        }
    }

    private void touch(UnitEntry unit, @Nullable MachineEntry hint) {
        if (unit.dirty) {
            if (unit.hint != hint) {
                unit.hint = null;
            }
        } else if (unit.placeable() || unit.machine != null) {
            unit.dirty = true;
            unit.hint = hint;
            queue.add(unit);
        }
    }
}
