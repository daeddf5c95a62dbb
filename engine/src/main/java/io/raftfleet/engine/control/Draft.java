package io.raftfleet.engine.control;

import io.raftfleet.engine.schedule.Decision;
import io.raftfleet.engine.schedule.Scheduler;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.MachineLost;
import io.raftfleet.proto.log.MachineMetadataSet;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.TargetStateSet;
import io.raftfleet.proto.log.UnitCreated;
import io.raftfleet.proto.log.UnitDestroyed;
import io.raftfleet.proto.log.UnitRestored;
import io.raftfleet.proto.log.UnitScheduled;
import io.raftfleet.proto.log.UnitUnscheduled;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.Registry;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.state.Versions;
import io.raftfleet.unit.LegacyFacts;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The registry as it will be once the records decided so far have been applied: what is applied, with the changes of the
 * entry in the making on top. Each change yields the records that make it so, and tells the scheduler. Owned by the
 * decision thread; a new one for each entry.
 */
final class Draft {
    private final Registry registry;
    private final Scheduler scheduler;
    private final Budget budget;
    private final Map<String, Optional<UnitRecord>> units = new HashMap<>();
    private final Map<String, MachineRecord> machines = new HashMap<>();
    private final Set<UnitHash> contents = new HashSet<>();
    /** Contents that units had which this entry destroys or replaces. */
    private final Set<UnitHash> released = new HashSet<>();

    private final boolean withFacts;

    /** @param withFacts whether all engines read records that say what units want */
    Draft(Registry registry, Scheduler scheduler, Budget budget, boolean withFacts) {
        this.registry = registry;
        this.scheduler = scheduler;
        this.budget = budget;
        this.withFacts = withFacts;
    }

    /** Why there is no room for a new unit, or for new contents of {@code before}; null when there is, and that is taken. */
    @Nullable
    String takeRoom(@Nullable UnitRecord before, String name, UnitHash hash, String text, Requirements wants) {
        long growth = registry.read(view -> view.growthBy(name, wants)
                + (contents.contains(hash) ? 0 : view.growthBy(hash, text))
                - (before == null ? 0 : view.freedBy(before)));
        return budget.take("unit " + name, growth);
    }

    /** Why there is no room for what an operator says of a machine; null when there is, and that is taken. */
    @Nullable
    String takeRoom(MachineRecord machine, MachinePatch patch) {
        return patch.hasValue()
                ? budget.take(
                        "metadata of machine " + machine.id(),
                        machine.patched(record(machine, patch), Versions.IN_THIS_ENTRY)
                                        .heapBytes()
                                - machine.heapBytes())
                : null;
    }

    /**
     * Why a file can't be taken yet, while an engine reads in the stored file itself what it asks for; null when that one reads
     * the same there.
     */
    @Nullable
    String unread(String name, String text, Requirements wants) {
        return withFacts || LegacyFacts.agree(name, text, wants.facts())
                ? null
                : "unit " + name
                        + ": an engine of the cluster is of a version that does not read this file the same: upgrade"
                        + " all engines first; \"fleetctl cluster status\" shows which are older";
    }

    Scheduler scheduler() {
        return scheduler;
    }

    @Nullable
    UnitRecord unit(String name) {
        var drafted = units.get(name);
        return drafted != null ? drafted.orElse(null) : registry.read(view -> view.unit(name));
    }

    @Nullable
    MachineRecord machine(String id) {
        var drafted = machines.get(id);
        return drafted != null ? drafted : registry.read(view -> view.machine(id));
    }

    /** Text of contents that the registry has; null when it has none of that hash. */
    @Nullable
    String contents(UnitHash hash) {
        return registry.read(view -> view.contents(hash));
    }

    /** A new unit, or new contents for {@code before}, which stays where it is if it can. */
    void create(
            @Nullable UnitRecord before,
            String name,
            UnitHash hash,
            String text,
            Requirements wants,
            TargetState target,
            List<Record> out) {
        if (before != null) {
            release(before);
        }
        if (!contents.contains(hash) && (released.contains(hash) || contents(hash) == null)) {
            contents.add(hash);
            out.add(stored(hash, text));
        }
        var record = UnitCreated.newBuilder()
                .setName(name)
                .setHash(hash.toByteString())
                .setTargetState(target)
                .setReplacesVersion(before == null ? 0 : before.version());
        if (withFacts) {
            record.setFacts(wants.facts());
        }
        out.add(Record.newBuilder().setUnitCreated(record).build());
        put(UnitRecord.created(before, record.build(), wants, Versions.IN_THIS_ENTRY, Versions.IN_THIS_ENTRY));
    }

    /** A unit as a machine runs it already: a start generation below all others has it taken over, not started again. */
    void adopt(String machineId, String name, UnitFile file, Requirements wants, TargetState target, List<Record> out) {
        if (!contents.contains(file.hash()) && contents(file.hash()) == null) {
            contents.add(file.hash());
            out.add(stored(file.hash(), file.text()));
        }
        var record = UnitRestored.newBuilder()
                .setName(name)
                .setHash(file.hash().toByteString())
                .setTargetState(target)
                .setStartGeneration(1)
                .setMachineId(wants.global() ? "" : machineId);
        if (withFacts) {
            record.setFacts(wants.facts());
        }
        out.add(Record.newBuilder().setUnitRestored(record).build());
        put(UnitRecord.restored(record.build(), wants, Versions.IN_THIS_ENTRY));
    }

    private static Record stored(UnitHash hash, String text) {
        return Record.newBuilder()
                .setContentsStored(ContentsStored.newBuilder()
                        .setContents(UnitContents.newBuilder()
                                .setHash(hash.toByteString())
                                .setText(text)))
                .build();
    }

    void target(UnitRecord unit, TargetState target, boolean startAgain, List<Record> out) {
        out.add(Record.newBuilder()
                .setTargetStateSet(TargetStateSet.newBuilder()
                        .setName(unit.name())
                        .setVersion(unit.version())
                        .setTargetState(target)
                        .setStartAgain(startAgain))
                .build());
        put(unit.targeted(target, startAgain, Versions.IN_THIS_ENTRY, Versions.IN_THIS_ENTRY));
    }

    void destroy(UnitRecord unit, List<Record> out) {
        out.add(Record.newBuilder()
                .setUnitDestroyed(
                        UnitDestroyed.newBuilder().setName(unit.name()).setVersion(unit.version()))
                .build());
        release(unit);
        units.put(unit.name(), Optional.empty());
        scheduler.removeUnit(unit.name());
    }

    /** Its contents go with the last unit that has them: who needs them in this entry from now on has to bring them. */
    private void release(UnitRecord unit) {
        contents.remove(unit.hash());
        released.add(unit.hash());
    }

    /** Carries out a decision that the scheduler has booked already. */
    Record schedule(Decision decision) {
        return switch (decision) {
            case Decision.Schedule placed -> {
                var name = placed.unit();
                var unit = known(name);
                units.put(name, Optional.of(unit.scheduledTo(placed.machineId(), Versions.IN_THIS_ENTRY)));
                yield Record.newBuilder()
                        .setUnitScheduled(UnitScheduled.newBuilder()
                                .setName(name)
                                .setVersion(unit.version())
                                .setMachineId(placed.machineId()))
                        .build();
            }
            case Decision.Unschedule displaced -> {
                var name = displaced.unit();
                var unit = known(name);
                units.put(name, Optional.of(unit.scheduledTo(null, Versions.IN_THIS_ENTRY)));
                yield Record.newBuilder()
                        .setUnitUnscheduled(
                                UnitUnscheduled.newBuilder().setName(name).setVersion(unit.version()))
                        .build();
            }
        };
    }

    Record open(SessionOpened session) {
        var before = machine(session.getMachineId());
        put(MachineRecord.of(session, before));
        return Record.newBuilder().setSessionOpened(session).build();
    }

    Record lose(MachineRecord machine, String reason) {
        put(machine.lost());
        return Record.newBuilder()
                .setMachineLost(MachineLost.newBuilder()
                        .setMachineId(machine.id())
                        .setSessionEpoch(machine.sessionEpoch())
                        .setReason(reason))
                .build();
    }

    void patch(MachineRecord machine, MachinePatch patch, List<Record> out) {
        var record = record(machine, patch);
        out.add(Record.newBuilder().setMachineMetadataSet(record).build());
        put(machine.patched(record, Versions.IN_THIS_ENTRY));
    }

    private static MachineMetadataSet record(MachineRecord machine, MachinePatch patch) {
        var record = MachineMetadataSet.newBuilder().setMachineId(machine.id()).setKey(patch.getKey());
        if (patch.hasValue()) {
            record.setValue(patch.getValue());
        }
        return record.build();
    }

    private UnitRecord known(String name) {
        var unit = unit(name);
        if (unit == null) {
            throw new IllegalStateException("the scheduler decided on " + name + ", which does not exist");
        }
        return unit;
    }

    private void put(UnitRecord unit) {
        units.put(unit.name(), Optional.of(unit));
        if (!Templates.isTemplate(unit.name())) {
            scheduler.putUnit(unit.name(), unit.wants(), unit.target(), unit.machineId());
        }
    }

    private void put(MachineRecord machine) {
        machines.put(machine.id(), machine);
        put(machine, scheduler);
    }

    static void put(MachineRecord machine, Scheduler scheduler) {
        if (machine.unseen()) {
            scheduler.expectMachine(machine.id());
        } else {
            scheduler.putMachine(machine.id(), machine.metadata(), machine.present());
        }
    }
}
