package io.raftfleet.chaos.check;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Call;
import io.raftfleet.chaos.history.Event.Change;
import io.raftfleet.chaos.history.Event.Kind;
import io.raftfleet.chaos.history.Event.Outcome;
import io.raftfleet.chaos.history.Event.Position;
import io.raftfleet.chaos.history.Event.Row;
import io.raftfleet.chaos.history.Event.UnitValue;
import io.raftfleet.chaos.history.History;
import io.raftfleet.chaos.history.Recorder;
import io.raftfleet.chaos.report.Report;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The checks and the report cope with a campaign as long as {@code -Draftfleet.history.minutes} says (1), with as much in it a minute as
 * real ones have.
 */
class LongHistoryTest {
    private static final int MINUTES = Integer.getInteger("raftfleet.history.minutes", 1);
    private static final int OPERATIONS_A_MINUTE = 5_000;
    private static final int FAULTS_A_MINUTE = 18;
    private static final int UNITS = 10;
    private static final int OPERATIONS_A_UNIT = 60;
    private static final int LEDGER_MOST = 5_000;
    /** A page of this size is about ten times as long as one with a fault in a hundred. */
    private static final int PAGE_BYTES_A_FAULT = 600;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final TreeMap<String, Row> registry = new TreeMap<>();
    private long at = 1;
    private long index = 1;
    private long op;
    private int unit = UNITS;

    @TempDir
    private Path dir;

    @Test
    void aLongCampaignIsChecked() throws Exception {
        System.out.println("LongHistoryTest seed " + seed);
        var file = dir.resolve("history.jsonl");
        try (var recorder = new Recorder(file)) {
            write(recorder);
        }
        long began = System.nanoTime();
        var history = History.read(file);
        long read = System.nanoTime();
        for (var check : List.of(
                new LinearizableUnits(),
                new AcknowledgedWrites(),
                new ListPages(),
                new HttpPages(),
                new WatchOrder(),
                new OneMachine(),
                new FencedUnits(),
                new EqualRegistries())) {
            long from = System.nanoTime();
            var finding = check.check(history);
            assertThat(finding.violations())
                    .as("%s, seed %d", finding.promise(), seed)
                    .isEmpty();
            assertThat(finding.examined())
                    .as("%s, seed %d", finding.promise(), seed)
                    .isPositive();
            print(finding.promise(), from);
        }
        long from = System.nanoTime();
        var page = Report.page(history, List.of());
        print("the report, " + page.length() + " characters", from);
        assertThat(page.length()).isLessThan(400_000 + PAGE_BYTES_A_FAULT * FAULTS_A_MINUTE * MINUTES);
        var runtime = Runtime.getRuntime();
        System.out.printf(
                "[figure] a history of %d minutes: %d events, read in %d ms, %d MiB of heap%n",
                MINUTES,
                history.events().size(),
                Duration.ofNanos(read - began).toMillis(),
                (runtime.totalMemory() - runtime.freeMemory()) >> 20);
    }

    private static void print(String what, long from) {
        System.out.printf(
                "[figure] %d minutes, %s: %d ms%n",
                MINUTES, what, Duration.ofNanos(System.nanoTime() - from).toMillis());
    }

    private void write(Recorder recorder) {
        recorder.add(new Event.Began(
                0,
                1,
                seed,
                "none",
                "",
                List.of("e1", "e2", "e3"),
                Map.of("a1", List.of("m1"), "a2", List.of("m2")),
                10_000,
                List.of(),
                "f",
                false));
        for (int engine = 1; engine <= 3; engine++) {
            recorder.add(new Event.WatchBased(at, "watch-e" + engine, "e" + engine, position(), List.of()));
        }
        int ledger = 0;
        int operations = OPERATIONS_A_MINUTE * MINUTES;
        for (int i = 0; i < operations; i++) {
            if (i % OPERATIONS_A_UNIT == 0) {
                unit++;
            }
            if (i % 8 == 0 && ledger < LEDGER_MOST) {
                call(recorder, new Call(Kind.CREATE, "w" + ++ledger + ".service", "v1", "inactive", true, 0));
            } else {
                shared(recorder, (random.nextInt(4) == 0 ? "f" : "r") + (unit - random.nextInt(UNITS)) + ".service");
            }
            if (i % 7 == 0) {
                page(recorder, i % 21 == 0);
            }
            if (i % (OPERATIONS_A_MINUTE / FAULTS_A_MINUTE) == 0) {
                recorder.add(new Event.FaultBegan(at, op, "kind" + i % 20, List.of("e1"), "what it did to whom"));
                recorder.add(new Event.FaultEnded(at + 1_000_000_000L, op));
            }
        }
        recorder.add(new Event.Settled(++at, true, ""));
        at++;
        page(recorder, false, registry.size());
    }

    private void shared(Recorder recorder, String name) {
        int dice = random.nextInt(4);
        var row = registry.get(name);
        if (dice == 0 || (dice == 1 && row != null)) {
            call(recorder, Call.of(Kind.READ, name, "", ""));
        } else if (row == null) {
            call(recorder, Call.of(Kind.CREATE, name, "v" + random.nextInt(3), "launched"));
        } else {
            call(recorder, Call.of(Kind.DESTROY, name, "", ""));
        }
    }

    /** One operation, which takes 10 ms, and what watches tell and machines do because of it; some overlap the next. */
    private void call(Recorder recorder, Call call) {
        long began = at;
        at += 10_000_000;
        recorder.add(new Event.Invoked(began, ++op, "c", "e1", call));
        @Nullable UnitValue value = null;
        if (call.kind() == Kind.READ) {
            var row = registry.get(call.unit());
            value = row == null ? null : row.value();
        } else {
            index++;
            boolean made = call.kind() == Kind.CREATE;
            var row = made ? new Row(call.unit(), call.contents(), call.target(), call.ledger() ? "" : "m1") : null;
            if (row == null) {
                registry.remove(call.unit());
            } else {
                registry.put(call.unit(), row);
            }
            for (int engine = 1; engine <= 3; engine++) {
                recorder.add(new Event.WatchFrame(
                        at, "watch-e" + engine, position(), List.of(new Change(position(), call.unit(), row))));
            }
            if (!call.ledger()) {
                var step = made ? Event.Step.STARTED : Event.Step.STOPPED;
                recorder.add(new Event.UnitRan(at, "m1", call.unit(), step, "run"));
            }
            recorder.add(new Event.EngineView(at, "e" + (1 + op % 2), index, "digest"));
            recorder.add(new Event.EngineView(at, "e3", index, "digest"));
        }
        boolean unknown = call.kind() == Kind.READ && random.nextInt(100) == 0;
        recorder.add(new Event.Returned(
                at + random.nextInt(20_000_000),
                op,
                unknown ? Outcome.UNKNOWN : Outcome.ANSWERED,
                call.kind() == Kind.READ ? "found" : "OK",
                value,
                call.ledger() ? position() : null));
        at += 2_000_000;
    }

    private void page(Recorder recorder, boolean http) {
        page(recorder, http, 10 + random.nextInt(30));
    }

    private void page(Recorder recorder, boolean http, int size) {
        var rows = new ArrayList<>(registry.values());
        boolean last = rows.size() <= size;
        var some = List.copyOf(rows.subList(0, Math.min(size, rows.size())));
        recorder.add(
                http
                        ? new Event.HttpListed(at + 1_000_000, at, "h", "e1", "", last, null, some)
                        : new Event.Listed(at, at, "l", "e1", false, "", last, position(), some));
    }

    private Position position() {
        return new Position(7, index, 0);
    }
}
