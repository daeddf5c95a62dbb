package io.raftfleet.state;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Rows are counted in the digest long after they have changed, and captured in between. */
class RowLogTest {
    private static final int ROWS = 100_000;
    private static final int CHANGES = 300_000;

    @Test
    void theDigestIsThatOfTheRowsHoweverTheyCameAboutAndCapturesHaveAllThatChanged() {
        for (long seed = 1; seed <= 3; seed++) {
            var random = new Random(seed);
            var log = new RowLog();
            Map<Integer, Departure> rows = new HashMap<>();
            var captured = new TreeMap<String, ByteString>();
            for (int i = 0; i < CHANGES; i++) {
                // Some rows change all the time, most now and then.
                int which = random.nextBoolean() ? random.nextInt(50) : random.nextInt(ROWS);
                var before = rows.get(which);
                boolean removed = before != null && random.nextInt(3) == 0;
                var after = removed ? null : new Departure("machine" + which % 7, "unit" + which + ".service");
                if (after == null) {
                    rows.remove(which);
                } else {
                    rows.put(which, after);
                }
                log.replaced(before, after);
                if (random.nextInt(20_000) == 0) {
                    capture(log, captured);
                }
                if (random.nextInt(40_000) == 0) {
                    assertThat(log.digest().get()).as("seed %d", seed).isEqualTo(digest(rows));
                }
            }
            capture(log, captured);
            assertThat(log.digest().get()).as("seed %d", seed).isEqualTo(digest(rows));
            assertThat(captured).as("seed %d", seed).hasSize(rows.size());
            assertThat(log.heapBytes(Departure.class))
                    .isEqualTo(rows.values().stream()
                            .mapToLong(Departure::heapBytes)
                            .sum());
        }
    }

    /** Applies to a store what has changed. */
    private static void capture(RowLog log, Map<String, ByteString> store) {
        for (var row : log.takeChanged()) {
            if (row.value() == null) {
                store.remove(row.key().toStringUtf8());
            } else {
                store.put(row.key().toStringUtf8(), row.value());
            }
        }
    }

    private static ByteString digest(Map<Integer, Departure> rows) {
        var log = new RowLog();
        rows.values().forEach(log::restored);
        return log.digest().get();
    }
}
