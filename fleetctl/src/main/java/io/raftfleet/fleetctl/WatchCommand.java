package io.raftfleet.fleetctl;

import io.grpc.Status;
import io.raftfleet.client.CompactedException;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.client.Watch;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.model.Revision;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** {@code watch}: units or machines as they change. */
final class WatchCommand extends FleetCommand {
    private static final int INTERRUPTED = 130;
    /** The table is drawn no more often. */
    private static final long REDRAW = TimeUnit.MILLISECONDS.toNanos(250);
    /** How often the terminal is asked for its size, and engines for how many units machines have. */
    private static final long LOOK = TimeUnit.SECONDS.toNanos(2);
    /** Without an answer for so long, nobody is asked any more. */
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(30);

    private static final int PAUSE_MS = 250;
    private static final Set<String> SUBJECTS = Set.of("units", "machines");
    /** Of states, those that people ask for. */
    private static final Set<String> USUAL = Set.of(
            "inactive",
            "loaded",
            "launched",
            "active",
            "reloading",
            "failed",
            "activating",
            "deactivating",
            "running",
            "exited",
            "dead",
            "listening",
            "waiting",
            "mounted",
            "unplaced",
            "present",
            "lost",
            "cordoned",
            "draining",
            "drained");

    @Nullable
    Set<String> states;

    @Nullable
    String machine;

    boolean json;

    @Nullable
    List<String> arguments;

    private final Map<String, List<WatchedRow>> rows = new TreeMap<>();
    /** Ids of those that --machine names; null: all. */
    private @Nullable Set<String> machines;

    private boolean drawn;
    private long drawnAt;
    private ScreenSize size = ScreenSize.USUAL;
    private long lookedAt;

    WatchCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "watch",
                "Show units or machines, and how they change, until Ctrl-C",
                "",
                "A table on a terminal, where what has changed in the last seconds is marked; elsewhere a line for each change: when this"
                        + " client saw it, of what, and what. Arguments: \"units\" (unless given) or \"machines\", then names or patterns. Goes on with"
                        + " another engine by itself.");
        syntax.add(Syntax.stringSet(given -> states = given, "--state")
                .splitRegex(",")
                .paramLabel("STATE[,...]")
                .description(
                        "Only units with this target state, ActiveState or SubState, or \"unplaced\"; or machines that are present, lost,"
                                + " cordoned, draining or drained."));
        syntax.add(Syntax.value(String.class, given -> machine = given, "--machine")
                .paramLabel("ID")
                .description("Only units on this machine, by its id or the start of it."));
        syntax.add(Syntax.yesOrNo(given -> json = given, "--json")
                .description("A JSON object on a line for each change, also on a terminal."));
        syntax.add(Syntax.arguments(given -> arguments = given).arity("0..*").paramLabel("units|machines|PATTERN"));
    }

    @Override
    public Integer call() {
        boolean live = session.terminal().interactive() && !json;
        if (machine != null) {
            machines = MachineLookup.someKnown(session, machine);
        }
        Watched watched = watched(live);
        try {
            Revision from = watched.list();
            watched.subjects().forEach(subject -> rows.put(subject, watched.rows(subject)));
            if (!live) {
                if (rows.values().stream().flatMap(List::stream).noneMatch(row -> admits(watched, row))) {
                    session.err("Nothing of that kind is there yet; waiting for it" + meant());
                }
                return follow(watched, from, null);
            }
            try (var screen = new Screen(session.terminal().out())) {
                return follow(watched, from, screen);
            }
        } catch (FleetClientException e) {
            throw new CommandException("Error watching: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return INTERRUPTED;
        }
    }

    private Watched watched(boolean live) {
        List<String> given = arguments == null ? List.of() : arguments;
        boolean named = !given.isEmpty() && SUBJECTS.contains(given.getFirst());
        if (!named && !given.isEmpty() && SUBJECTS.contains(given.getFirst() + "s")) {
            throw CommandException.usage(
                    "\"" + given.getFirst() + "\" is not units or machines; a unit of that name: fleetctl watch "
                            + UnitNames.mangle(given.getFirst()));
        }
        List<String> patterns = named ? given.subList(1, given.size()) : given;
        if (named && given.getFirst().equals("machines")) {
            if (machine != null) {
                throw CommandException.usage("--machine is for units; give machines as arguments");
            }
            return new Watched.Machines(session, patterns, live);
        }
        return new Watched.Units(session, UnitNames.asFilterOfPatterns(patterns));
    }

    /** Which state may have been meant by one that is rare; empty when none. */
    private String meant() {
        var unusual = states == null
                ? List.<String>of()
                : states.stream().filter(state -> !USUAL.contains(state)).toList();
        return unusual.isEmpty() ? "" : Suggestions.question(Suggestions.closest(unusual.getFirst(), USUAL), "");
    }

    private boolean admits(Watched watched, @Nullable WatchedRow row) {
        if (row == null) {
            return false;
        }
        return (machines == null || machines.contains(row.machineId()))
                && (states == null || watched.states(row).stream().anyMatch(states::contains));
    }

    /** Until nobody reads any more; returns the exit code. */
    private int follow(Watched watched, Revision first, @Nullable Screen screen) throws InterruptedException {
        var table = new LiveTable(watched.columns());
        Revision from = first;
        while (true) {
            var request = watched.request().setAfter(from).build();
            try (Watch watch = session.client().watch(request)) {
                while (!session.terminal().out().checkError()) {
                    WatchResponse frame = watch.next(Duration.ofNanos(REDRAW));
                    if (frame != null) {
                        apply(watched, frame, table, screen == null);
                    }
                    if (screen != null) {
                        draw(watched, table, screen);
                    }
                }
                return 0;
            } catch (CompactedException e) {
                from = again(watched, table, screen == null);
            }
        }
    }

    private void apply(Watched watched, WatchResponse frame, LiveTable table, boolean lines) {
        var touched = new TreeSet<String>();
        for (var event : frame.getEventsList()) {
            String subject = watched.apply(event);
            if (subject != null) {
                touched.add(subject);
                if (lines) {
                    update(watched, subject, table, true); // Each change has its line.
                }
            }
        }
        touched.forEach(subject -> update(watched, subject, table, lines));
    }

    private void update(Watched watched, String subject, LiveTable table, boolean lines) {
        List<WatchedRow> after = watched.rows(subject);
        List<WatchedRow> before = rows.getOrDefault(subject, List.of());
        if (after.isEmpty()) {
            rows.remove(subject);
        } else {
            rows.put(subject, after);
        }
        for (var change : WatchedRow.changes(before, after)) {
            drawn = false;
            if (change.after() != null) {
                table.changed(change.after(), System.currentTimeMillis());
            }
            if (lines && (admits(watched, change.before()) || admits(watched, change.after()))) {
                print(change);
            }
        }
    }

    /** What was missed is found by listing; engines may have no leader just then. */
    private Revision again(Watched watched, LiveTable table, boolean lines) throws InterruptedException {
        long begun = System.nanoTime();
        while (true) {
            try {
                Revision from = watched.list();
                var all = new TreeSet<>(rows.keySet());
                all.addAll(watched.subjects());
                all.forEach(subject -> update(watched, subject, table, lines));
                return from;
            } catch (FleetClientException e) {
                boolean passes = e.code() == Status.Code.UNAVAILABLE
                        || e.code() == Status.Code.DEADLINE_EXCEEDED
                        || e.code() == Status.Code.RESOURCE_EXHAUSTED;
                if (!passes || System.nanoTime() - begun > PATIENCE) {
                    throw e;
                }
                TimeUnit.MILLISECONDS.sleep(
                        PAUSE_MS + ThreadLocalRandom.current().nextInt(PAUSE_MS));
            }
        }
    }

    private void print(WatchedRow.Change change) {
        var row = change.either();
        String when = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
        if (json) {
            var object = new LinkedHashMap<String, @Nullable Object>();
            object.put("time", when);
            object.put(row.cells().containsKey("unit") ? "unit" : "machine", row.subject());
            if (row.cells().containsKey("unit")) {
                object.put("machine", row.machineId().isEmpty() ? null : row.machineId());
            }
            object.put("was", change.before() == null ? null : change.before().cells());
            object.put("is", change.after() == null ? null : change.after().cells());
            JsonOutput.print(session.terminal().out(), object);
        } else {
            boolean unit = row.cells().containsKey("unit");
            String name = unit ? row.subject() : row.cells().getOrDefault("machine", "");
            String where =
                    unit && !row.machineId().isEmpty() ? " on " + row.cells().get("machine") : "";
            session.out(when + " " + name + where + ": " + change.text().replace("\n", "\\n"));
        }
        session.terminal().out().flush();
    }

    private void draw(Watched watched, LiveTable table, Screen screen) {
        long now = System.nanoTime();
        if (lookedAt == 0 || now - lookedAt >= LOOK) {
            lookedAt = now;
            size = ScreenSize.now(session.terminal().environment());
            drawn = false; // Marks fade, too.
            if (watched instanceof Watched.Machines) {
                count(watched, table);
            }
        }
        if (drawn || now - drawnAt < REDRAW) {
            return;
        }
        drawn = true;
        drawnAt = now;
        List<WatchedRow> shown = rows.values().stream()
                .flatMap(List::stream)
                .filter(row -> admits(watched, row))
                .toList();
        String title = Instant.now().truncatedTo(ChronoUnit.SECONDS) + "  " + shown.size()
                + (watched instanceof Watched.Machines ? " machines" : " units") + "; Ctrl-C ends";
        screen.show(table.lines(shown, title, "nothing of that kind is there", size, System.currentTimeMillis()));
    }

    /** How many units machines have no watch tells. */
    private void count(Watched watched, LiveTable table) {
        try {
            watched.list();
        } catch (FleetClientException e) {
            return; // What is there is shown; the watch says if nobody answers.
        }
        var all = new TreeSet<>(rows.keySet());
        all.addAll(watched.subjects());
        all.forEach(subject -> update(watched, subject, table, false));
    }
}
