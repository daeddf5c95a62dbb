package io.raftfleet.chaos.history;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A whole history, in the order of its times. */
public record History(List<Event> events) {
    public History {
        events = events.stream().sorted(Comparator.comparingLong(Event::at)).toList();
    }

    /**
     * Reads a whole file that {@link Recorder} wrote, of this format or an older one.
     *
     * @throws BadHistoryException when it is something else, was cut short, or is of a newer format
     * @throws IOException when it can't be read
     */
    public static History read(Path file) throws IOException {
        return HistoryReader.read(file);
    }

    /** All events of a type. */
    public <T extends Event> Stream<T> all(Class<T> type) {
        return events.stream().filter(type::isInstance).map(type::cast);
    }

    /** All pages that state their revision, those over HTTP too. */
    public Stream<Event.Listed> pages() {
        return events.stream().mapMulti((event, pages) -> {
            if (event instanceof Event.Listed page) {
                pages.accept(page);
            } else if (event instanceof Event.HttpListed page && page.dated() != null) {
                pages.accept(page.dated());
            }
        });
    }

    /** The first line. */
    public Event.Began began() {
        return all(Event.Began.class)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("the history has no line of type \"began\""));
    }

    /** When the last event happened. */
    public long end() {
        return events.isEmpty() ? 0 : events.getLast().at();
    }

    /** Operations, in the order in which they were invoked. Those that have not returned are of unknown outcome. */
    public List<Operation> operations() {
        Map<Long, Event.Returned> returns = new HashMap<>();
        all(Event.Returned.class).forEach(event -> returns.put(event.op(), event));
        return all(Event.Invoked.class)
                .map(invoked -> new Operation(
                        invoked,
                        returns.getOrDefault(
                                invoked.op(),
                                new Event.Returned(
                                        Long.MAX_VALUE, invoked.op(), Event.Outcome.UNKNOWN, "no answer", null, null))))
                .toList();
    }

    /** An operation from its invocation to its end. */
    public record Operation(Event.Invoked invoked, Event.Returned returned) {
        public Event.Call call() {
            return invoked.call();
        }

        public boolean answered() {
            return returned.outcome() == Event.Outcome.ANSWERED;
        }
    }
}
