package io.raftfleet.state;

import com.google.protobuf.ByteString;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Requests that were done, with their answers, so that a retry is answered and not done again. Kept for
 * {@link #KEPT} of the registry's clock; a request may be retried for {@link #RETRY_WINDOW} after it was made, which is
 * shorter, so that an answer never goes before its retries do. Guarded by the registry's lock.
 */
final class RequestTable {
    /** How old a request's id may be when it arrives. */
    static final Duration RETRY_WINDOW = Duration.ofMinutes(5);

    /** How long answers stay. */
    static final Duration KEPT = Duration.ofMinutes(10);

    private final Map<ByteString, NavigableMap<Integer, AnsweredRequest>> answers = new HashMap<>();
    private final Deque<AnsweredRequest> oldestFirst = new ArrayDeque<>();
    private final RowLog rows;

    RequestTable(RowLog rows) {
        this.rows = rows;
    }

    boolean contains(ByteString id, int firstItem) {
        var parts = answers.get(id);
        return parts != null && parts.containsKey(firstItem);
    }

    /** All answers to a request so far, in the order of their items; empty when there are none. */
    List<AnsweredRequest> answers(ByteString id) {
        var parts = answers.get(id);
        return parts == null ? List.of() : List.copyOf(parts.values());
    }

    int size() {
        return oldestFirst.size();
    }

    void put(AnsweredRequest answer) {
        link(answer);
        rows.replaced(null, answer);
    }

    /** Answers must come in the order in which they were given. */
    void restore(AnsweredRequest answer) {
        link(answer);
        rows.restored(answer);
    }

    void expire(long clockMs) {
        for (var oldest = oldestFirst.peekFirst();
                oldest != null && oldest.answeredAtMs() + KEPT.toMillis() < clockMs;
                oldest = oldestFirst.peekFirst()) {
            var gone = oldestFirst.removeFirst();
            answers.computeIfPresent(gone.id(), (id, parts) -> {
                parts.remove(gone.firstItem());
                return parts.isEmpty() ? null : parts;
            });
            rows.replaced(gone, null);
        }
    }

    void clear() {
        answers.clear();
        oldestFirst.clear();
    }

    private void link(AnsweredRequest answer) {
        answers.computeIfAbsent(answer.id(), id -> new TreeMap<>()).put(answer.firstItem(), answer);
        oldestFirst.addLast(answer);
    }
}
