package io.raftfleet.state;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.FenceOver;
import io.raftfleet.proto.log.MachineExpected;
import io.raftfleet.proto.log.MachineForgotten;
import io.raftfleet.proto.log.MachineLost;
import io.raftfleet.proto.log.MachineMarked;
import io.raftfleet.proto.log.MachineMetadataSet;
import io.raftfleet.proto.log.MachineTold;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.SourceStored;
import io.raftfleet.proto.log.UnitCreated;
import io.raftfleet.proto.log.UnitDestroyed;
import io.raftfleet.proto.log.UnitRestored;
import io.raftfleet.proto.log.UnitSourceSet;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.LegacyFacts;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.UnitSource;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What a record does to units, their contents, machines and rollouts, and when it no longer holds: the rules that decisions go by. Every
 * engine applies what is committed through this, to its tables; a leader what it is about to propose, to changes over them. Reads
 * the tables and the record, nothing else. Used by one thread, under the registry's lock.
 */
final class Transition {
    private final Tables tables;
    private final long index;
    private final List<Change> changes;
    private final Consequences consequences;
    private final List<UnitHash> storedHere = new ArrayList<>();
    private final List<String> sourcesHere = new ArrayList<>();
    private LastChange last = LastChange.UNKNOWN;

    /**
     * The records of one entry.
     *
     * @param index of the entry, above that of all entries before
     * @param changes gets what changed
     */
    Transition(Tables tables, long index, List<Change> changes, Consequences consequences) {
        this.tables = tables;
        this.index = index;
        this.changes = changes;
        this.consequences = consequences;
    }

    /**
     * Applies a record; returns null, or why it is dropped.
     *
     * @throws IllegalArgumentException if it is of a kind that changes none of these
     */
    @Nullable
    String apply(Record record) {
        tables.facts.now(nextVersion());
        if (target(record) == TargetState.UNRECOGNIZED) {
            return "it has a target state that this version does not know";
        }
        return switch (record.getRecordCase()) {
            case CONTENTS_STORED -> stored(record.getContentsStored());
            case SOURCE_STORED -> stored(record.getSourceStored());
            case UNIT_CREATED -> created(record.getUnitCreated());
            case UNIT_SOURCE_SET -> sourced(record.getUnitSourceSet());
            case UNIT_RESTORED -> restored(record.getUnitRestored());
            case TARGET_STATE_SET -> {
                var r = record.getTargetStateSet();
                yield changed(
                        r.getName(),
                        r.getVersion(),
                        unit -> unit.targeted(
                                r.getTargetState(),
                                r.getStartAgain(),
                                by(r.getChangedBy()),
                                nextGeneration(),
                                nextVersion()));
            }
            case UNIT_DESTROYED -> destroyed(record.getUnitDestroyed());
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
            case MACHINE_LOST -> lost(record.getMachineLost());
            case FENCE_OVER -> fenceOver(record.getFenceOver());
            case MACHINE_METADATA_SET -> metadataSet(record.getMachineMetadataSet());
            case MACHINE_EXPECTED -> expected(record.getMachineExpected());
            case MACHINE_TOLD -> told(record.getMachineTold());
            case MACHINE_MARKED -> marked(record.getMachineMarked());
            case MACHINE_FORGOTTEN -> forgotten(record.getMachineForgotten());
            case ROLLOUT_STARTED ->
                tables.rollouts.apply(record.getRolloutStarted(), tables.info().clockMs());
            case ROLLOUT_ADVANCED ->
                tables.rollouts.apply(record.getRolloutAdvanced(), tables.info().clockMs());
            case ROLLOUT_FORGOTTEN -> tables.rollouts.apply(record.getRolloutForgotten());
            case CLOCK_SET -> clockSet(record.getClockSet().getToMs());
            default ->
                throw new IllegalArgumentException(
                        "a " + record.getRecordCase() + " changes no unit, machine or rollout");
        };
    }

    /** After the entry's last record: contents and files that came without a unit go. */
    void end() {
        tables.facts.now(nextVersion());
        storedHere.forEach(tables.contents::dropIfUnused);
        sourcesHere.forEach(tables.sources::dropIfUnused);
    }

    private static TargetState target(Record record) {
        return switch (record.getRecordCase()) {
            case UNIT_CREATED -> record.getUnitCreated().getTargetState();
            case TARGET_STATE_SET -> record.getTargetStateSet().getTargetState();
            case UNIT_RESTORED -> record.getUnitRestored().getTargetState();
            default -> TargetState.TARGET_STATE_UNSPECIFIED;
        };
    }

    private @Nullable String stored(ContentsStored record) {
        var hash = UnitHash.from(record.getContents().getHash());
        if (tables.contents.text(hash) == null) {
            tables.contents.put(new StoredContents(hash, record.getContents().getText(), tables.facts.now()));
            storedHere.add(hash);
        }
        return null;
    }

    private @Nullable String stored(SourceStored record) {
        var digest = UnitSource.toHex(record.getDigest());
        if (digest == null) {
            return "it is of no digest";
        }
        if (tables.sources.get(digest) == null) {
            tables.sources.put(new StoredSource(digest, record.getText(), tables.facts.now()));
            sourcesHere.add(digest);
        }
        return null;
    }

    /** A file as it was submitted, as a record names it: null when it names none. */
    private @Nullable StoredSource source(ByteString digest) {
        var hex = UnitSource.toHex(digest);
        return hex == null ? null : tables.sources.get(hex);
    }

    private static String unknownSource(String name) {
        return "the file of unit " + name + " as it was submitted is unknown";
    }

    /** Who makes this record's change: one object for all changes of an entry that one caller made. */
    private LastChange by(String caller) {
        last = LastChange.of(caller, tables.info().clockMs()).sharedWith(last);
        return last;
    }

    private @Nullable String sourced(UnitSourceSet record) {
        // The table's own string: one for all units of the file.
        var source = source(record.getSourceDigest());
        if (source == null && !record.getSourceDigest().isEmpty()) {
            return unknownSource(record.getName());
        }
        var digest = source == null ? null : source.digest();
        return changed(
                record.getName(),
                record.getVersion(),
                unit -> unit.from(digest, by(record.getChangedBy()), nextVersion()));
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
        var hash = tables.contents.same(UnitHash.from(record.getHash()));
        var text = tables.contents.text(hash);
        if (text == null) {
            return "contents " + hash.toHex() + " are unknown";
        }
        var source = source(record.getSourceDigest());
        if (source == null && !record.getSourceDigest().isEmpty()) {
            return unknownSource(name);
        }
        var wants = tables.contents.wants(hash, record.hasFacts() ? record.getFacts() : LegacyFacts.of(name, text));
        replace(
                before,
                UnitRecord.created(
                        before,
                        record,
                        hash,
                        source == null ? null : source.digest(),
                        wants,
                        by(record.getChangedBy()),
                        nextGeneration(),
                        nextVersion()));
        return null;
    }

    private @Nullable String restored(UnitRestored record) {
        var name = record.getName();
        var hash = tables.contents.same(UnitHash.from(record.getHash()));
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
        var source = source(record.getSourceDigest());
        if (source == null && !record.getSourceDigest().isEmpty()) {
            return unknownSource(name);
        }
        var wants = tables.contents.wants(hash, record.hasFacts() ? record.getFacts() : LegacyFacts.of(name, text));
        replace(null, UnitRecord.restored(record, hash, source == null ? null : source.digest(), wants, nextVersion()));
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

    private @Nullable String destroyed(UnitDestroyed record) {
        var before = tables.units.get(record.getName());
        if (before == null) {
            return "unit " + record.getName() + " does not exist";
        }
        if (!decidedOn(before, record.getVersion())) {
            return "unit " + record.getName() + " has changed meanwhile";
        }
        var follow = consequences.ofUnit(before, null);
        tables.units.remove(before);
        changes.add(new Change.OfUnit(before, null, TargetState.TARGET_STATE_UNSPECIFIED));
        follow.run();
        return null;
    }

    private void replace(@Nullable UnitRecord before, UnitRecord after) {
        var follow = consequences.ofUnit(before, after);
        tables.units.put(before, after);
        changes.add(new Change.OfUnit(before, after, consequences.current(after)));
        follow.run();
    }

    private @Nullable String expected(MachineExpected record) {
        if (tables.machines.get(record.getMachineId()) != null) {
            return "machine " + record.getMachineId() + " is known";
        }
        replace(null, MachineRecord.expected(record, nextVersion()));
        return null;
    }

    private @Nullable String told(MachineTold record) {
        var before = tables.machines.get(record.getMachineId());
        if (before == null || !before.present() || before.sessionEpoch() != record.getSessionEpoch()) {
            return "session " + record.getSessionEpoch() + " of machine " + record.getMachineId() + " is over";
        }
        record.getFoundList().forEach(name -> consequences.ofFound(name, before));
        if (record.getComplete() && before.awaited()) {
            replace(before, before.told());
        }
        return null;
    }

    private @Nullable String opened(SessionOpened record) {
        var before = tables.machines.get(record.getMachineId());
        long epoch = before == null ? 0 : before.sessionEpoch();
        if (record.getSessionEpoch() != epoch + 1) {
            return "machine " + record.getMachineId() + " has opened session " + epoch + " meanwhile";
        }
        replace(before, MachineRecord.of(record, before, tables.machines.awaited() > 0));
        return null;
    }

    private @Nullable String lost(MachineLost record) {
        var machineId = record.getMachineId();
        var before = tables.machines.get(machineId);
        if (before == null || !before.present()) {
            return "machine " + machineId + " is not present";
        }
        if (before.sessionEpoch() != record.getSessionEpoch()) {
            return "machine " + machineId + " has opened another session meanwhile";
        }
        replace(before, before.lost(record.getFenced(), record.getLostMs()));
        consequences.ofLoss(machineId);
        return null;
    }

    private @Nullable String fenceOver(FenceOver record) {
        var before = tables.machines.get(record.getMachineId());
        if (before == null || !before.fenced() || before.sessionEpoch() != record.getSessionEpoch()) {
            return "machine " + record.getMachineId() + " is not waited for";
        }
        replace(before, before.fenceOver());
        return null;
    }

    private @Nullable String metadataSet(MachineMetadataSet record) {
        var before = tables.machines.get(record.getMachineId());
        if (before == null) {
            return "machine " + record.getMachineId() + " is unknown";
        }
        replace(before, before.patched(record, nextVersion()));
        return null;
    }

    private @Nullable String marked(MachineMarked record) {
        var machineId = record.getMachineId();
        var before = tables.machines.get(machineId);
        if (before == null) {
            return "machine " + machineId + " is unknown";
        }
        var mark = mark(before.mark(), record);
        if (mark == null) {
            return "machine " + machineId + " is not to be " + record.getKind() + " now";
        }
        replace(before, before.marked(mark, nextVersion()));
        return null;
    }

    private @Nullable String clockSet(long toMs) {
        long clockMs = tables.info().clockMs();
        tables.put(tables.info().at(toMs));
        tables.requests.clockSet(toMs);
        if (toMs >= clockMs) {
            return null;
        }
        tables.access.setBack(clockMs - toMs);
        tables.rollouts.setBack(toMs);
        for (var machine : List.copyOf(tables.machines.all().values())) {
            var mark = machine.mark();
            if (mark.sinceMs() > toMs) {
                replace(machine, machine.marked(mark.setBack(toMs), nextVersion()));
            }
        }
        return null;
    }

    private @Nullable Mark mark(Mark before, MachineMarked record) {
        var kind = record.getKind();
        long now = tables.info().clockMs();
        return switch (kind) {
            case MACHINE_MARK_KIND_UNSPECIFIED -> Mark.NONE;
            case MACHINE_MARK_KIND_CORDONED -> new Mark(kind, now, 0, 0, nextVersion());
            case MACHINE_MARK_KIND_DRAINING ->
                new Mark(
                        kind,
                        now,
                        record.getMaxParallel(),
                        record.getDeadlineAfterMs() == 0 ? 0 : now + record.getDeadlineAfterMs(),
                        nextVersion());
            case MACHINE_MARK_KIND_ENDING ->
                before.kind() == MachineMarkKind.MACHINE_MARK_KIND_DRAINING ? before.further(kind) : null;
            case MACHINE_MARK_KIND_DRAINED ->
                before.kind() == MachineMarkKind.MACHINE_MARK_KIND_ENDING ? before.further(kind) : null;
            case UNRECOGNIZED -> null;
        };
    }

    private @Nullable String forgotten(MachineForgotten record) {
        var machineId = record.getMachineId();
        var before = tables.machines.get(machineId);
        if (before == null || before.present() || before.fenced()) {
            return "machine " + machineId + " is not lost for good";
        }
        if (!tables.assignments.scheduledTo(machineId).isEmpty()) {
            return "machine " + machineId + " has units";
        }
        consequences.ofForgotten(machineId);
        tables.machines.remove(before);
        changes.add(new Change.OfMachineGone(before));
        return null;
    }

    private void replace(@Nullable MachineRecord before, MachineRecord after) {
        var follow = consequences.ofMachine(before, after);
        tables.machines.put(after);
        changes.add(new Change.OfMachine(before, after));
        follow.run();
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
