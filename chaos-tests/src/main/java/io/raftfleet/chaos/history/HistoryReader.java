package io.raftfleet.chaos.history;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads the files of histories, and tells what is wrong with those that are none. Holds no state. */
final class HistoryReader {
    /** Older formats lack fields: what stands for them is null, 0, false. */
    private static final JsonMapper JSON = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .build();
    /** The first format whose last line is {@link Event.Ended}. */
    private static final int FORMAT_WITH_END = 2;

    private HistoryReader() {}

    static History read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new BadHistoryException(file, " is no file: name the history.jsonl of a campaign", null);
        }
        var events = new ArrayList<Event>();
        var interner = new Interner();
        try (var in = Files.newBufferedReader(file)) {
            var line = in.readLine();
            int format = format(file, line);
            while (line != null) {
                var next = in.readLine();
                events.add(interner.intern(event(file, line, events.size() + 1, next == null)));
                line = next;
            }
            requireEnd(file, format, events);
        } catch (CharacterCodingException e) {
            throw foreign(file, "it is not UTF-8", e);
        }
        return new History(events);
    }

    private static int format(Path file, @Nullable String line) throws BadHistoryException {
        if (line == null || line.isBlank()) {
            throw foreign(file, "its first line is empty", null);
        }
        JsonNode first;
        try {
            first = JSON.readTree(line);
        } catch (JacksonException e) {
            throw foreign(file, "its first line is no JSON", e);
        }
        int format = first.path("format").asInt(0);
        if (!first.path("type").asString("").equals("began") || format < 1) {
            throw foreign(file, "its first line is not of type \"began\" with a format", null);
        }
        if (format > Event.FORMAT) {
            throw new BadHistoryException(
                    file,
                    " is a history of format " + format + ", and this program reads formats 1 to " + Event.FORMAT
                            + ": check it with the version that wrote it, or a later one",
                    null);
        }
        return format;
    }

    private static Event event(Path file, String line, int number, boolean last) throws BadHistoryException {
        try {
            return JSON.readValue(line, Event.class);
        } catch (JacksonException e) {
            throw last
                    ? cutShort(file, "in the middle of line " + number, e)
                    : new BadHistoryException(
                            file,
                            ", line " + number + ", is no event: " + e.getOriginalMessage()
                                    + "; the file was damaged or edited, take it from the campaign's directory again",
                            e);
        }
    }

    private static void requireEnd(Path file, int format, List<Event> events) throws BadHistoryException {
        boolean ended = format < FORMAT_WITH_END
                ? events.stream().anyMatch(Event.Settled.class::isInstance)
                : events.getLast() instanceof Event.Ended;
        if (!ended) {
            throw cutShort(
                    file, "after line " + events.size() + ", without the line that every whole one ends with", null);
        }
    }

    private static BadHistoryException foreign(Path file, String why, @Nullable Throwable cause) {
        return new BadHistoryException(
                file, " is no history of a campaign: " + why + "; name the history.jsonl of a campaign", cause);
    }

    private static BadHistoryException cutShort(Path file, String where, @Nullable Throwable cause) {
        return new BadHistoryException(
                file,
                " ends " + where + ": the campaign was stopped before its end, or the file was not copied whole; what"
                        + " such a history lacks can't be told from what did not happen",
                cause);
    }
}
