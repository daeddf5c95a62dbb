package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Call;
import io.raftfleet.chaos.history.Event.Kind;
import io.raftfleet.chaos.history.Event.Outcome;
import io.raftfleet.chaos.history.Event.Position;
import io.raftfleet.chaos.history.Event.Row;
import io.raftfleet.chaos.history.Event.Running;
import io.raftfleet.chaos.history.Event.Step;
import io.raftfleet.chaos.history.Event.UnitValue;
import io.raftfleet.chaos.history.History;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Writes histories by hand. Each event is a second after the one before, unless a test says otherwise. */
final class Histories {
    private final List<Event> events = new ArrayList<>();
    private long op;
    private long second;

    Histories() {
        events.add(new Event.Began(
                0,
                Event.FORMAT,
                1,
                "replay",
                "2026-01-01T00:00:00Z",
                List.of("e1", "e2", "e3"),
                Map.of("a1", List.of("m1"), "a2", List.of("m2")),
                10_000,
                List.of("steady1.service"),
                "f",
                true));
    }

    History history() {
        return new History(events);
    }

    long at() {
        return TimeUnit.SECONDS.toNanos(++second);
    }

    Histories skip(long seconds) {
        second += seconds;
        return this;
    }

    Histories add(Event event) {
        events.add(event);
        return this;
    }

    static Position revision(long index) {
        return new Position(7, index, 0);
    }

    Histories ledger(String unit, Outcome outcome, long index) {
        return call(new Call(Kind.CREATE, unit, "v1", "inactive", true, 0), outcome, "OK", null, revision(index));
    }

    Histories read(String unit, @Nullable UnitValue found) {
        return call(Call.of(Kind.READ, unit, "", ""), Outcome.ANSWERED, "found", found, null);
    }

    Histories write(Kind kind, String unit, String contents, String target, String code) {
        return call(Call.of(kind, unit, contents, target), Outcome.ANSWERED, code, null, null);
    }

    Histories unknown(Kind kind, String unit, String contents, String target) {
        return call(Call.of(kind, unit, contents, target), Outcome.UNKNOWN, "UNAVAILABLE", null, null);
    }

    private Histories call(
            Call call, Outcome outcome, String code, @Nullable UnitValue found, @Nullable Position revision) {
        long id = ++op;
        events.add(new Event.Invoked(at(), id, "c1", "e1", call));
        events.add(new Event.Returned(at(), id, outcome, code, found, revision));
        return this;
    }

    Histories staleRead(String unit, @Nullable UnitValue found, long index) {
        return call(Call.of(Kind.STALE_READ, unit, "", ""), Outcome.ANSWERED, "found", found, revision(index));
    }

    Histories read(String unit, @Nullable UnitValue found, long index) {
        return call(Call.of(Kind.READ, unit, "", ""), Outcome.ANSWERED, "found", found, revision(index));
    }

    Histories patch(String key, String value, Outcome outcome, String code) {
        return call(Call.of(Kind.PATCH, key, value, ""), outcome, code, null, null);
    }

    Histories readMetadata(String key, @Nullable String value) {
        return call(
                Call.of(Kind.READ_METADATA, key, "", ""),
                Outcome.ANSWERED,
                "found",
                value == null ? null : new UnitValue(value, ""),
                null);
    }

    Histories settled() {
        return add(new Event.Settled(at(), true, ""));
    }

    Histories page(long index, boolean last, String after, Row... rows) {
        long asked = at();
        return add(new Event.Listed(at(), asked, "l", "e1", false, after, last, revision(index), List.of(rows)));
    }

    Histories base(String watcher, long index, Row... rows) {
        return add(new Event.WatchBased(at(), watcher, "e1", revision(index), List.of(rows)));
    }

    Histories frame(String watcher, long upTo, Event.Change... changes) {
        return add(new Event.WatchFrame(at(), watcher, revision(upTo), List.of(changes)));
    }

    Histories ran(String machine, String unit, Step step) {
        return add(new Event.UnitRan(at(), machine, unit, step, "run"));
    }

    Histories presence(String machine, boolean present) {
        return add(new Event.Presence(at(), machine, present));
    }

    /** An engine says where its log ends, asked and answered at one time. */
    Histories log(String engine, long term, long committed, long index, Map<String, Long> matched) {
        long now = at();
        return add(new Event.EngineLog(now, now, engine, term, committed, index, matched));
    }

    Histories states(List<Running> reported, List<Running> managed) {
        add(new Event.Reported(at(), reported));
        return add(new Event.Managed(at(), "m1", managed));
    }

    static Row row(String unit) {
        return new Row(unit, "v1", "inactive", "");
    }

    static Event.Change change(long index, String unit, @Nullable Row row) {
        return new Event.Change(revision(index), unit, row);
    }
}
