package io.raftfleet.engine.control;

import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.LeaderStarted;
import io.raftfleet.proto.log.MachineExpected;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.MemoryUse;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The entry with which a leadership begins: once it is applied, so is all that went before, or it never will be. Creates the
 * cluster if need be. Used by the decision thread.
 */
final class Barrier {
    private static final Logger log = LoggerFactory.getLogger(Barrier.class);

    /** Machines in one line of the log. */
    private static final int MOST_NAMED = 20;

    /** A restoration waits 5 s for engines that have not said yet which entry formats they read. */
    private static final int FORMAT_PAUSES = 25;

    private static final long FORMAT_PAUSE_MS = 200;

    /** What keeps a cluster from beginning is said again after so long. */
    private static final long AGAIN_MS = 60_000;

    private final String engineId;
    private final Registry registry;
    private final Committer committer;
    private final WorkQueue queue;
    private final InstantSource wall;
    private final LeaderClock clock;
    private final RandomGenerator random;
    private final Supplier<Budget> budget;
    private final Controller.@Nullable Beginning beginning;
    private String complaint = "";
    private long complainedAtMs;
    /** The leaderships in which it was said that a restoration leaves out marks, and files. */
    private long marksSaidInTerm;

    private long filesSaidInTerm;

    /**
     * @param clock stamps entries
     * @param budget what room there is in the registry
     * @param beginning of a cluster that is not new; null to create one where there is none
     */
    Barrier(
            Controller.Inputs inputs,
            Committer committer,
            WorkQueue queue,
            LeaderClock clock,
            Supplier<Budget> budget,
            Controller.@Nullable Beginning beginning) {
        this.engineId = inputs.engineId();
        this.registry = inputs.registry();
        this.committer = committer;
        this.queue = queue;
        this.wall = inputs.clock();
        this.clock = clock;
        this.random = inputs.random();
        this.budget = budget;
        this.beginning = beginning;
    }

    /**
     * Tries until it is done, or the leadership of {@code term} is over: then false.
     *
     * @param again whether this engine has led in this term before: then it is no news
     */
    boolean commit(long term, boolean again) throws InterruptedException {
        var records = new ArrayList<Record>();
        records.add(Record.newBuilder()
                .setLeaderStarted(LeaderStarted.newBuilder().setEngineId(again ? "" : engineId))
                .build());
        if (beginning == null) {
            records.add(Record.newBuilder()
                    .setClusterCreated(ClusterCreated.newBuilder().setIncarnation(random.nextLong() | 1))
                    .build());
        }
        boolean written = false;
        for (int attempt = 0; queue.leads(term); attempt++) {
            written = written || committed(records);
            if (written && begun(term)) {
                return true;
            }
            queue.pause(term, Math.min(1000, 20L << Math.min(attempt, 6)) + random.nextInt(20));
        }
        return false;
    }

    /** Whether the cluster exists. Fills the registry first, if it is empty and not to be a new cluster's. */
    private boolean begun(long term) throws InterruptedException {
        if (registry.read(RegistryView::incarnation) != 0) {
            return true;
        }
        if (beginning == null) {
            complain(
                    "the registry is half restored: let the engine lead on which fleet-engine restore was called (fleetctl"
                            + " cluster transfer-leader); or, where --restore-from-etcd or --restore-from-backup began it, restart all"
                            + " engines with that, so that they complete it");
            return false;
        }
        try {
            queue.rest(); // Where they come from may be slow to tell them.
            var entries = beginning.entries();
            var full = budget.get()
                    .take(
                            "the registry that is to be restored",
                            entries.stream()
                                    .flatMap(List::stream)
                                    .mapToLong(MemoryUse::ofRestored)
                                    .sum());
            if (full != null) {
                complain("it can't restore the cluster, and tries again: " + full);
                return false;
            }
            awaitFormats(term);
            sayWhatIsLeftOut(term, entries.stream().flatMap(List::stream).toList());
            for (var records : entries) {
                if (!committed(records)) {
                    return false;
                }
            }
            return true;
        } catch (Controller.BeginningException e) {
            complain("it can't restore the cluster, and tries again: " + e.getMessage());
            return false;
        }
    }

    /** Once for each reason, and again once a minute while it lasts. */
    private void complain(String why) {
        long now = wall.millis();
        if (!why.equals(complaint) || now - complainedAtMs >= AGAIN_MS) {
            log.error("engine {}: {}", engineId, why);
            complaint = why;
            complainedAtMs = now;
        }
    }

    /** Until a majority has said what it reads: in a new cluster nobody has. */
    private void awaitFormats(long term) throws InterruptedException {
        for (int pause = 0; pause < FORMAT_PAUSES && !writesAwaited() && queue.leads(term); pause++) {
            queue.pause(term, FORMAT_PAUSE_MS);
        }
        if (queue.leads(term) && !writesAwaited()) {
            log.warn(
                    "engine {} restores the cluster though not all engines that are up read entry format {}: units that have moved"
                            + " since may run on two machines until both have connected",
                    engineId,
                    EntryFormats.WITH_AWAITED);
        }
    }

    private boolean writesAwaited() {
        return committer.agreedFormat() >= EntryFormats.WITH_AWAITED;
    }

    private boolean committed(List<Record> decided) throws InterruptedException {
        queue.visit();
        clock.look();
        boolean facts = committer.agreedFormat() >= EntryFormats.WITH_FACTS;
        boolean awaited = writesAwaited();
        boolean sources = committer.agreedFormat() >= EntryFormats.WITH_SOURCES;
        boolean marks = committer.agreedFormat() >= EntryFormats.WITH_MARKS;
        boolean startsFirst = committer.agreedFormat() >= EntryFormats.WITH_ROLLOUTS;
        var records = decided.stream()
                .filter(record -> sources || !record.hasSourceStored())
                .map(record -> sources ? record : withoutSource(record))
                .map(record -> startsFirst ? record : withoutStartFirst(record))
                .map(record -> facts ? record : withoutFacts(record))
                .map(record -> awaited ? record : withoutAwaited(record))
                .map(record -> marks ? record : withoutMark(record))
                .toList();
        var entry = Entry.newBuilder()
                .setFormat(EntryFormats.written(records, committer.agreedFormat()))
                .setLeaderTimeMs(clock.stamp())
                .setProposal(random.nextLong())
                .addAllRecords(records)
                .build();
        return switch (committer.propose(entry)) {
            case Outcome.Applied applied -> true;
            case Outcome.AtFault atFault -> {
                log.error(
                        "engine {} can't write the entry that its leadership begins with: {}",
                        engineId,
                        atFault.cause().getMessage());
                yield false;
            }
            case Outcome.NotWritten notWritten -> false;
            case Outcome.Unknown unknown -> false;
        };
    }

    /** As engines read it that do not read what units want in records. */
    private static Record withoutFacts(Record record) {
        return record.hasUnitRestored()
                ? record.toBuilder()
                        .setUnitRestored(record.getUnitRestored().toBuilder().clearFacts())
                        .build()
                : record;
    }

    /** As engines read it that start no unit before it has stopped elsewhere. */
    private static Record withoutStartFirst(Record record) {
        return record.getUnitRestored().getFacts().getStartFirst()
                ? record.toBuilder()
                        .setUnitRestored(record.getUnitRestored().toBuilder()
                                .setFacts(record.getUnitRestored().getFacts().toBuilder()
                                        .clearStartFirst()))
                        .build()
                : record;
    }

    /** As engines read it that keep no files as they were submitted, and not who changed a unit. */
    private static Record withoutSource(Record record) {
        return record.hasUnitRestored()
                ? record.toBuilder()
                        .setUnitRestored(record.getUnitRestored().toBuilder()
                                .clearSourceDigest()
                                .clearChangedBy()
                                .clearChangedAtMs())
                        .build()
                : record;
    }

    /** Of what operators wanted, once a leadership: what is left out otherwise, engines that do not read it make up for. */
    private void sayWhatIsLeftOut(long term, List<Record> restored) {
        var marked = restored.stream()
                .map(Record::getMachineExpected)
                .filter(MachineExpected::hasMark)
                .map(machine -> machine.getMachineId() + " was "
                        + word(machine.getMark().getKind()))
                .toList();
        if (!marked.isEmpty() && committer.agreedFormat() < EntryFormats.WITH_MARKS && marksSaidInTerm != term) {
            marksSaidInTerm = term;
            log.warn(
                    "engine {} restores machines without what operators have said of them as places for units, as not all engines that"
                            + " are up read entry format {}: they take units like any others until somebody says so again: {}",
                    engineId,
                    EntryFormats.WITH_MARKS,
                    marked.size() <= MOST_NAMED
                            ? String.join(", ", marked)
                            : String.join(", ", marked.subList(0, MOST_NAMED)) + " and " + (marked.size() - MOST_NAMED)
                                    + " more");
        }
        long sources = restored.stream().filter(Record::hasSourceStored).count();
        if (sources > 0 && committer.agreedFormat() < EntryFormats.WITH_SOURCES && filesSaidInTerm != term) {
            filesSaidInTerm = term;
            log.warn(
                    "engine {} restores units without the {} files that they were submitted as, and without who changed them, as not all"
                            + " engines that are up read entry format {}: their options are as they were, comments are not",
                    engineId,
                    sources,
                    EntryFormats.WITH_SOURCES);
        }
    }

    private static String word(MachineMarkKind kind) {
        return switch (kind) {
            case MACHINE_MARK_KIND_UNSPECIFIED, MACHINE_MARK_KIND_CORDONED, UNRECOGNIZED -> "cordoned";
            case MACHINE_MARK_KIND_DRAINING, MACHINE_MARK_KIND_ENDING -> "being drained";
            case MACHINE_MARK_KIND_DRAINED -> "drained";
        };
    }

    /** As engines read it that know no marks. */
    private static Record withoutMark(Record record) {
        return record.hasMachineExpected()
                ? record.toBuilder()
                        .setMachineExpected(
                                record.getMachineExpected().toBuilder().clearMark())
                        .build()
                : record;
    }

    /** As engines read it that start what they are told to without regard to what machines have yet to tell. */
    private static Record withoutAwaited(Record record) {
        return record.hasMachineExpected()
                ? record.toBuilder()
                        .setMachineExpected(
                                record.getMachineExpected().toBuilder().clearAwaited())
                        .build()
                : record;
    }
}
