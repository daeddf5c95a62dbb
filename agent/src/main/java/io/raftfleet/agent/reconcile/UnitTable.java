package io.raftfleet.agent.reconcile;

import com.google.protobuf.ByteString;
import io.raftfleet.agent.manager.UnitManager.ObservedState;
import io.raftfleet.agent.session.ReportQueue;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.BucketDigests;
import io.raftfleet.proto.agent.DigestRequest;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.SafeText;
import io.raftfleet.unit.SystemdStates;
import io.raftfleet.unit.limits.Limits;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The units of a machine, with both digests kept up to date as they change: over what was ordered, and over the states that
 * the registry should hold. What changes in a state goes to the reports. Owned by the machine's loop.
 *
 * <p>A unit that was found without an order is part of the first digest until an engine has named it an orphan.
 */
final class UnitTable {
    private final Map<String, ManagedUnit> units = new HashMap<>();
    private final Digest assignments = new Digest();
    private final Digest states = new Digest();
    private final ReportQueue reports;
    private int assignedCount;
    private long restarts;

    UnitTable(ReportQueue reports) {
        this.reports = reports;
    }

    @Nullable
    ManagedUnit find(String name) {
        return units.get(name);
    }

    ManagedUnit findOrAdd(String name) {
        return units.computeIfAbsent(name, ManagedUnit::new);
    }

    Collection<ManagedUnit> all() {
        return units.values();
    }

    void forget(ManagedUnit unit) {
        units.remove(unit.name);
        assignmentChanged(unit);
    }

    int assignedCount() {
        return assignedCount;
    }

    long assignmentsDigest() {
        return assignments.whole();
    }

    long statesDigest() {
        return states.whole();
    }

    /** To be called after a unit's order, orphan mark or, for a found one, file has changed. */
    void assignmentChanged(ManagedUnit unit) {
        AssignedUnit now = units.get(unit.name) != unit || unit.orphan ? null : assigned(unit);
        if (unit.assignmentHash != null) {
            assignments.remove(unit.name, unit.assignmentHash);
            assignedCount--;
        }
        unit.assignmentHash = now == null ? null : Digest.of(now);
        if (unit.assignmentHash != null) {
            assignments.add(unit.name, unit.assignmentHash);
            assignedCount++;
        }
    }

    private static @Nullable AssignedUnit assigned(ManagedUnit unit) {
        if (unit.order != null) {
            return unit.order.toAssigned(unit.name);
        }
        if (unit.removing || unit.installed == null) {
            return null;
        }
        return AssignedUnit.newBuilder()
                .setName(unit.name)
                .setHash(unit.installed.toByteString())
                .setTargetState(TargetState.TARGET_STATE_UNSPECIFIED)
                .build();
    }

    List<AssignedUnit> inventory(Collection<Integer> buckets) {
        Set<Integer> wanted = new HashSet<>(buckets);
        List<AssignedUnit> found = new ArrayList<>();
        for (ManagedUnit unit : units.values()) {
            if (wanted.contains(Digest.bucket(unit.name))) {
                AssignedUnit assigned = assigned(unit);
                if (assigned != null) {
                    found.add(assigned);
                }
            }
        }
        return found;
    }

    List<UnitState> states(Collection<Integer> buckets) {
        Set<Integer> wanted = new HashSet<>(buckets);
        List<UnitState> found = new ArrayList<>();
        for (ManagedUnit unit : units.values()) {
            if (unit.reported != null && wanted.contains(Digest.bucket(unit.name))) {
                found.add(unit.reported);
            }
        }
        return found;
    }

    BucketDigests digests(DigestRequest request) {
        BucketDigests.Builder answer = BucketDigests.newBuilder();
        for (int bucket = 0; bucket < Digest.BUCKETS; bucket++) {
            if (request.getAssignments()) {
                answer.addAssignments(assignments.bucketDigest(bucket));
            }
            if (request.getStates()) {
                answer.addStates(states.bucketDigest(bucket));
            }
        }
        return answer.build();
    }

    /** Reports the unit's state if it is another than before. */
    void refresh(ManagedUnit unit, String bootId) {
        UnitState now = unit.gone ? null : state(unit, bootId);
        UnitState before = unit.reported;
        if (now == null ? before == null : now.equals(before)) {
            return;
        }
        if (before != null) {
            states.remove(unit.name, Digest.of(before));
        }
        unit.reported = now;
        if (now != null && isRestarting(now) && (before == null || !isRestarting(before))) {
            restarts++;
        }
        if (now != null) {
            states.add(unit.name, Digest.of(now));
            reports.put(now);
            if (unit.trace != null) {
                unit.trace.reported(now);
            }
        }
    }

    private static boolean isRestarting(UnitState state) {
        return state.getSubState().startsWith("auto-restart");
    }

    /** How often a unit was seen to wait for systemd to start it again. */
    long restarts() {
        return restarts;
    }

    /** How many units are in each active state of systemd's. */
    Map<String, Integer> activeStates() {
        Map<String, Integer> counts = new TreeMap<>();
        for (ManagedUnit unit : units.values()) {
            if (unit.reported != null) {
                counts.merge(unit.reported.getActiveState(), 1, Integer::sum);
            }
        }
        return counts;
    }

    /** The unit's file is gone, and with it its state. */
    void reportGone(ManagedUnit unit) {
        if (unit.reported != null) {
            states.remove(unit.name, Digest.of(unit.reported));
            unit.reported = null;
        }
        reports.gone(unit.name);
        unit.traceEnds("gone");
    }

    /** Null for a unit that is not in place and has no error: nothing can be said of it. */
    private static @Nullable UnitState state(ManagedUnit unit, String bootId) {
        ObservedState observed = unit.observed;
        if (observed == null && unit.installed == null && unit.error.isEmpty()) {
            return null;
        }
        boolean pending = isPending(unit, bootId);
        UnitState.Builder state = UnitState.newBuilder()
                .setName(unit.name)
                .setHash(hash(unit))
                .setLaunched(isLaunched(unit, bootId))
                .setStartGeneration(unit.order == null ? 0 : unit.order.generation())
                .setPending(pending)
                .setError(error(unit, pending));
        if (observed != null) {
            // A later systemd's states, which the engine would refuse, as those that it knows.
            return state.setLoadState(SystemdStates.knownLoadState(observed.loadState()))
                    .setActiveState(SystemdStates.knownActiveState(observed.activeState()))
                    .setSubState(SystemdStates.knownSubState(observed.subState(), observed.activeState()))
                    .setMainPid(observed.mainPid())
                    .setRestarts(observed.restarts())
                    .build();
        }
        // In place and not yet looked at by the manager, or not even that.
        return state.setLoadState(unit.installed != null ? "loaded" : "not-found")
                .setActiveState("inactive")
                .setSubState("dead")
                .build();
    }

    private static ByteString hash(ManagedUnit unit) {
        if (unit.installed != null) {
            return unit.installed.toByteString();
        }
        if (unit.observed != null) {
            return unit.observed.hash().toByteString();
        }
        return unit.order != null ? unit.order.hash().toByteString() : ByteString.EMPTY;
    }

    /** Why the last step failed; or what the manager says, once that is about the last order. */
    private static String error(ManagedUnit unit, boolean pending) {
        return unit.error.isEmpty() && unit.observed != null && !pending
                ? SafeText.cut(unit.observed.error(), Limits.MESSAGE_BYTES)
                : unit.error;
    }

    /** Whether the order is not carried out yet, or the manager has not told what came of it. */
    private static boolean isPending(ManagedUnit unit, String bootId) {
        if (unit.order == null) {
            return unit.removing;
        }
        Done done = unit.done;
        return unit.startComing
                || done == null
                || done.phase() == Done.Phase.INTENDED
                || !done.settles(unit.order, bootId)
                || unit.observed == null
                || !unit.observed.hash().equals(unit.installed);
    }

    /** Whether the unit was started on the order that it has. */
    private static boolean isLaunched(ManagedUnit unit, String bootId) {
        return unit.order != null
                && unit.order.launched()
                && unit.done != null
                && unit.done.phase() == Done.Phase.ISSUED
                && unit.done.settles(unit.order, bootId);
    }
}
