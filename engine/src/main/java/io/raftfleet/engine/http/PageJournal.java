package io.raftfleet.engine.http;

import io.raftfleet.engine.api.JournalFeed;
import io.raftfleet.engine.api.JournalFeed.Lines;
import io.raftfleet.proto.fleet.JournalRequest;
import io.raftfleet.unit.UnitName;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * {@code /page/journal/NAME}: the last lines of a unit's journal, and with {@code log}, which the answer gives, what has come since; waits
 * for it. {@code machine} says of which machine, where a unit is on several.
 */
final class PageJournal {
    /** Less than an answer may take. */
    private static final Duration WAIT = Duration.ofSeconds(10);

    private static final int LINES = 200;

    private final JournalFeed feed;

    PageJournal(JournalFeed feed) {
        this.feed = feed;
    }

    record JournalDocument(boolean ended, String log, String text) {}

    CompletableFuture<HttpReply> get(HttpCall call, String name) {
        if (!UnitName.isValid(name)) {
            throw new HttpProblem(404, "there is no unit \"" + name + "\"");
        }
        var log = Reads.first(call, "log");
        var lines = log.isEmpty()
                ? feed.open(
                        JournalRequest.newBuilder()
                                .setUnit(name)
                                .setMachineId(Reads.first(call, "machine"))
                                .setLines(LINES)
                                .setFollow(true)
                                .build(),
                        WAIT)
                : feed.more(log, WAIT);
        return lines.thenApply(PageJournal::reply);
    }

    private static HttpReply reply(Lines lines) {
        return HttpReply.json(200, new JournalDocument(lines.ended(), lines.log(), lines.text()));
    }
}
