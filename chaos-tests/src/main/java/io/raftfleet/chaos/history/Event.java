package io.raftfleet.chaos.history;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One line of a history. Times are nanoseconds of one monotonic clock since the campaign began. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Event.Began.class, name = "began"),
    @JsonSubTypes.Type(value = Event.Skipped.class, name = "skipped"),
    @JsonSubTypes.Type(value = Event.Invoked.class, name = "invoked"),
    @JsonSubTypes.Type(value = Event.Returned.class, name = "returned"),
    @JsonSubTypes.Type(value = Event.Listed.class, name = "listed"),
    @JsonSubTypes.Type(value = Event.HttpListed.class, name = "http-listed"),
    @JsonSubTypes.Type(value = Event.ListFailed.class, name = "list-failed"),
    @JsonSubTypes.Type(value = Event.Retried.class, name = "retried"),
    @JsonSubTypes.Type(value = Event.WatchBased.class, name = "watch-based"),
    @JsonSubTypes.Type(value = Event.WatchFrame.class, name = "watch-frame"),
    @JsonSubTypes.Type(value = Event.FaultBegan.class, name = "fault-began"),
    @JsonSubTypes.Type(value = Event.FaultEnded.class, name = "fault-ended"),
    @JsonSubTypes.Type(value = Event.Expected.class, name = "expected"),
    @JsonSubTypes.Type(value = Event.LeaderSeen.class, name = "leader"),
    @JsonSubTypes.Type(value = Event.EngineView.class, name = "engine-view"),
    @JsonSubTypes.Type(value = Event.EngineLog.class, name = "engine-log"),
    @JsonSubTypes.Type(value = Event.Presence.class, name = "presence"),
    @JsonSubTypes.Type(value = Event.UnitRan.class, name = "unit"),
    @JsonSubTypes.Type(value = Event.MachineCrashed.class, name = "machine-crashed"),
    @JsonSubTypes.Type(value = Event.Settled.class, name = "settled"),
    @JsonSubTypes.Type(value = Event.Reported.class, name = "reported"),
    @JsonSubTypes.Type(value = Event.Managed.class, name = "managed"),
    @JsonSubTypes.Type(value = Event.Mirrored.class, name = "mirrored"),
    @JsonSubTypes.Type(value = Event.Ended.class, name = "ended")
})
public sealed interface Event {
    /** The format of histories that are written now. Older ones can be read as well. */
    int FORMAT = 2;

    /** When it happened. */
    long at();

    /**
     * The first line.
     *
     * @param format of the file, from 1 to {@link #FORMAT}
     * @param command that replays the campaign
     * @param wallClock when it began, ISO 8601
     * @param machines machine ids by the host that they are on
     * @param ttlMs after which a silent machine is lost
     * @param steady units that run from the beginning on and that no client touches
     * @param fenced what names of units with {@code Fence=true} begin with, and no others; empty: there are none
     * @param mirrored whether the registry is mirrored to an etcd
     */
    record Began(
            long at,
            int format,
            long seed,
            String command,
            String wallClock,
            List<String> engines,
            Map<String, List<String>> machines,
            long ttlMs,
            List<String> steady,
            String fenced,
            boolean mirrored)
            implements Event {}

    /** A kind of fault that can't be injected here. */
    record Skipped(long at, String fault, String why) implements Event {}

    /** A client begins an operation on one unit. */
    record Invoked(long at, long op, String client, String engine, Call call) implements Event {}

    /**
     * An operation has ended.
     *
     * @param code what the engine answered, for people and the model: an item code, an HTTP status, an error
     * @param value what a read found; null: no such unit
     * @param revision that the answer states, if any
     */
    record Returned(
            long at,
            long op,
            Outcome outcome,
            String code,
            @Nullable UnitValue value,
            @Nullable Position revision) implements Event {}

    /**
     * A page of a list of all units.
     *
     * @param asked when the client asked for it
     * @param after the page begins behind this name; empty for a first page
     * @param last whether nothing follows
     */
    record Listed(
            long at,
            long asked,
            String client,
            String engine,
            boolean stale,
            String after,
            boolean last,
            Position revision,
            List<Row> rows)
            implements Event {}

    /**
     * The same of a page over HTTP.
     *
     * @param revision null: it states none
     */
    record HttpListed(
            long at,
            long asked,
            String client,
            String engine,
            String after,
            boolean last,
            @Nullable Position revision,
            List<Row> rows)
            implements Event {
        /** The same as any other page; null when it states no revision. */
        @Nullable
        Listed dated() {
            return revision == null ? null : new Listed(at, asked, client, engine, false, after, last, revision, rows);
        }
    }

    /**
     * A page that was asked for and not answered. The client begins anew with a first page.
     *
     * @param http whether it was asked for over HTTP
     * @param after the page was to begin behind this name
     * @param code a gRPC status, an HTTP status, an exception
     */
    record ListFailed(
            long at, long asked, String client, String engine, boolean http, boolean stale, String after, String code)
            implements Event {}

    /** The client's library goes on with an operation under the same request id after an attempt that failed. */
    record Retried(long at, long op, String client, String why) implements Event {}

    /** A watcher begins, or begins anew, with all units at a revision. */
    record WatchBased(long at, String watcher, String engine, Position revision, List<Row> rows) implements Event {}

    /** What a watcher was told. Everything up to {@code upTo} has been told with this frame. */
    record WatchFrame(long at, String watcher, Position upTo, List<Change> changes) implements Event {}

    /** @param hosts that it hits, engines and agents by name */
    record FaultBegan(long at, long fault, String kind, List<String> hosts, String detail) implements Event {}

    record FaultEnded(long at, long fault) implements Event {}

    /** Something that must happen under a fault did or did not. */
    record Expected(long at, long fault, String what, boolean met, String evidence) implements Event {}

    record LeaderSeen(long at, String engine, long term) implements Event {}

    /** An engine's registry at an index. */
    record EngineView(long at, String engine, long index, String digest) implements Event {}

    /**
     * Where an engine's log ends and, while it leads, how far it counts its followers' logs as equal.
     *
     * @param asked when it was asked
     * @param term that it is in
     * @param committed index up to which it knows entries to be committed
     * @param index of the last entry that it holds, in its log or covered by its checkpoint
     * @param matched by follower; empty unless it leads the term
     */
    record EngineLog(
            long at, long asked, String engine, long term, long committed, long index, Map<String, Long> matched)
            implements Event {}

    /** A machine was heard again, or was lost, as the registry has it. */
    record Presence(long at, String machine, boolean present) implements Event {}

    /**
     * A unit started or stopped, as its machine's manager has it.
     *
     * @param at when it happened, by the manager's own clock
     * @param run names this run of the unit: systemd's invocation id, or a number
     */
    record UnitRan(long at, String machine, String unit, Step step, String run) implements Event {}

    /** A machine in memory ended with all that ran on it, and begins anew, empty. */
    record MachineCrashed(long at, String machine) implements Event {}

    /** All faults are over, all traffic has ended, all agents are back. */
    record Settled(long at, boolean ready, String detail) implements Event {}

    /** What the cluster says that runs where, once settled. */
    record Reported(long at, List<Running> units) implements Event {}

    /** What one machine's manager says that runs on it, once settled. */
    record Managed(long at, String machine, List<Running> units) implements Event {}

    /**
     * What was to be in etcd and what was, once settled: facts by key, without the mirror's prefix.
     *
     * @param registry as the engines' list of units has it
     */
    record Mirrored(long at, Map<String, String> registry, Map<String, String> etcd) implements Event {}

    /** The last line of a history that is whole; there is none in format 1. */
    record Ended(long at) implements Event {}

    /** Whether a unit began or ended to run. */
    enum Step {
        STARTED,
        STOPPED
    }

    /** How an operation ended. */
    enum Outcome {
        /** Answered: done, or refused for a reason that says what the unit was. */
        ANSWERED,
        /** Certainly not done. */
        FAILED,
        /** May have been done, or be done yet. */
        UNKNOWN
    }

    /** What a client asks of a unit. */
    enum Kind {
        CREATE,
        /** Creates, or puts other contents and a target state in place of what is there. */
        REPLACE,
        /** HTTP's: creates, replaces, or sets the target state. */
        PUT,
        SET_TARGET,
        /** Sets the target state launched, and asks for one more start. */
        RESTART,
        DESTROY,
        READ,
        /** Of what the engine has, without asking the others. */
        STALE_READ,
        /** Sets a key of a machine's metadata, or removes it. */
        PATCH,
        /** Of a key of a machine's metadata. */
        READ_METADATA;

        /** Whether it is about a machine's metadata, not about a unit. */
        public boolean ofMetadata() {
            return this == PATCH || this == READ_METADATA;
        }
    }

    /**
     * An operation on one unit, or on one key of a machine's metadata: then {@code unit} is the machine's id, a slash and the key,
     * and {@code contents} the value, empty to remove it.
     *
     * @param contents a name for them, that of one write alone unless it repeats contents on purpose
     * @param ledger whether the unit is of those that are created once and never touched again
     * @param batch number of the first operation that was sent in the same message; 0: alone in its message
     */
    record Call(Kind kind, String unit, String contents, String target, boolean ledger, long batch) {
        /** Alone in its message. */
        public static Call of(Kind kind, String unit, String contents, String target) {
            return new Call(kind, unit, contents, target, false, 0);
        }
    }

    /** What the registry has of a unit that clients decide; of metadata, a value as {@code contents}. */
    record UnitValue(String contents, String target) {}

    /** A unit in a list. */
    record Row(String unit, String contents, String target, String machine) {
        public UnitValue value() {
            return new UnitValue(contents, target);
        }
    }

    /** @param row null: destroyed */
    record Change(Position revision, String unit, @Nullable Row row) {}

    /** A unit that runs; {@code pid} is 0 when its process is unknown. */
    record Running(String unit, String machine, String active, long pid) {}

    /** A revision. */
    record Position(long incarnation, long index, long ordinal) implements Comparable<Position> {
        @Override
        public int compareTo(Position other) {
            int byIndex = Long.compareUnsigned(index, other.index);
            return byIndex != 0 ? byIndex : Long.compareUnsigned(ordinal, other.ordinal);
        }
    }
}
