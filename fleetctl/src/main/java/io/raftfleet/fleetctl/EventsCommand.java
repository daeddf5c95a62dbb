package io.raftfleet.fleetctl;

import io.grpc.Status;
import io.raftfleet.client.CompactedException;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.client.Watch;
import io.raftfleet.proto.fleet.ListEventsRequest;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.model.Event;
import io.raftfleet.proto.model.EventKind;
import io.raftfleet.proto.model.Revision;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** {@code events}: what has happened, when, why, and by whom. */
final class EventsCommand extends FleetCommand {
    private static final int INTERRUPTED = 130;
    private static final Duration LOOK = Duration.ofSeconds(1);
    /** Without an answer for so long, nobody is asked any more. */
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(30);

    private static final int PAUSE_MS = 250;
    private static final Pattern MACHINE = Pattern.compile("[0-9a-f]{4,32}(?:\\.\\.\\.)?(?:/.*)?");

    boolean follow;

    @Nullable
    String since;

    boolean json;

    @Nullable
    String argument;

    /** Of the last event that was printed. */
    private Revision printed = Revision.getDefaultInstance();

    EventsCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "events",
                "Print what has happened in the cluster: when, why, and by whom",
                "",
                "Of a unit, or of units by a pattern, of a machine, by its id or the start of it, or of all. Times are the leader's, in UTC. The"
                        + " newest events are kept, the same on every engine; what happens alike again within ten minutes is one line that"
                        + " says how often. Ctrl-C ends --follow.");
        syntax.add(Syntax.yesOrNo(given -> follow = given, "-f", "--follow")
                .description("Go on with what happens, over changes of the leader too."));
        syntax.add(
                Syntax.value(String.class, given -> since = given, "--since")
                        .paramLabel("DURATION|TIME")
                        .description(
                                "Only what happened within 90s, 15m or 2h, or since 2026-11-27T14:00:00Z, \"2026-11-27 14:00\" or 2026-11-27, in UTC."));
        syntax.add(Syntax.yesOrNo(given -> json = given, "--json").description("A JSON object a line."));
        syntax.add(Syntax.argument(String.class, given -> argument = given)
                .arity("0..1")
                .paramLabel("UNIT|MACHINE"));
    }

    @Override
    public Integer call() {
        try {
            var asked = asked();
            var happened = FleetClient.join(session.client().listEventsAsync(asked));
            if (happened.gap() && asked.getSinceMs() != 0) {
                session.err("Earlier events are kept no longer");
            }
            happened.events().forEach(this::print);
            if (happened.events().isEmpty()) {
                requireKnown(asked);
                session.err(follow ? "No such event yet; waiting for one" : "No such events are kept");
            }
            session.terminal().out().flush();
            if (follow) {
                follow(asked, happened.revision());
            }
            return 0;
        } catch (FleetClientException e) {
            String old = e.code() == Status.Code.UNIMPLEMENTED ? "; it takes an engine that keeps events" : "";
            throw new CommandException("Error retrieving events: " + e.getMessage() + old, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return INTERRUPTED;
        }
    }

    private ListEventsRequest asked() {
        var request = ListEventsRequest.newBuilder();
        if (since != null) {
            request.setSinceMs(time(since, Instant.now()).toEpochMilli());
        }
        String of = argument;
        if (of == null) {
            return request.build();
        }
        if (MACHINE.matcher(of).matches()) {
            if (!MachineLookup.matchingKnown(session, of).isEmpty()) {
                return request.setMachineId(MachineLookup.known(session, of).getId())
                        .build();
            }
            if (of.length() == 32) {
                return request.setMachineId(of).build(); // One that was forgotten.
            }
        }
        return UnitNames.isPattern(of)
                ? request.addNames(of).build()
                : request.addAllNames(UnitNames.asFilter(List.of(UnitNames.mangle(of))))
                        .build();
    }

    /** Nothing is to be waited for, or concluded, of what is not there and of which nothing is kept. */
    private void requireKnown(ListEventsRequest asked) {
        String of = argument;
        if (of == null || UnitNames.isPattern(of) || !asked.getMachineId().isEmpty() || follow) {
            return;
        }
        String name = UnitNames.mangle(of);
        if (session.client().getUnit(name) == null) {
            throw new CommandException(
                    UnitHints.absent(session, name, "Unit " + name + " does not exist, and no events of it are kept"));
        }
    }

    /**
     * When --since says.
     *
     * @throws CommandException when it is no time, or one that is to come
     */
    static Instant time(String text, Instant now) {
        Instant time;
        if (text.matches("[0-9]+[smh]?")) {
            time = now.minus(Words.duration(text));
        } else {
            try {
                time = text.length() <= 10
                        ? LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant()
                        : text.endsWith("Z")
                                ? Instant.parse(text)
                                : LocalDateTime.parse(text.replace(' ', 'T')).toInstant(ZoneOffset.UTC);
            } catch (DateTimeParseException e) {
                throw CommandException.usage(
                        "--since \"" + text + "\" is no time: give 90s, 15m or 2h, or a time as 2026-11-27T14:00:00Z");
            }
        }
        if (time.isAfter(now)) {
            throw CommandException.usage("--since " + text + " is yet to come; times are in UTC, where it is "
                    + Words.time(now.toEpochMilli()));
        }
        return time;
    }

    private void follow(ListEventsRequest asked, Revision first) throws InterruptedException {
        Revision from = first;
        while (true) {
            var request = WatchRequest.newBuilder()
                    .setAfter(from)
                    .addAllNames(asked.getNamesList())
                    .setEvents(true)
                    .build();
            try (Watch watch = session.client().watch(request)) {
                while (!session.terminal().out().checkError()) {
                    WatchResponse frame = watch.next(LOOK);
                    if (frame != null) {
                        frame.getEventsList().stream()
                                .filter(change -> change.hasEvent())
                                .map(change -> change.getEvent())
                                .filter(this::isNew)
                                .filter(event -> asked.getMachineId().isEmpty()
                                        || asked.getMachineId().equals(event.getMachineId()))
                                .forEach(this::print);
                        session.terminal().out().flush();
                    }
                    from = watch.revision();
                }
                return;
            } catch (CompactedException e) {
                from = catchUp(asked, from);
            }
        }
    }

    /** Events are kept longer than what watches resume from. */
    private Revision catchUp(ListEventsRequest asked, Revision from) throws InterruptedException {
        long begun = System.nanoTime();
        while (true) {
            try {
                var missed = FleetClient.join(session.client()
                        .listEventsAsync(asked.toBuilder().setAfter(from).build()));
                if (missed.gap()) {
                    session.err("Some events are kept no longer and are missing here");
                }
                missed.events().forEach(this::print);
                session.terminal().out().flush();
                return missed.revision();
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

    /** A list of several pages is as of its last one, and a watch goes on from its first. */
    private boolean isNew(Event event) {
        var last = printed;
        return last.getIncarnation() != event.getRevision().getIncarnation()
                || Long.compareUnsigned(event.getRevision().getIndex(), last.getIndex()) > 0
                || (event.getRevision().getIndex() == last.getIndex()
                        && event.getRevision().getOrdinal() > last.getOrdinal());
    }

    private void print(Event event) {
        printed = event.getRevision();
        if (!json) {
            session.out(line(event));
            return;
        }
        var object = new LinkedHashMap<String, @Nullable Object>();
        object.put("time", Instant.ofEpochMilli(event.getTimeMs()).toString());
        object.put("kind", kind(event));
        object.put("unit", event.getUnit().isEmpty() ? null : event.getUnit());
        object.put("machine", event.getMachineId().isEmpty() ? null : event.getMachineId());
        object.put("by", event.getBy().isEmpty() ? null : event.getBy());
        object.put("detail", event.getDetail());
        object.put("times", event.getTimes());
        object.put(
                "since",
                event.getTimes() > 1 ? Instant.ofEpochMilli(event.getFirstMs()).toString() : null);
        object.put("message", event.getMessage());
        object.put(
                "revision",
                event.getRevision().getIndex() + "." + event.getRevision().getOrdinal());
        JsonOutput.print(session.terminal().out(), object);
    }

    private static String kind(Event event) {
        return event.getKind() == EventKind.UNRECOGNIZED
                ? "other" // Of an engine that is newer.
                : event.getKind().name().toLowerCase(Locale.ROOT).substring("event_kind_".length());
    }

    /** When, of what, and what. */
    static String line(Event event) {
        String subject = !event.getUnit().isEmpty()
                ? event.getUnit()
                : event.getMachineId().isEmpty()
                        ? "cluster"
                        : "machine " + Words.machineId(event.getMachineId(), false);
        return Words.time(event.getTimeMs()) + " " + subject + ": "
                + event.getMessage().replace("\n", "\\n");
    }
}
