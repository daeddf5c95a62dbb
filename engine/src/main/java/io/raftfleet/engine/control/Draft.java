package io.raftfleet.engine.control;

import com.google.protobuf.ByteString;
import io.raftfleet.engine.schedule.Decision;
import io.raftfleet.engine.schedule.Scheduler;
import io.raftfleet.engine.schedule.Upkeep;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.FenceOver;
import io.raftfleet.proto.log.MachineForgotten;
import io.raftfleet.proto.log.MachineLost;
import io.raftfleet.proto.log.MachineMarked;
import io.raftfleet.proto.log.MachineMetadataSet;
import io.raftfleet.proto.log.MachineTold;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.RolloutAdvanced;
import io.raftfleet.proto.log.RolloutFile;
import io.raftfleet.proto.log.RolloutStarted;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.SourceStored;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.log.TargetStateSet;
import io.raftfleet.proto.log.UnitCreated;
import io.raftfleet.proto.log.UnitDestroyed;
import io.raftfleet.proto.log.UnitRestored;
import io.raftfleet.proto.log.UnitScheduled;
import io.raftfleet.proto.log.UnitSourceSet;
import io.raftfleet.proto.log.UnitUnscheduled;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.state.Change;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.Mark;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.Rollout;
import io.raftfleet.state.Speculation;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.state.UnitStateRecord;
import io.raftfleet.unit.LegacyFacts;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.SafeText;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.UnitSource;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An entry in the making: turns what was decided into records, and applies each to what the registry will be by then, so that the
 * next decision is made on that; what changes is told to the scheduler. Owned by the decision thread; a new one for each entry.
 */
final class Draft {
    /** Bytes of the log that a reason may take. */
    private static final int MOST_REASON = 256;
    /** Units that a machine may tell of besides those that it is to have, before what they take counts against the quota. */
    static final int STRAYS = 1_000;
    /** So many of these are kept at most, of whatever room there is: all of a machine's states go with one record when it is lost. */
    private static final int MOST_STRAYS = 100_000;

    private final Registry registry;
    private final Speculation ahead;
    private final Scheduler scheduler;
    private final Budget budget;
    private final Batch batch;
    private final boolean withFacts;
    private final boolean withFences;
    private final boolean withSources;
    private final boolean withMarks;
    private final boolean withEvents;
    private final boolean withRollouts;
    private final boolean withLeftAlone;

    /**
     * An empty one.
     *
     * @param format newest format of entries that all engines read
     * @param batch is told how much each record changes, and gets the records from whoever has them decided
     */
    Draft(Registry registry, Scheduler scheduler, Budget budget, int format, Batch batch) {
        this.registry = registry;
        this.ahead = registry.speculate();
        this.scheduler = scheduler;
        this.budget = budget;
        this.batch = batch;
        this.withFacts = format >= EntryFormats.WITH_FACTS;
        this.withFences = format >= EntryFormats.WITH_FENCES;
        this.withSources = format >= EntryFormats.WITH_SOURCES;
        this.withMarks = format >= EntryFormats.WITH_MARKS;
        this.withEvents = format >= EntryFormats.WITH_EVENTS;
        this.withRollouts = format >= EntryFormats.WITH_ROLLOUTS;
        this.withLeftAlone = format >= EntryFormats.WITH_LEFT_ALONE;
    }

    /** A new scheduler that knows what is applied. */
    static Scheduler scheduler(RegistryView applied) {
        var fresh = new Scheduler();
        applied.machines().values().forEach(machine -> tell(fresh, machine));
        applied.units().values().forEach(unit -> tell(fresh, unit));
        DrainPace.resume(applied, fresh);
        return fresh;
    }

    /**
     * Why a unit that is new can't be made yet: machines tell of one by this name that nobody told them to have, an orphan, and would run it
     * beside the one where it is placed. Null when there is none. Of a global unit orphans are taken over; a machine that was told
     * to let go of one is waited for; and one that this entry destroys is on its way out.
     *
     * @param takenOver the machine that the unit is to go on running on; null when it is to be placed
     */
    @Nullable
    String runsAsOrphan(String name, Requirements wants, @Nullable String takenOver) {
        if (wants.global()) {
            return null;
        }
        var machine = registry.read(view -> {
            if (view.unit(name) != null) {
                return Optional.<String>empty();
            }
            var leaving = view.departures(name);
            return view.statesOf(name).stream()
                    .map(UnitStateRecord::machineId)
                    .filter(id -> !leaving.contains(id) && !id.equals(takenOver))
                    .findFirst();
        });
        return machine.map(id -> "unit " + name + " is an orphan on machine " + id
                        + ", and would run twice: have it taken over there (fleetctl cluster adopt --machine " + id
                        + " "
                        + name + "), or stopped (fleetctl cluster drop --machine " + id + " " + name + ")")
                .orElse(null);
    }

    /**
     * The report without states that the registry has no room for, of units that it does not know. A machine may tell of
     * {@value #STRAYS} units besides those that it is to have, whatever that takes; beyond that what it says of others counts like what
     * clients write, and beyond {@value #MOST_STRAYS} none is kept that is new. Of units that the registry knows all is taken: their states count with them.
     */
    StatesReported withinRoom(StatesReported report) {
        var machine = report.getMachineId();
        return registry.read(view -> {
            int strays = view.statesOn(machine).size()
                    - view.scheduledTo(machine).size()
                    - view.wantedGlobals().size();
            if (strays + report.getStatesCount() <= STRAYS) {
                return report;
            }
            var kept = report.toBuilder().clearStates();
            for (var state : report.getStatesList()) {
                var before = view.state(state.getName(), machine);
                if (view.unit(state.getName()) != null
                        || ((before != null || strays < MOST_STRAYS)
                                && budget.take("unit " + state.getName(), view.growthBy(state, machine)) == null)) {
                    kept.addStates(state);
                } else if (before != null) {
                    kept.addStates(before);
                }
            }
            return kept.build();
        });
    }

    /** Why there is no room for the answer to one more write; null when there is. */
    @Nullable
    String takeAnswer() {
        return budget.answers(registry.read(view -> view.memory().requests()));
    }

    /** Why there is no room for a new unit, or for new contents of {@code before}; null when there is, and that is taken. */
    @Nullable
    String takeRoom(@Nullable UnitRecord before, Submission unit) {
        var kept = kept(unit.source());
        long growth = ahead.read(view -> view.growthBy(unit.name(), unit.wants(), unit.by())
                + view.growthBy(unit.file().hash(), unit.file().text())
                + (kept == null ? 0 : view.growthBy(kept))
                - (before == null ? 0 : view.freedBy(before)));
        return budget.take("unit " + unit.name(), growth);
    }

    /** The same for another file of a unit that keeps its contents. */
    @Nullable
    String takeRoom(UnitRecord unit, @Nullable UnitSource source) {
        var kept = kept(source);
        return kept == null
                ? null
                : budget.take("the file of unit " + unit.name(), ahead.read(view -> view.growthBy(kept)));
    }

    private @Nullable UnitSource kept(@Nullable UnitSource source) {
        return withSources ? source : null;
    }

    /** Why there is no room for what an operator says of a machine; null when there is, and that is taken. */
    @Nullable
    String takeRoom(MachineRecord machine, MachinePatch patch) {
        return patch.hasValue()
                ? budget.take("metadata of machine " + machine.id(), machine.growthBy(record(patch)))
                : null;
    }

    /**
     * Why a file can't be taken yet, while an engine reads in the stored file itself what it asks for; null when that one reads
     * the same there.
     */
    @Nullable
    String unread(Submission unit) {
        return (withFacts && (withRollouts || !unit.wants().startFirst()))
                        || LegacyFacts.agree(
                                unit.name(), unit.file().text(), unit.wants().facts())
                ? null
                : "unit " + unit.name()
                        + ": an engine of the cluster is of a version that does not read this file the same: upgrade"
                        + " all engines first; \"fleetctl cluster status\" shows which are older";
    }

    /**
     * Why a unit can't replace others as it says, for one of them replaces it in turn, or makes it move with what it follows; null when none does. Templates run nowhere and
     * replace nothing.
     */
    @Nullable
    String circular(String name, Requirements wants) {
        var circle = Templates.isTemplate(name) ? "" : scheduler.circle(name, wants);
        return circle.isEmpty()
                ? null
                : "unit " + name + ": [X-Fleet] " + (wants.replaces().isEmpty() ? "MachineOf" : "Replaces") + ": "
                        + circle
                        + ": such units would drive each other from machine to machine; take Replaces, or MachineOf, out of"
                        + " one of them";
    }

    Scheduler scheduler() {
        return scheduler;
    }

    @Nullable
    UnitRecord unit(String name) {
        return ahead.read(view -> view.unit(name));
    }

    @Nullable
    MachineRecord machine(String id) {
        return ahead.read(view -> view.machine(id));
    }

    /** Text of contents that the registry has; null when it has none of that hash. */
    @Nullable
    String contents(UnitHash hash) {
        return ahead.read(view -> view.contents(hash));
    }

    /** The file of a unit as it was submitted; null when it is what its contents are, or was not kept. */
    @Nullable
    UnitSource source(UnitRecord unit) {
        return source(unit.source());
    }

    /** Such a file by its digest; null when there is none. */
    @Nullable
    UnitSource source(@Nullable String digest) {
        var text = digest == null ? null : ahead.<@Nullable String>read(view -> view.source(digest));
        return digest == null || text == null ? null : new UnitSource(text, digest);
    }

    /** Whether a unit would have another file by this one, which has the same options. */
    boolean differs(UnitRecord unit, @Nullable UnitSource source) {
        return withSources && !Objects.equals(unit.source(), source == null ? null : source.digest());
    }

    /** A new unit, or new contents for {@code before}. */
    void create(@Nullable UnitRecord before, Submission unit, TargetState target, List<Record> out) {
        store(unit.file(), out);
        var record = UnitCreated.newBuilder()
                .setName(unit.name())
                .setHash(unit.file().hash().toByteString())
                .setTargetState(target)
                .setReplacesVersion(before == null ? 0 : ahead.version(before))
                .setReason(unit.reason());
        if (withFacts) {
            record.setFacts(unit.wants().facts());
        }
        if (withSources) {
            record.setSourceDigest(store(unit.source(), out)).setChangedBy(unit.by());
        }
        out.add(decided(Record.newBuilder().setUnitCreated(record).build()));
    }

    /** Another file with the same options. */
    void replaceSource(UnitRecord unit, @Nullable UnitSource source, String by, List<Record> out) {
        out.add(decided(Record.newBuilder()
                .setUnitSourceSet(UnitSourceSet.newBuilder()
                        .setName(unit.name())
                        .setVersion(ahead.version(unit))
                        .setSourceDigest(store(source, out))
                        .setChangedBy(by))
                .build()));
    }

    /** A unit as a machine runs it already: a start generation below all others has it taken over, not started again. */
    void adopt(String machineId, Submission unit, TargetState target, long nowMs, List<Record> out) {
        store(unit.file(), out);
        var record = UnitRestored.newBuilder()
                .setName(unit.name())
                .setHash(unit.file().hash().toByteString())
                .setTargetState(target)
                .setStartGeneration(1)
                .setMachineId(unit.wants().global() ? "" : machineId);
        if (withFacts) {
            record.setFacts(unit.wants().facts());
        }
        if (withSources) {
            record.setSourceDigest(store(unit.source(), out))
                    .setChangedBy(unit.by())
                    .setChangedAtMs(nowMs);
        }
        out.add(decided(Record.newBuilder().setUnitRestored(record).build()));
    }

    /** Contents that are not there, or not any more when it comes to this record. */
    private void store(UnitFile file, List<Record> out) {
        if (contents(file.hash()) == null) {
            out.add(decided(Record.newBuilder()
                    .setContentsStored(ContentsStored.newBuilder()
                            .setContents(UnitContents.newBuilder()
                                    .setHash(file.hash().toByteString())
                                    .setText(file.text())))
                    .build()));
        }
    }

    /** The same of a file as it was submitted; returns its digest, empty when there is none to be kept. */
    private ByteString store(@Nullable UnitSource source, List<Record> out) {
        if (source == null) {
            return ByteString.EMPTY;
        }
        var digest = UnitSource.toBytes(source.digest());
        if (ahead.<@Nullable String>read(view -> view.source(source.digest())) == null) {
            out.add(decided(Record.newBuilder()
                    .setSourceStored(SourceStored.newBuilder().setDigest(digest).setText(source.text()))
                    .build()));
        }
        return digest;
    }

    void target(UnitRecord unit, TargetState target, boolean startAgain, String by, List<Record> out) {
        out.add(decided(Record.newBuilder()
                .setTargetStateSet(TargetStateSet.newBuilder()
                        .setName(unit.name())
                        .setVersion(ahead.version(unit))
                        .setTargetState(target)
                        .setStartAgain(startAgain)
                        .setChangedBy(withSources ? by : ""))
                .build()));
    }

    void destroy(UnitRecord unit, String by, List<Record> out) {
        out.add(decided(Record.newBuilder()
                .setUnitDestroyed(UnitDestroyed.newBuilder()
                        .setName(unit.name())
                        .setVersion(ahead.version(unit))
                        .setChangedBy(withEvents ? by : ""))
                .build()));
    }

    /** Carries out a decision that the scheduler has booked already: it may have booked a later one on the same unit. */
    Record schedule(Decision decision) {
        var unit = unit(decision.unit());
        if (unit == null) {
            throw new IllegalStateException("the scheduler decided on " + decision.unit() + ", which does not exist");
        }
        var record = Record.newBuilder();
        // Why one that was nowhere is placed stands in its file, and need not be in the log a million times.
        var reason = withEvents && unit.machineId() != null ? SafeText.cut(decision.reason(), MOST_REASON) : "";
        switch (decision) {
            case Decision.Schedule placed ->
                record.setUnitScheduled(UnitScheduled.newBuilder()
                        .setName(unit.name())
                        .setVersion(ahead.version(unit))
                        .setMachineId(placed.machineId())
                        .setReason(reason));
            case Decision.Unschedule displaced ->
                record.setUnitUnscheduled(UnitUnscheduled.newBuilder()
                        .setName(unit.name())
                        .setVersion(ahead.version(unit))
                        .setReason(reason));
        }
        var built = record.build();
        var unused = apply(built);
        return built;
    }

    /**
     * A machine turns out to have a unit that is to be elsewhere. If it runs there, and is not known to run where it is to be, it stays
     * there, unless the scheduler finds that the machine does not admit it; says whether that is so.
     */
    boolean stays(String name, MachineRecord machine, List<Record> out) {
        var unit = unit(name);
        if (unit == null || unit.global() || unit.target() != TargetState.TARGET_STATE_LAUNCHED) {
            return false;
        }
        var place = unit.machineId();
        boolean here = ahead.read(view -> view.running(name, machine.id())
                && !machine.id().equals(place)
                && (place == null || !view.running(name, place)));
        if (here) {
            out.add(decided(Record.newBuilder()
                    .setUnitScheduled(UnitScheduled.newBuilder()
                            .setName(name)
                            .setVersion(ahead.version(unit))
                            .setMachineId(machine.id()))
                    .build()));
        }
        return here;
    }

    Record told(MachineTold told) {
        return decided(Record.newBuilder().setMachineTold(told).build());
    }

    Record open(SessionOpened session) {
        return decided(Record.newBuilder().setSessionOpened(session).build());
    }

    /**
     * A machine is lost; null when it can't be yet, as it may run units that must never run twice and not all engines read that these
     * alone are waited for.
     *
     * @param fenceOver whether it certainly runs no such unit any more
     * @param nowMs the leader's time
     */
    @Nullable
    Record lose(MachineRecord machine, String reason, boolean fenceOver, long nowMs) {
        boolean fenced = !fenceOver && ahead.read(view -> view.mayRunFenced(machine.id()));
        return fenced && !withFences
                ? null
                : decided(Record.newBuilder()
                        .setMachineLost(MachineLost.newBuilder()
                                .setMachineId(machine.id())
                                .setSessionEpoch(machine.sessionEpoch())
                                .setReason(reason)
                                .setFenced(fenced)
                                .setLostMs(withMarks ? nowMs : 0))
                        .build());
    }

    Record fenceOver(MachineRecord machine) {
        return decided(Record.newBuilder()
                .setFenceOver(FenceOver.newBuilder().setMachineId(machine.id()).setSessionEpoch(machine.sessionEpoch()))
                .build());
    }

    /** Whether a removed key of a machine need not be kept as such: its agent does not announce it. */
    boolean drops(MachineRecord machine, String key) {
        return withLeftAlone && !machine.announced().containsKey(key);
    }

    void patch(MachineRecord machine, MachinePatch patch, String by, List<Record> out) {
        out.add(decided(Record.newBuilder()
                .setMachineMetadataSet(record(patch).toBuilder()
                        .setDropped(!patch.hasValue() && drops(machine, patch.getKey()))
                        .setChangedBy(withEvents ? by : ""))
                .build()));
    }

    /** Why operators can't say yet whether machines are places for units; null when they can. */
    @Nullable
    String unmarkable(MachineRecord machine) {
        return withMarks
                ? null
                : "machine " + machine.id()
                        + ": an engine of the cluster is of a version that knows nothing of cordons and drains: upgrade all engines"
                        + " first; \"fleetctl cluster status\" shows which are older";
    }

    /** Whether a lost machine can't be forgotten, as units are on it yet or may run there that must never run twice. */
    boolean mayRunUnits(MachineRecord machine) {
        return machine.fenced()
                || ahead.read(view -> !view.scheduledTo(machine.id()).isEmpty());
    }

    Record mark(MachineMarked mark) {
        var record = withEvents ? mark : mark.toBuilder().clearChangedBy().build();
        return decided(Record.newBuilder().setMachineMarked(record).build());
    }

    /** A drain has got on; empty if somebody has given another order meanwhile. */
    Optional<Record> further(MachineMarked mark) {
        var machine = machine(mark.getMachineId());
        boolean holds = machine != null
                && machine.mark().kind()
                        == (mark.getKind() == MachineMarkKind.MACHINE_MARK_KIND_ENDING
                                ? MachineMarkKind.MACHINE_MARK_KIND_DRAINING
                                : MachineMarkKind.MACHINE_MARK_KIND_ENDING);
        return holds ? Optional.of(mark(mark)) : Optional.empty();
    }

    Record forget(MachineRecord machine, String by) {
        return decided(Record.newBuilder()
                .setMachineForgotten(
                        MachineForgotten.newBuilder().setMachineId(machine.id()).setChangedBy(withEvents ? by : ""))
                .build());
    }

    /** Why there can be no rollouts yet; null when there can. */
    @Nullable
    String unrollable() {
        return withRollouts
                ? null
                : "an engine of the cluster is of a version that knows nothing of rollouts: upgrade all engines first; \"fleetctl"
                        + " cluster status\" shows which are older";
    }

    List<Rollout> rollouts() {
        return ahead.read(view -> List.copyOf(view.rollouts()));
    }

    @Nullable
    Rollout rollout(String id) {
        return ahead.read(view -> view.rollout(id));
    }

    /** What files take of the heap that are there, their submitted forms included. */
    long bytesOf(Collection<RolloutFile> files) {
        return ahead.read(view -> files.stream()
                .mapToLong(
                        file -> view.bytesOf(UnitHash.from(file.getHash()), UnitSource.toHex(file.getSourceDigest())))
                .sum());
    }

    /** What the registry would grow by with a file. */
    long growthBy(UnitFile file, @Nullable UnitSource source) {
        return ahead.read(
                view -> view.growthBy(file.hash(), file.text()) + (source == null ? 0 : view.growthBy(source)));
    }

    /** Why there is no room for a rollout and its new files; null when there is, and that is taken. */
    @Nullable
    String takeRoom(RolloutStarted rollout, long files) {
        return budget.take("rollout " + rollout.getId(), Rollout.heapBytes(rollout) + files);
    }

    /** Files that a rollout keeps: its record has to follow in the same entry. */
    void store(UnitFile file, @Nullable UnitSource source, List<Record> out) {
        store(file, out);
        store(source, out);
    }

    /** A record about a rollout. */
    Record rollout(Record record) {
        return decided(record);
    }

    /** A rollout gets on. */
    Record rollout(RolloutAdvanced record) {
        var readable = withLeftAlone
                ? record
                : record.toBuilder().clearLeftAlone().clearFirstLeftAlone().build();
        return decided(Record.newBuilder().setRolloutAdvanced(readable).build());
    }

    private static MachineMetadataSet record(MachinePatch patch) {
        var record = MachineMetadataSet.newBuilder()
                .setMachineId(patch.getMachineId())
                .setKey(patch.getKey());
        if (patch.hasValue()) {
            record.setValue(patch.getValue());
        }
        return record.build();
    }

    /** The next record: what it changes counts from now on. */
    private Record decided(Record record) {
        for (var change : apply(record)) {
            switch (change) {
                case Change.OfUnit unit -> {
                    if (unit.after() == null) {
                        scheduler.removeUnit(unit.name());
                    } else {
                        tell(scheduler, unit.after());
                    }
                }
                case Change.OfMachine machine -> tell(scheduler, machine.after());
                case Change.OfMachineGone gone -> {} // It was lost, and no unit was on it.
                case Change.OfState state -> {}
                case Change.OfStateGone gone -> {}
                case Change.OfDeparture departure -> {}
                case Change.OfEvent event -> {}
            }
        }
        return record;
    }

    private List<Change> apply(Record record) {
        long before = ahead.mostChanges();
        long undoneBefore = ahead.undoneLater();
        var changes = ahead.apply(record);
        batch.changing(ahead.mostChanges() - before, ahead.undoneLater() - undoneBefore);
        return changes;
    }

    /** A record that nothing is decided on: what it changes counts for the size of the entry alone. */
    Record tentative(Record record) {
        long before = ahead.mostChanges();
        ahead.count(record);
        batch.changing(ahead.mostChanges() - before, 0);
        return record;
    }

    /** What a unit is to a scheduler. */
    static void tell(Scheduler scheduler, UnitRecord unit) {
        if (!Templates.isTemplate(unit.name())) {
            scheduler.putUnit(unit.name(), unit.wants(), unit.target(), unit.machineId());
        }
    }

    /** What a machine is to a scheduler. */
    static void tell(Scheduler scheduler, MachineRecord machine) {
        if (machine.unseen()) {
            scheduler.expectMachine(machine.id());
        } else {
            scheduler.putMachine(machine.id(), machine.metadata(), machine.present(), upkeep(machine.mark()));
        }
    }

    private static Upkeep upkeep(Mark mark) {
        return mark.cordoned()
                ? new Upkeep(true, mark.empties(), Math.max(1, mark.maxParallel()), !mark.endsGlobals())
                : Upkeep.NONE;
    }
}
