package io.raftfleet.state;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.log.JoinTokenUsed;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.MachinePresence;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.UnitSource;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The registry between two entries. Valid only inside {@link Registry#read}; collections are live views. */
public final class RegistryView {
    private final Tables tables;
    private final EventWindow events;
    private final LongSupplier appliedIndex;

    RegistryView(Tables tables, EventWindow events, LongSupplier appliedIndex) {
        this.tables = tables;
        this.events = events;
        this.appliedIndex = appliedIndex;
    }

    /** The life of the registry; 0 while the cluster has not had its first entry. */
    public long incarnation() {
        return tables.info().incarnation();
    }

    /** The incarnation whose mirror this registry was restored from; 0 for none. */
    public long restoredFrom() {
        return tables.info().restoredFrom();
    }

    /** Highest leader time applied, in milliseconds of Unix time. */
    public long clockMs() {
        return tables.info().clockMs();
    }

    public long appliedIndex() {
        return appliedIndex.getAsLong();
    }

    /** Digest of the whole registry as of now; see {@link Registry#digestNow}: to be asked for when nothing is read any more. */
    public Supplier<ByteString> digest() {
        return tables.rows.digest();
    }

    /** What the registry takes of the heap. */
    public MemoryUse memory() {
        return tables.memory(events.heapBytes());
    }

    /** What {@link MemoryUse#held} would rise by with a new unit, besides its contents and file: its record and its first state. */
    public long growthBy(String name, Requirements wants, String changedBy) {
        return UnitRecord.heapBytes(name, wants, changedBy) + UnitStateRecord.heapBytes(name);
    }

    /** What it would rise by with a file as it was submitted: nothing if that is there. */
    public long growthBy(UnitSource source) {
        return tables.sources.get(source.digest()) == null ? StoredSource.heapBytes(source.text()) : 0;
    }

    /** What {@link MemoryUse#held} would rise by with contents: nothing if they are there. */
    public long growthBy(UnitHash hash, String text) {
        return tables.contents.version(hash) == 0 ? StoredContents.heapBytes(text) : 0;
    }

    /** What {@link MemoryUse#held} would rise by with what a machine says of a unit that the registry does not know. */
    public long growthBy(UnitState reported, String machineId) {
        var before = state(reported.getName(), machineId);
        return UnitStateRecord.heapBytes(reported) - (before == null ? 0 : UnitStateRecord.heapBytes(before));
    }

    /** What a file takes of the heap, in both its forms. */
    public long bytesOf(UnitHash hash, @Nullable String digest) {
        var text = contents(hash);
        var source = source(digest);
        return (text == null ? 0 : StoredContents.heapBytes(text))
                + (source == null ? 0 : StoredSource.heapBytes(source));
    }

    /** What would be free of the heap without a unit: its record, a state, and its contents and file if no other unit has them. */
    public long freedBy(UnitRecord unit) {
        return growthBy(unit.name(), unit.wants(), unit.changed().by())
                + tables.contents.freedBy(unit.hash())
                + tables.sources.freedBy(unit.source());
    }

    /** Contains everything applied. */
    public Revision revision() {
        return revision(Versions.of(appliedIndex(), Versions.MAX_ORDINAL));
    }

    public Revision revision(long version) {
        return Versions.revision(incarnation(), version);
    }

    /** What start generations are versions plus; 0 in a cluster that was never restored. */
    public long generationBase() {
        return tables.info().generationBase();
    }

    /** Version of the latest change of a persistent fact; 0 when there was none. */
    public long lastFact() {
        return tables.facts.last();
    }

    /** Removals of facts up to this version may be missing from {@link #removalsAfter}. */
    public long removalsForgotten() {
        return tables.facts.forgotten();
    }

    /** Facts of a kind after the place of {@code after}, in the order of their last changes. */
    public Collection<Fact> factsAfter(Fact.Kind kind, Fact after) {
        return tables.facts.factsAfter(kind, after);
    }

    /** Removals of facts of a kind after the place of {@code after}, in their order. */
    public Collection<Fact> removalsAfter(Fact.Kind kind, Fact after) {
        return tables.facts.removalsAfter(kind, after);
    }

    /** When a fact that is not there was removed; 0 when that is not known. */
    public long removedAt(Fact.Kind kind, String id) {
        return tables.facts.removedAt(kind, id);
    }

    /** Hashes of contents after {@code hash}, or all when it is null, in their order. */
    public Collection<UnitHash> hashesAfter(@Nullable UnitHash hash) {
        return tables.contents.hashesAfter(hash);
    }

    /** When contents were stored; 0 when they are not there. */
    public long contentsVersion(UnitHash hash) {
        return tables.contents.version(hash);
    }

    public @Nullable UnitRecord unit(String name) {
        return tables.units.get(name);
    }

    /** Units by name. */
    public SortedRows<String, UnitRecord> units() {
        return tables.units.all();
    }

    public @Nullable String contents(UnitHash hash) {
        return tables.contents.text(hash);
    }

    /** A file as it was submitted; null when there is none of that digest. */
    public @Nullable String source(@Nullable String digest) {
        var source = digest == null ? null : tables.sources.get(digest);
        return source == null ? null : source.text();
    }

    /** When such a file was stored; 0 when it is not there. */
    public long sourceVersion(String digest) {
        var source = tables.sources.get(digest);
        return source == null ? 0 : source.version();
    }

    /** Digests of such files after another one, or all after the empty text, in their order. */
    public Collection<String> sourcesAfter(String digest) {
        return tables.sources.digestsAfter(digest);
    }

    public @Nullable MachineRecord machine(String id) {
        return tables.machines.get(id);
    }

    public boolean present(String machineId) {
        return tables.machines.isPresent(machineId);
    }

    /** Machines by id, lost ones too. */
    public SortedRows<String, MachineRecord> machines() {
        return tables.machines.all();
    }

    /** Machines that are not lost, by id. */
    public SortedRows<String, MachineRecord> machinesPresent() {
        return tables.machines.allPresent();
    }

    public int presentMachines() {
        return tables.machines.present();
    }

    /** Units that are to be on a machine, and are scheduled to none, by name; global ones not among them. */
    public SortedRows<String, UnitRecord> unplaced() {
        return tables.assignments.unplaced();
    }

    /** How many machines of a restored registry have yet to tell what they run; 0 in any other. */
    public int awaitedMachines() {
        return tables.machines.awaited();
    }

    /** The same machines, by id. Costs nothing when there are none, else time in proportion to all machines. */
    public List<MachineRecord> awaited() {
        return awaitedMachines() == 0
                ? List.of()
                : machines().values().stream().filter(MachineRecord::awaited).toList();
    }

    /** How many machines are being drained, and have not come to the end of it. */
    public int drainingMachines() {
        return tables.machines.draining();
    }

    /**
     * Machines that are lost and may run units yet that must never run twice, by id. Costs nothing when there are none, else time in
     * proportion to all machines.
     */
    public List<MachineRecord> fenced() {
        return tables.machines.fenced() == 0
                ? List.of()
                : machines().values().stream().filter(MachineRecord::fenced).toList();
    }

    /**
     * Whether a machine may run a unit that must never run twice: one that it is to have, or anything that it has to let go of, as
     * contents of that may be gone from the registry.
     */
    public boolean mayRunFenced(String machineId) {
        return !departuresFrom(machineId).isEmpty()
                || scheduledTo(machineId).stream()
                        .map(this::unit)
                        .anyMatch(unit -> unit != null && unit.wants().fence());
    }

    /**
     * Whether a unit that has to leave a machine is not to be started elsewhere yet: it may run there, and the machine will say when it
     * does not; or the machine is lost, and it must never run twice, or goes where such a unit does ({@code MachineOf}), which it may need.
     *
     * @param fenced of this view, for all units that are asked about together
     */
    public boolean leaves(UnitRecord unit, String machineId, FencedUnits fenced) {
        var machine = machine(machineId);
        return machine != null && (machine.present() || (machine.fenced() && fenced.has(unit)));
    }

    /**
     * Whether a unit may run somewhere without this registry's knowing it, as that was restored and machines have yet to tell what they run,
     * and so is not to be started on a machine: it does not run there, or with another file, so that it would be started anew. Never so for a
     * global unit.
     */
    public boolean startWaits(UnitRecord unit, String machineId) {
        return awaitedMachines() > 0
                && !unit.global()
                && unit.target() == TargetState.TARGET_STATE_LAUNCHED
                && !runsAsWanted(unit, machineId);
    }

    /** Names of the units scheduled to a machine; global ones not among them. */
    public Set<String> scheduledTo(String machineId) {
        return tables.assignments.scheduledTo(machineId);
    }

    /** Names of the wanted global units. */
    public Collection<String> wantedGlobals() {
        return tables.assignments.wantedGlobals();
    }

    /** Whether a unit is to be on a machine. */
    public boolean assigned(UnitRecord unit, MachineRecord machine) {
        return tables.assignments.assigned(unit, machine);
    }

    /** Machines that a unit has to leave. */
    public Set<String> departures(String unit) {
        return tables.departures.machines(unit);
    }

    /** Units that have to leave a machine. */
    public Set<String> departuresFrom(String machineId) {
        return tables.departures.units(machineId);
    }

    /** States of a unit on whatever machines, by machine id. */
    public Collection<UnitStateRecord> statesOf(String unit) {
        return tables.states.ofUnit(unit);
    }

    /** States that a machine reported, by name of the unit. */
    public SortedRows<String, UnitStateRecord> statesOn(String machineId) {
        return tables.states.ofMachine(machineId);
    }

    public @Nullable UnitState state(String unit, String machineId) {
        return tables.states.get(unit, machineId);
    }

    /**
     * Whether a machine has said last that systemd has a unit up there, or coming up. Not one that goes down: to be told that it is to run
     * there would have it started again once it is down.
     */
    public boolean running(String unit, String machineId) {
        var state = state(unit, machineId);
        return state != null
                && switch (state.getActiveState()) {
                    case "inactive", "failed", "deactivating" -> false;
                    default -> true;
                };
    }

    /** Whether it is up on a machine, or coming up, with the file that it has now. */
    public boolean runsAsWanted(UnitRecord unit, String machineId) {
        var state = state(unit.name(), machineId);
        return state != null
                && running(unit.name(), machineId)
                && state.getHash().equals(unit.hash().toByteString());
    }

    /** How many states say that systemd has the unit as failed. */
    public int failedStates() {
        return tables.states.failed();
    }

    /**
     * How many restarts by systemd were reported since this process began to apply entries, by the active state that came with them. For
     * metrics: it is no part of the registry.
     */
    public Map<String, Long> restarts() {
        return tables.states.restarts();
    }

    public int stateCount() {
        return tables.states.size();
    }

    /** States by name, then machine, after the place of {@code name} and {@code machineId}. */
    public Collection<UnitStateRecord> statesAfter(String name, String machineId) {
        return tables.states.after(name, machineId);
    }

    /** Digest over a machine's states; null when it has none. To be read, not changed, and inside the read alone. */
    public @Nullable Digest statesDigest(String machineId) {
        return tables.states.digest(machineId);
    }

    /** Answers to a request so far. */
    public List<AnsweredRequest> answers(ByteString requestId) {
        return tables.requests.answers(requestId);
    }

    /** Tokens that may be used, by id. */
    public List<JoinToken> tokens() {
        return List.copyOf(tables.access.tokens());
    }

    /** Why a token won't do for this use; null when it does. */
    public @Nullable String objection(JoinTokenUsed use) {
        return tables.access.objection(use);
    }

    /** Names whose certificates are revoked, in no order. */
    public List<Revoked> revoked() {
        return List.copyOf(tables.access.revoked());
    }

    /** Whether a request made then may still be done; otherwise why not. */
    public Optional<String> refuseRequestMadeAt(long issuedAtMs, long nowMs) {
        long age = nowMs - issuedAtMs;
        if (age > RequestTable.RETRY_WINDOW.toMillis()) {
            return Optional.of("the request id was made " + age / 1000
                    + " s ago by the leader's clock; ids are good for " + RequestTable.RETRY_WINDOW.toSeconds()
                    + " s: list what is there, then send a new request");
        }
        if (age < -RequestTable.RETRY_WINDOW.toMillis()) {
            return Optional.of("the request id is dated " + -age / 1000
                    + " s ahead of the leader's clock: set this machine's clock right");
        }
        return Optional.empty();
    }

    /** Rolling changes that are under way, or are kept, by id. */
    public Collection<Rollout> rollouts() {
        return tables.rollouts.all();
    }

    public @Nullable Rollout rollout(String id) {
        return tables.rollouts.get(id);
    }

    /** What has happened after a version, as far as it is kept, oldest first. */
    public Collection<LoggedEvent> happenedAfter(long version) {
        return tables.events.after(version);
    }

    /** What happened up to this version may be missing from {@link #happenedAfter}. */
    public long eventsForgotten() {
        return tables.events.forgotten();
    }

    /** The message for clients. */
    public io.raftfleet.proto.model.Event message(LoggedEvent event) {
        return event.message(revision(event.version()));
    }

    /** Up to {@code limit} changes after a version; empty when they are kept no longer, or the version is none yet. */
    public Optional<List<Event>> eventsAfter(long version, int limit) {
        return events.after(version, limit);
    }

    /** The message for clients, without vetoes. */
    public Unit message(UnitRecord unit, boolean withContents) {
        return message(unit, tables.current(unit), withContents);
    }

    /** The message for clients, with a current state as it was at some time. */
    public Unit message(UnitRecord unit, TargetState current, boolean withContents) {
        var message = Unit.newBuilder()
                .setName(unit.name())
                .setHash(unit.hash().toByteString())
                .setTargetState(unit.target())
                .setCurrentState(current)
                .setMachineId(unit.machineId() == null ? "" : unit.machineId())
                .setGlobal(unit.global())
                .setStartGeneration(unit.startGeneration())
                .setRevision(revision(unit.version()))
                .setChangedBy(unit.changed().by())
                .setChangedAtMs(unit.changed().atMs())
                .setSourceDigest(UnitSource.toBytes(unit.source()));
        if (withContents) {
            message.setContents(UnitContents.newBuilder()
                    .setHash(unit.hash().toByteString())
                    .setText(Objects.requireNonNullElse(contents(unit.hash()), ""))
                    .setSource(Objects.requireNonNullElse(source(unit.source()), "")));
        }
        return message.build();
    }

    /** The message for clients. */
    public Machine message(MachineRecord machine) {
        var message = Machine.newBuilder()
                .setId(machine.id())
                .setPrimaryIp(machine.primaryIp())
                .putAllMetadata(new TreeMap<>(machine.metadata()))
                .setVersion(machine.version())
                .setPresence(
                        machine.present()
                                ? MachinePresence.MACHINE_PRESENCE_PRESENT
                                : MachinePresence.MACHINE_PRESENCE_LOST)
                .setSessionEpoch(machine.sessionEpoch())
                .setUnits(tables.assignments.scheduledTo(machine.id()).size())
                .setLostMs(machine.lostMs());
        if (machine.mark().cordoned()) {
            message.setMark(machine.mark().message());
        }
        return message.build();
    }
}
