package io.raftfleet.state;

import com.google.protobuf.ByteString;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Requests that were done, with their answers, so that a retry is answered and not done again. Kept for
 * {@link #KEPT} of the registry's clock, and for as long again when that is set; a request may be retried for {@link #RETRY_WINDOW} after it was
 * made, which is shorter, so that an answer never goes before its retries do: but for a request that was dated ahead by a clock that was set back
 * since. Guarded by the registry's lock.
 */
final class RequestTable {
    /** How old a request's id may be when it arrives. */
    static final Duration RETRY_WINDOW = Duration.ofMinutes(5);

    /** How long answers stay. */
    static final Duration KEPT = Duration.ofMinutes(10);

    /** By id, each id's in the order of their items; mostly one. */
    private final Map<ByteString, List<AnsweredRequest>> answers = new HashMap<>();

    private final Deque<AnsweredRequest> oldestFirst = new ArrayDeque<>();
    private final RowLog rows;

    RequestTable(RowLog rows) {
        this.rows = rows;
    }

    boolean contains(ByteString id, int firstItem) {
        return answers(id).stream().anyMatch(part -> part.firstItem() == firstItem);
    }

    /** All answers to a request so far, in the order of their items; empty when there are none. */
    List<AnsweredRequest> answers(ByteString id) {
        return answers.getOrDefault(id, List.of());
    }

    int size() {
        return oldestFirst.size();
    }

    void put(AnsweredRequest answer) {
        rows.touch();
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
                var left = parts.stream()
                        .filter(part -> part.firstItem() != gone.firstItem())
                        .toList();
                return left.isEmpty() ? null : left;
            });
            rows.replaced(gone, null);
        }
    }

    /**
     * The clock is set to then, ahead or back: all count as answered then, and none goes before it has been kept for its time. Otherwise a clock that
     * is wrong, and right again, would leave retries without the answer that keeps them from being done.
     */
    void clockSet(long clockMs) {
        rows.touch();
        var all = List.copyOf(oldestFirst);
        clear();
        for (var answer : all) {
            var then = answer.answeredAt(clockMs);
            link(then);
            rows.replaced(answer, then);
        }
    }

    void clear() {
        answers.clear();
        oldestFirst.clear();
    }

    private void link(AnsweredRequest answer) {
        answers.merge(
                answer.id(),
                List.of(answer),
                (before, one) -> Stream.concat(before.stream(), one.stream())
                        .sorted(Comparator.comparingInt(AnsweredRequest::firstItem))
                        .toList());
        oldestFirst.addLast(answer);
    }
}
