package io.raftfleet.state;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.raftfleet.proto.log.ContentsRow;
import io.raftfleet.proto.log.DepartureRow;
import io.raftfleet.proto.log.EventRow;
import io.raftfleet.proto.log.JoinTokenRow;
import io.raftfleet.proto.log.MachineRow;
import io.raftfleet.proto.log.RegistryRow;
import io.raftfleet.proto.log.RemovalRow;
import io.raftfleet.proto.log.RequestRow;
import io.raftfleet.proto.log.RevocationRow;
import io.raftfleet.proto.log.RolloutRow;
import io.raftfleet.proto.log.SourceRow;
import io.raftfleet.proto.log.StateRow;
import io.raftfleet.proto.log.UnitRow;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.raft.ReplicatedState.Row;
import io.raftfleet.unit.UnitHash;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;

/** All that the registry holds, or changes over it. Guarded by the registry's lock. */
final class Tables {
    final RowLog rows;
    final FactIndex facts;
    final ContentsTable contents;
    final SourceTable sources;
    final UnitTable units;
    final MachineTable machines;
    final AssignmentTable assignments;
    final UnitStateTable states;
    final DepartureTable departures;
    final RequestTable requests;
    final AccessTable access;
    final EventLog events;
    final RolloutTable rollouts;
    private RegistryInfo info;

    Tables() {
        rows = new RowLog();
        facts = new FactIndex(rows);
        contents = new ContentsTable(rows, facts);
        sources = new SourceTable(rows, facts);
        units = new UnitTable(contents, sources, rows, facts);
        machines = new MachineTable(rows, facts);
        assignments = new AssignmentTable(machines);
        states = new UnitStateTable(rows);
        departures = new DepartureTable(rows);
        requests = new RequestTable(rows);
        access = new AccessTable(machines, rows);
        events = new EventLog(rows);
        rollouts = new RolloutTable(contents, sources, rows);
        info = RegistryInfo.NONE;
    }

    private Tables(Tables below) {
        rows = RowLog.unkept();
        facts = new FactIndex(rows);
        contents = below.contents.over(rows, facts);
        sources = below.sources.over(rows, facts);
        units = below.units.over(contents, sources, rows, facts);
        machines = below.machines.over(rows, facts);
        assignments = below.assignments;
        states = below.states;
        departures = below.departures;
        requests = below.requests;
        access = below.access;
        events = below.events;
        rollouts = below.rollouts.over(contents, sources, rows);
        info = below.info;
    }

    /**
     * Changes of units, contents, machines and rollouts over these tables, which stay as they are. The other tables are these: they may be
     * read there, not changed.
     */
    Tables over() {
        return new Tables(this);
    }

    RegistryInfo info() {
        return info;
    }

    void put(RegistryInfo newInfo) {
        if (!newInfo.equals(info)) {
            rows.replaced(info.equals(RegistryInfo.NONE) ? null : info, newInfo);
            info = newInfo;
        }
    }

    /**
     * How far a unit is: loaded once its machine has reported it, launched once that machine has started it on order;
     * {@code UNSPECIFIED} for a global unit, which has a state on each machine.
     */
    TargetState current(UnitRecord unit) {
        if (unit.global()) {
            return TargetState.TARGET_STATE_UNSPECIFIED;
        }
        var state = unit.machineId() == null ? null : states.get(unit.name(), unit.machineId());
        if (state == null) {
            return TargetState.TARGET_STATE_INACTIVE;
        }
        boolean asOrdered = state.getStartGeneration() == 0 || state.getStartGeneration() == unit.startGeneration();
        return state.getLaunched() && asOrdered ? TargetState.TARGET_STATE_LAUNCHED : TargetState.TARGET_STATE_LOADED;
    }

    /** What all this takes of the heap, but for the events. */
    MemoryUse memory(long events) {
        long states = rows.heapBytes(UnitStateRecord.class);
        int unreported = Math.max(0, units.all().size() - this.states.size());
        return new MemoryUse(
                rows.heapBytes(UnitRecord.class),
                rows.heapBytes(StoredContents.class) + rows.heapBytes(StoredSource.class),
                states + unreported * UnitStateRecord.heapBytes("unit-of-usual-length.service"),
                rows.heapBytes(MachineRecord.class),
                rows.heapBytes(AnsweredRequest.class),
                rows.heapBytes(Departure.class)
                        + rows.heapBytes(Removal.class)
                        + rows.heapBytes(JoinToken.class)
                        + rows.heapBytes(Revoked.class)
                        + rows.heapBytes(LoggedEvent.class)
                        + rows.heapBytes(Rollout.class),
                events);
    }

    /** Becomes what the rows say. Fails with {@link IllegalStateException} when they make no sense together. */
    void restore(Iterator<Row> stored) {
        clear();
        // Units need contents, states have the names of units, and answers come back in the order in which they were
        // given.
        var unitRows = new ArrayList<UnitRecord>();
        var stateRows = new ArrayList<UnitState>();
        var answers = new ArrayList<AnsweredRequest>();
        var happened = new ArrayList<LoggedEvent>();
        var rolling = new ArrayList<Rollout>();
        while (stored.hasNext()) {
            var row = stored.next();
            ByteString value = row.value();
            if (value == null) {
                throw new IllegalStateException("a checkpoint row without a value");
            }
            try {
                switch ((char) row.key().byteAt(0)) {
                    case 'r' -> {
                        info = RegistryInfo.from(RegistryRow.parseFrom(value));
                        rows.restored(info);
                        facts.restoreForgotten(info.removalsForgotten());
                        events.restoreForgotten(info.eventsForgotten());
                    }
                    case 'c' -> {
                        var r = ContentsRow.parseFrom(value);
                        contents.restore(new StoredContents(UnitHash.from(r.getHash()), r.getText(), r.getVersion()));
                    }
                    case 'f' -> sources.restore(StoredSource.from(SourceRow.parseFrom(value)));
                    case 'u' -> unitRows.add(UnitRecord.from(UnitRow.parseFrom(value)));
                    case 'm' -> machines.restore(MachineRecord.from(MachineRow.parseFrom(value)));
                    case 's' -> stateRows.add(StateRow.parseFrom(value).getState());
                    case 'd' -> {
                        var r = DepartureRow.parseFrom(value);
                        departures.restore(new Departure(r.getMachineId(), r.getName()));
                    }
                    case 'x' -> facts.restore(Removal.from(RemovalRow.parseFrom(value)));
                    case 'e' -> happened.add(LoggedEvent.from(EventRow.parseFrom(value)));
                    case 'o' -> rolling.add(Rollout.from(RolloutRow.parseFrom(value)));
                    case 'q' -> answers.add(AnsweredRequest.from(RequestRow.parseFrom(value)));
                    case 't' -> access.restore(JoinToken.from(JoinTokenRow.parseFrom(value)));
                    case 'v' -> access.restore(Revoked.from(RevocationRow.parseFrom(value)));
                    default ->
                        throw new IllegalStateException(
                                "a checkpoint row of an unknown table: a newer version wrote it?");
                }
            } catch (InvalidProtocolBufferException e) {
                throw new IllegalStateException("a checkpoint row can't be read", e);
            }
        }
        var changed = LastChange.UNKNOWN;
        for (var row : unitRows) {
            // What units share is one object again: who changed them, their files, their machines.
            changed = row.changed().sharedWith(changed);
            var source = row.source() == null ? null : sources.get(row.source());
            var unit = row.sharing(source == null ? row.source() : source.digest(), changed);
            var machine = unit.machineId() == null ? null : machines.get(unit.machineId());
            assignments.replaced(null, units.restore(machine == null ? unit : unit.on(machine)));
        }
        stateRows.forEach(state -> states.restore(state, units.get(state.getName())));
        rolling.forEach(rollouts::restore);
        answers.sort(Comparator.comparingLong(AnsweredRequest::answeredAtMs));
        answers.forEach(requests::restore);
        happened.sort(Comparator.comparingLong(LoggedEvent::version));
        happened.forEach(events::restore);
    }

    private void clear() {
        rows.clear();
        facts.clear();
        contents.clear();
        sources.clear();
        units.clear();
        machines.clear();
        assignments.clear();
        states.clear();
        departures.clear();
        requests.clear();
        access.clear();
        events.clear();
        rollouts.clear();
        info = RegistryInfo.NONE;
    }
}
