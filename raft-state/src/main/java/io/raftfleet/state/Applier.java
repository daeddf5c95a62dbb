package io.raftfleet.state;

import com.google.common.collect.Sets;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.MachineExpected;
import io.raftfleet.proto.log.MachineMetadataSet;
import io.raftfleet.proto.log.OrphanDropped;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.RequestAnswered;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.log.UnitCreated;
import io.raftfleet.proto.log.UnitRestored;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.LegacyFacts;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitHash;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies the records of one entry to the tables, and collects what changed. Deterministic: reads the tables and the entry,
 * nothing else. Used by the thread that applies, under the registry's write lock.
 */
final class Applier {
    private static final Logger log = LoggerFactory.getLogger(Applier.class);

    private final Tables tables;
    private final long index;
    private final List<Change> changes = new ArrayList<>();
    private final List<UnitHash> storedHere = new ArrayList<>();

    Applier(Tables tables, long index) {
        this.tables = tables;
        this.index = index;
    }

    /** Applies all records; returns for each null, or why it was dropped. */
    List<@Nullable String> apply(Entry entry) {
        var info = tables.info();
        tables.put(info.at(Math.max(info.clockMs(), entry.getLeaderTimeMs())));
        tables.requests.expire(tables.info().clockMs());

        var dropped = new ArrayList<@Nullable String>(entry.getRecordsCount());
        int guarded = 0;
        for (var record : entry.getRecordsList()) {
            if (guarded > 0) {
                guarded--;
                dropped.add("its request was answered before");
                continue;
            }
            tables.facts.now(nextVersion());
            String why = applied(record);
            dropped.add(why);
            if (why != null && record.hasRequestAnswered()) {
                guarded = record.getRequestAnswered().getGuardedRecords();
            }
        }
        tables.facts.now(nextVersion());
        storedHere.forEach(tables.contents::dropIfUnused);
        if (tables.facts.forgotten() != tables.info().removalsForgotten()) {
            tables.put(tables.info().forgetting(tables.facts.forgotten()));
        }
        return dropped;
    }

    List<Change> changes() {
        return changes;
    }

    /**
     * Applies a record. One that throws before it has changed anything is dropped: it does so on every engine, for it has read
     * nothing but the tables and itself. One that has changed something stops the engine, which may not go on half changed.
     */
    private @Nullable String applied(Record record) {
        long touches = tables.rows.touches();
        int before = changes.size();
        try {
            return apply(record);
        } catch (RuntimeException e) {
            if (tables.rows.touches() != touches || changes.size() != before) {
                throw e;
            }
            log.error("a {} record of entry {} is at fault and was dropped", record.getRecordCase(), index, e);
            return "the record is at fault: " + e.getMessage();
        }
    }

    private @Nullable String apply(Record record) {
        if (target(record) == TargetState.UNRECOGNIZED) {
            return "it has a target state that this version does not know";
        }
        return switch (record.getRecordCase()) {
            case CLUSTER_CREATED -> created(record.getClusterCreated());
            case LEADER_STARTED -> null;
            case CONTENTS_STORED -> stored(record.getContentsStored());
            case UNIT_CREATED -> created(record.getUnitCreated());
            case TARGET_STATE_SET -> {
                var r = record.getTargetStateSet();
                yield changed(
                        r.getName(),
                        r.getVersion(),
                        unit -> unit.targeted(r.getTargetState(), r.getStartAgain(), nextGeneration(), nextVersion()));
            }
            case UNIT_DESTROYED ->
                destroyed(
                        record.getUnitDestroyed().getName(),
                        record.getUnitDestroyed().getVersion());
            case UNIT_SCHEDULED -> {
                var r = record.getUnitScheduled();
                var machine = tables.machines.get(r.getMachineId());
                if (machine == null) {
                    yield "machine " + r.getMachineId() + " is unknown";
                }
                // The machine's own string: one for all its units.
                yield changed(r.getName(), r.getVersion(), unit -> unit.scheduledTo(machine.id(), nextVersion()));
            }
            case UNIT_UNSCHEDULED -> {
                var r = record.getUnitUnscheduled();
                yield changed(r.getName(), r.getVersion(), unit -> unit.scheduledTo(null, nextVersion()));
            }
            case SESSION_OPENED -> opened(record.getSessionOpened());
            case MACHINE_LOST ->
                lost(
                        record.getMachineLost().getMachineId(),
                        record.getMachineLost().getSessionEpoch());
            case MACHINE_METADATA_SET -> metadataSet(record.getMachineMetadataSet());
            case STATES_REPORTED -> reported(record.getStatesReported());
            case REQUEST_ANSWERED -> answered(record.getRequestAnswered());
            case UNIT_RESTORED -> restored(record.getUnitRestored());
            case MACHINE_EXPECTED -> expected(record.getMachineExpected());
            case ORPHAN_DROPPED -> dropped(record.getOrphanDropped());
            case RECORD_NOT_SET ->
                throw new IllegalStateException(
                        "entry " + index + " holds a record of a kind that this version does not know");
        };
    }

    private static TargetState target(Record record) {
        return switch (record.getRecordCase()) {
            case UNIT_CREATED -> record.getUnitCreated().getTargetState();
            case TARGET_STATE_SET -> record.getTargetStateSet().getTargetState();
            case UNIT_RESTORED -> record.getUnitRestored().getTargetState();
            default -> TargetState.TARGET_STATE_UNSPECIFIED;
        };
    }

    private @Nullable String created(ClusterCreated record) {
        if (tables.info().incarnation() != 0) {
            return "the cluster exists";
        }
        if (record.getRestoredFrom() == 0 && !tables.units.all().isEmpty()) {
            return "the registry is half restored";
        }
        tables.put(
                tables.info().created(record.getIncarnation(), record.getRestoredFrom(), record.getGenerationBase()));
        return null;
    }

    private @Nullable String stored(ContentsStored record) {
        var hash = UnitHash.from(record.getContents().getHash());
        if (tables.contents.text(hash) == null) {
            tables.contents.put(new StoredContents(hash, record.getContents().getText(), tables.facts.now()));
            storedHere.add(hash);
        }
        return null;
    }

    private @Nullable String created(UnitCreated record) {
        var name = record.getName();
        var before = tables.units.get(name);
        if (record.getReplacesVersion() == 0) {
            if (before != null) {
                return "unit " + name + " exists";
            }
        } else if (before == null || !decidedOn(before, record.getReplacesVersion())) {
            return "unit " + name + " has changed meanwhile";
        }
        var hash = UnitHash.from(record.getHash());
        var text = tables.contents.text(hash);
        if (text == null) {
            return "contents " + hash.toHex() + " are unknown";
        }
        var wants = Requirements.of(record.hasFacts() ? record.getFacts() : LegacyFacts.of(name, text));
        replace(before, UnitRecord.created(before, record, wants, nextGeneration(), nextVersion()));
        return null;
    }

    private @Nullable String restored(UnitRestored record) {
        var name = record.getName();
        var hash = UnitHash.from(record.getHash());
        var machine = record.getMachineId();
        if (tables.units.get(name) != null) {
            return "unit " + name + " exists";
        }
        var text = tables.contents.text(hash);
        if (text == null) {
            return "contents " + hash.toHex() + " are unknown";
        }
        if (!machine.isEmpty() && tables.machines.get(machine) == null) {
            return "machine " + machine + " is unknown";
        }
        var wants = Requirements.of(record.hasFacts() ? record.getFacts() : LegacyFacts.of(name, text));
        replace(null, UnitRecord.restored(record, wants, nextVersion()));
        return null;
    }

    private @Nullable String expected(MachineExpected record) {
        if (tables.machines.get(record.getMachineId()) != null) {
            return "machine " + record.getMachineId() + " is known";
        }
        put(null, MachineRecord.expected(record, nextVersion()));
        return null;
    }

    private @Nullable String dropped(OrphanDropped record) {
        var name = record.getName();
        if (tables.units.get(name) != null) {
            return "unit " + name + " exists";
        }
        if (tables.states.get(name, record.getMachineId()) == null) {
            return "machine " + record.getMachineId() + " has no unit " + name;
        }
        depart(name, record.getMachineId());
        return null;
    }

    private @Nullable String changed(String name, long version, UnaryOperator<UnitRecord> change) {
        var before = tables.units.get(name);
        if (before == null) {
            return "unit " + name + " does not exist";
        }
        if (!decidedOn(before, version)) {
            return "unit " + name + " has changed meanwhile";
        }
        replace(before, change.apply(before));
        return null;
    }

    private @Nullable String destroyed(String name, long version) {
        var before = tables.units.get(name);
        if (before == null) {
            return "unit " + name + " does not exist";
        }
        if (!decidedOn(before, version)) {
            return "unit " + name + " has changed meanwhile";
        }
        var had = new TreeSet<>(tables.units.assignedMachines(before, tables.machines));
        tables.states.ofUnit(name).forEach(state -> had.add(state.machineId()));
        var globals = globalsAround(before, null);
        tables.units.remove(before);
        changes.add(new Change.OfUnit(before, null, TargetState.TARGET_STATE_UNSPECIFIED));
        had.forEach(machine -> depart(name, machine));
        globals.forEach((machine, others) -> moveGlobals(name, machine, others));
        return null;
    }

    private @Nullable String opened(SessionOpened record) {
        var before = tables.machines.get(record.getMachineId());
        long epoch = before == null ? 0 : before.sessionEpoch();
        if (record.getSessionEpoch() != epoch + 1) {
            return "machine " + record.getMachineId() + " has opened session " + epoch + " meanwhile";
        }
        put(before, MachineRecord.of(record, before));
        return null;
    }

    private @Nullable String lost(String machineId, long epoch) {
        var before = tables.machines.get(machineId);
        if (before == null || !before.present()) {
            return "machine " + machineId + " is not present";
        }
        if (before.sessionEpoch() != epoch) {
            return "machine " + machineId + " has opened another session meanwhile";
        }
        put(before, before.lost());
        List.copyOf(tables.states.ofMachine(machineId)).forEach(state -> stateGone(state.name(), machineId));
        return null;
    }

    private @Nullable String metadataSet(MachineMetadataSet record) {
        var before = tables.machines.get(record.getMachineId());
        if (before == null) {
            return "machine " + record.getMachineId() + " is unknown";
        }
        put(before, before.patched(record, nextVersion()));
        return null;
    }

    private @Nullable String reported(StatesReported record) {
        var machineId = record.getMachineId();
        var machine = tables.machines.get(machineId);
        if (machine == null || !machine.present() || machine.sessionEpoch() != record.getSessionEpoch()) {
            return "session " + record.getSessionEpoch() + " of machine " + machineId + " is over";
        }
        if (record.getSequence() <= machine.sequence()) {
            return "report " + record.getSequence() + " of machine " + machineId + " was applied before";
        }
        tables.machines.put(machine.reported(record.getSequence()));
        var absent = new TreeSet<>(tables.states.inBuckets(machineId, Set.copyOf(record.getWholeBucketsList())));
        for (var state : record.getStatesList()) {
            absent.remove(state.getName());
            var currentBefore = current(state.getName());
            if (tables.states.put(machineId, state)) {
                var stored = tables.states.get(state.getName(), machineId);
                if (stored != null) {
                    changes.add(new Change.OfState(stored));
                }
                noteCurrent(state.getName(), currentBefore);
            }
        }
        absent.forEach(name -> stateGone(name, machineId));
        for (var name : record.getGoneList()) {
            stateGone(name, machineId);
            arrive(name, machineId);
        }
        return null;
    }

    private @Nullable String answered(RequestAnswered record) {
        var id = record.getRequestId().getId();
        if (tables.requests.contains(id, record.getFirstItem())) {
            return "answered before";
        }
        tables.requests.put(new AnsweredRequest(
                id,
                record.getFirstItem(),
                record.getRequestDigest(),
                tables.info().clockMs(),
                record.getResultsList()));
        return null;
    }

    /** A unit takes another's place: what machines it leaves by that, and to which it may come back, follows. */
    private void replace(@Nullable UnitRecord before, UnitRecord decided) {
        var after = tables.units.sharing(decided);
        var was = tables.units.assignedMachines(before, tables.machines);
        var globals = globalsAround(before, after);
        tables.units.put(before, after);
        var is = tables.units.assignedMachines(after, tables.machines);
        changes.add(new Change.OfUnit(before, after, tables.current(after)));
        Sets.difference(was, is).forEach(machine -> depart(after.name(), machine));
        Sets.difference(is, was).forEach(machine -> arrive(after.name(), machine));
        globals.forEach((machine, had) -> moveGlobals(after.name(), machine, had));
    }

    /** Which global units the machines have that a unit's change may take them from, or bring them to; mostly none. */
    private Map<String, Set<String>> globalsAround(@Nullable UnitRecord before, @Nullable UnitRecord after) {
        if (!tables.units.movesGlobals(before) && !tables.units.movesGlobals(after)) {
            return Map.of();
        }
        boolean everywhere = (before != null && before.global()) || (after != null && after.global());
        var had = new TreeMap<String, Set<String>>();
        for (var machine : tables.machines.all().values()) {
            boolean touched = everywhere
                    || (before != null && machine.id().equals(before.machineId()))
                    || (after != null && machine.id().equals(after.machineId()));
            if (touched) {
                had.put(machine.id(), tables.units.globalsOn(machine));
            }
        }
        return had;
    }

    private void moveGlobals(String cause, String machineId, Set<String> had) {
        var machine = tables.machines.get(machineId);
        var has = machine == null ? Set.<String>of() : tables.units.globalsOn(machine);
        for (var name : Sets.difference(had, has)) {
            if (!name.equals(cause)) {
                depart(name, machineId);
            }
        }
        for (var name : Sets.difference(has, had)) {
            if (!name.equals(cause) && !arrive(name, machineId)) {
                changes.add(new Change.OfDeparture(name, machineId, false));
            }
        }
    }

    private void put(@Nullable MachineRecord before, MachineRecord after) {
        var was = before == null ? Set.<String>of() : tables.units.globalsOn(before);
        tables.machines.put(after);
        var is = tables.units.globalsOn(after);
        changes.add(new Change.OfMachine(before, after));
        Sets.difference(was, is).forEach(name -> depart(name, after.id()));
        Sets.difference(is, was).forEach(name -> arrive(name, after.id()));
    }

    private void depart(String name, String machineId) {
        if (tables.departures.add(machineId, name)) {
            changes.add(new Change.OfDeparture(name, machineId, true));
        }
    }

    /** Returns whether it had to leave. */
    private boolean arrive(String name, String machineId) {
        boolean had = tables.departures.remove(machineId, name);
        if (had) {
            changes.add(new Change.OfDeparture(name, machineId, false));
        }
        return had;
    }

    private void stateGone(String name, String machineId) {
        var currentBefore = current(name);
        if (tables.states.remove(name, machineId)) {
            changes.add(new Change.OfStateGone(name, machineId));
            noteCurrent(name, currentBefore);
        }
    }

    private @Nullable TargetState current(String name) {
        var unit = tables.units.get(name);
        return unit == null ? null : tables.current(unit);
    }

    private void noteCurrent(String name, @Nullable TargetState before) {
        var unit = tables.units.get(name);
        if (unit != null && tables.current(unit) != before) {
            changes.add(new Change.OfUnit(unit, unit, tables.current(unit)));
        }
    }

    private boolean decidedOn(UnitRecord unit, long version) {
        return version == Versions.IN_THIS_ENTRY ? Versions.index(unit.version()) == index : unit.version() == version;
    }

    /** Version for the unit whose change is collected next: the place of that change in the entry. */
    private long nextVersion() {
        return Versions.of(index, changes.size());
    }

    /** Start generation of a start that this record orders. */
    private long nextGeneration() {
        return tables.info().generationBase() + nextVersion();
    }
}
