package io.raftfleet.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.ConcurrentModificationException;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Rows in order beside Java's own tree, whose rows are to be the same after any changes. */
class SortedRowsTest {
    private final SortedRows<Integer, String> rows = SortedRows.byKey();
    private final TreeMap<Integer, String> model = new TreeMap<>();

    @Test
    void isWhatATreeMapIsAfterAnyChanges() {
        long seed = Long.getLong("seed", new Random().nextLong());
        System.out.println("SortedRowsTest: again with -Dseed=" + seed);
        var random = new Random(seed);
        for (int round = 0; round < 40; round++) {
            // Grows, stays, and shrinks, over few keys or many.
            int keys = 1 << random.nextInt(16);
            int ofTen = random.nextInt(11);
            for (int step = 0; step < 4_000; step++) {
                int key = random.nextInt(keys);
                if (random.nextInt(10) < ofTen) {
                    put(key, "row " + round + " " + step);
                } else {
                    remove(key);
                }
                if (step % 1_000 == 0) {
                    isTheSame(random.nextInt(keys + 1));
                }
            }
            isTheSame(random.nextInt(keys + 1));
        }
    }

    @Test
    void takesRowsInTheirOrderAndBackwardsAndLosesThemFromEitherEnd() {
        IntStream.range(0, 20_000).forEach(key -> put(key, "up"));
        isTheSame(9_999);
        IntStream.range(0, 20_000).forEach(key -> put(-key, "down"));
        isTheSame(-1);
        for (int i = 0; i < 19_000; i++) {
            remove(model.firstKey());
            remove(model.lastKey());
        }
        isTheSame(0);
        while (!model.isEmpty()) {
            remove(model.lastKey());
        }
        isTheSame(0);
        put(1, "one");
        isTheSame(1);
        rows.deleteAll();
        assertThat(rows).isEmpty();
    }

    @Test
    void removesFromTheMiddleOfWhatCameInOrder() {
        IntStream.range(0, 50_000).forEach(key -> put(key, "row"));
        IntStream.range(10_000, 49_990).forEach(this::remove);
        isTheSame(30_000);
        IntStream.range(10_000, 49_990).forEach(key -> put(key, "again"));
        isTheSame(30_000);
        IntStream.range(0, 50_000).forEach(this::remove);
        isTheSame(30_000);
    }

    @Test
    void aRowThatIsItsOwnKeyTakesThePlaceOfAnEqualOne() {
        SortedRows<String, String> own = SortedRows.ofThemselves(String.CASE_INSENSITIVE_ORDER);
        for (int i = 0; i < 1_000; i++) {
            assertThat(own.insert("row" + i, "row" + i)).isNull();
        }
        assertThat(own.insert("ROW7", "ROW7")).isEqualTo("row7");
        assertThat(own).hasSize(1_000).containsKey("row7").containsEntry("Row7", "ROW7");
        assertThat(own.from("row998", true)).containsExactly("row998", "row999");
        assertThat(own.keysFrom("row998", false)).containsExactly("row999");
        for (int i = 0; i < 1_000; i++) {
            assertThat(own.delete("row" + i)).isNotNull();
        }
        assertThat(own).isEmpty();
    }

    @Test
    void isReadAsAMapAndNotWritten() {
        rows.insert(1, "one");
        assertThatThrownBy(() -> rows.put(2, "two")).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> rows.keySet().remove(1)).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(rows::clear).isInstanceOf(UnsupportedOperationException.class);
        var reading = rows.values().iterator();
        rows.insert(1, "another");
        assertThat(reading.next()).isEqualTo("another");
        rows.delete(3);
        assertThat(reading.hasNext()).isFalse();
        var late = rows.values().iterator();
        rows.insert(2, "two");
        assertThatThrownBy(late::next).isInstanceOf(ConcurrentModificationException.class);
        var last = rows.values().iterator();
        last.next();
        rows.delete(1);
        assertThat(last.hasNext())
                .as("it does not end as if there were no more")
                .isTrue();
        assertThatThrownBy(last::next).isInstanceOf(ConcurrentModificationException.class);
        rows.insert(1, "one");
        assertThat(rows).containsOnlyKeys(1, 2);
    }

    private void put(int key, String row) {
        assertThat(rows.insert(key, row)).isEqualTo(model.put(key, row));
    }

    private void remove(int key) {
        assertThat(rows.delete(key)).isEqualTo(model.remove(key));
    }

    private void isTheSame(int from) {
        assertThat(rows.size()).isEqualTo(model.size());
        assertThat(List.copyOf(rows.entrySet())).isEqualTo(List.copyOf(model.entrySet()));
        assertThat(List.copyOf(rows.values())).isEqualTo(List.copyOf(model.values()));
        for (boolean inclusive : new boolean[] {true, false}) {
            assertThat(new ArrayList<>(rows.from(from, inclusive)))
                    .isEqualTo(List.copyOf(model.tailMap(from, inclusive).values()));
            assertThat(new ArrayList<>(rows.keysFrom(from, inclusive)))
                    .isEqualTo(List.copyOf(model.tailMap(from, inclusive).keySet()));
        }
        assertThat(rows.get(from)).isEqualTo(model.get(from));
    }
}
