package io.raftfleet.state;

import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.OrphanDropped;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.RequestAnswered;
import io.raftfleet.proto.log.StatesReported;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies the records of one entry to the tables, and collects what changed: those that decisions go by through
 * {@link Transition}, the others itself. Deterministic: reads the tables and the entry, nothing else. Used by the thread that
 * applies, under the registry's write lock.
 */
final class Applier {
    private static final Logger log = LoggerFactory.getLogger(Applier.class);

    private final Tables tables;
    private final long index;
    private final List<Change> changes = new ArrayList<>();
    private final MachineConsequences consequences;
    private final Transition transition;
    private final Chronicle chronicle;
    /** Whether what happens is kept as events. */
    private boolean kept;

    Applier(Tables tables, long index) {
        this.tables = tables;
        this.index = index;
        this.consequences = new MachineConsequences(tables, changes);
        this.transition = new Transition(tables, index, changes, consequences);
        this.chronicle = new Chronicle(tables);
    }

    /** Applies all records; returns for each null, or why it was dropped. */
    List<@Nullable String> apply(Entry entry) {
        var info = tables.info();
        tables.put(info.at(Math.max(info.clockMs(), entry.getLeaderTimeMs())));
        tables.requests.expire(tables.info().clockMs());
        tables.access.expire(tables.info().clockMs());

        kept = entry.getFormat() >= EntryFormats.WITH_EVENTS;
        var dropped = new ArrayList<@Nullable String>(entry.getRecordsCount());
        int guarded = 0;
        for (var record : entry.getRecordsList()) {
            if (guarded > 0) {
                guarded--;
                dropped.add("its request was answered before");
                continue;
            }
            int before = changes.size();
            String why = applied(record);
            dropped.add(why);
            if (kept && why == null) {
                chronicle.note(record, changes.subList(before, changes.size()));
            }
            if (why != null && record.hasRequestAnswered()) {
                guarded = record.getRequestAnswered().getGuardedRecords();
            }
        }
        transition.end();
        chronicle.end(index, changes);
        if (tables.facts.forgotten() != tables.info().removalsForgotten()
                || tables.events.forgotten() != tables.info().eventsForgotten()) {
            tables.put(tables.info().forgetting(tables.facts.forgotten(), tables.events.forgotten()));
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
        return switch (record.getRecordCase()) {
            case CLUSTER_CREATED -> created(record.getClusterCreated());
            case LEADER_STARTED -> null;
            case STATES_REPORTED -> reported(record.getStatesReported());
            case REQUEST_ANSWERED -> answered(record.getRequestAnswered());
            case ORPHAN_DROPPED -> dropped(record.getOrphanDropped());
            case JOIN_TOKEN_CREATED ->
                tables.access.apply(record.getJoinTokenCreated(), tables.info().clockMs());
            case JOIN_TOKEN_USED -> tables.access.apply(record.getJoinTokenUsed());
            case JOIN_TOKEN_REMOVED -> tables.access.apply(record.getJoinTokenRemoved());
            case IDENTITY_REVOKED -> tables.access.apply(record.getIdentityRevoked());
            case CONTENTS_STORED,
                    SOURCE_STORED,
                    UNIT_CREATED,
                    UNIT_SOURCE_SET,
                    UNIT_RESTORED,
                    TARGET_STATE_SET,
                    UNIT_DESTROYED,
                    UNIT_SCHEDULED,
                    UNIT_UNSCHEDULED,
                    SESSION_OPENED,
                    MACHINE_LOST,
                    MACHINE_METADATA_SET,
                    MACHINE_EXPECTED,
                    MACHINE_TOLD,
                    FENCE_OVER,
                    MACHINE_MARKED,
                    MACHINE_FORGOTTEN,
                    ROLLOUT_STARTED,
                    ROLLOUT_ADVANCED,
                    ROLLOUT_FORGOTTEN,
                    CLOCK_SET -> transition.apply(record);
            case RECORD_NOT_SET ->
                throw new IllegalStateException(
                        "entry " + index + " holds a record of a kind that this version does not know");
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

    private @Nullable String dropped(OrphanDropped record) {
        var name = record.getName();
        if (tables.units.get(name) != null) {
            return "unit " + name + " exists";
        }
        if (tables.states.get(name, record.getMachineId()) == null) {
            return "machine " + record.getMachineId() + " has no unit " + name;
        }
        consequences.depart(name, record.getMachineId());
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
            var unit = tables.units.get(state.getName());
            var currentBefore = unit == null ? null : tables.current(unit);
            var put = tables.states.put(machineId, state, unit);
            if (put != null) {
                changes.add(new Change.OfState(put.after()));
                if (kept) {
                    chronicle.note(put.before(), put.after());
                }
                consequences.noteCurrent(unit, currentBefore);
            }
        }
        absent.forEach(name -> consequences.stateGone(name, machineId));
        for (var name : record.getGoneList()) {
            consequences.stateGone(name, machineId);
            consequences.arrive(name, machineId);
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
}
