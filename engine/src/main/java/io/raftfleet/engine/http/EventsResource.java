package io.raftfleet.engine.http;

import io.raftfleet.engine.api.ChangeFeed;
import io.raftfleet.engine.api.FleetApi;
import io.raftfleet.engine.http.Documents.EventDocument;
import io.raftfleet.engine.http.Documents.EventPage;
import io.raftfleet.proto.fleet.ListEventsRequest;
import io.raftfleet.proto.fleet.ListEventsResponse;
import io.raftfleet.proto.model.Event;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;

/**
 * {@code GET /events}: what has happened, oldest first, a page at a time. {@code unit}, any number of times, are names or globs, {@code
 * machine} is a machine's id, {@code after} a revision that an answer gave: of what came since alone. With {@code wait}, too, the answer
 * waits until something has happened, {@value #MOST_WAIT_S} s at most, and may then still be empty: it is asked again, after the revision of
 * that answer.
 */
final class EventsResource {
    /** Less than an answer may take. */
    private static final int MOST_WAIT_S = 10;

    private static final int MOST_NAMES = 100;
    private static final Pattern GLOB = Pattern.compile("[*?\\[]");

    private final FleetApi api;
    private final ChangeFeed feed;
    private final Deadlines deadlines;
    private final int pageSize;

    EventsResource(FleetApi api, ChangeFeed feed, Deadlines deadlines, int pageSize) {
        this.api = api;
        this.feed = feed;
        this.deadlines = deadlines;
        this.pageSize = pageSize;
    }

    CompletableFuture<HttpReply> list(HttpCall call) {
        var names = call.query().getOrDefault("unit", List.of());
        if (names.size() > MOST_NAMES) {
            throw new HttpProblem(400, names.size() + " units are asked for; at most " + MOST_NAMES + " are");
        }
        var after = Reads.revision(call, "after");
        var wait = wait(Reads.first(call, "wait"));
        var request = ListEventsRequest.newBuilder()
                .setPage(Reads.page(call, pageSize))
                .setRead(Reads.options(call))
                .addAllNames(names.stream().map(EventsResource::glob).toList())
                .setMachineId(Reads.first(call, "machine"));
        if (after != null) {
            request.setAfter(after);
        }
        var asked = request.build();
        return api.listEvents(asked, deadlines.read())
                .thenCompose(page -> {
                    boolean there =
                            page.getEventsCount() > 0 || !page.getNextToken().isEmpty();
                    return there || after == null || wait.isZero()
                            ? CompletableFuture.completedFuture(page)
                            : feed.after(page.getRevision(), "", wait)
                                    .thenCompose(changes -> api.listEvents(asked, deadlines.read()));
                })
                .thenApply(EventsResource::reply);
    }

    private static String glob(String name) {
        return GLOB.matcher(name).find() ? name : Reads.exactly(name);
    }

    private static Duration wait(String text) {
        if (text.isEmpty()) {
            return Duration.ZERO;
        }
        if (text.matches("[0-9]{1,9}")) {
            return Duration.ofSeconds(Math.min(MOST_WAIT_S, Integer.parseInt(text)));
        }
        throw new HttpProblem(
                400,
                "query parameter wait is \"" + text + "\"; it is a number of seconds, of which " + MOST_WAIT_S
                        + " are waited at most");
    }

    private static HttpReply reply(ListEventsResponse page) {
        return HttpReply.json(
                        200,
                        new EventPage(
                                page.getEventsList().stream()
                                        .map(EventsResource::document)
                                        .toList(),
                                page.getGap() ? Boolean.TRUE : null,
                                page.getNextToken(),
                                HttpReply.text(page.getRevision())))
                .at(page.getRevision());
    }

    private static EventDocument document(Event event) {
        return new EventDocument(
                event.getBy(),
                event.getDetail(),
                event.getTimes() > 1 ? time(event.getFirstMs()) : null,
                event.getKind().name().toLowerCase(Locale.ROOT).replaceFirst("^event_kind_", ""),
                event.getMachineId(),
                event.getMessage(),
                HttpReply.text(event.getRevision()),
                time(event.getTimeMs()),
                event.getTimes() > 1 ? event.getTimes() : null,
                event.getUnit());
    }

    private static String time(long ms) {
        return Instant.ofEpochMilli(ms).toString();
    }
}
