package io.raftfleet.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** That rows are found: {@link RowLogTest}. */
class ChangedRowsTest {
    @Test
    void namesWithTheSameHashAreFoundWithoutALookAtAllOfThem() {
        var names = List.of("Aa", "BB");
        for (int bit = 1; bit < 14; bit++) {
            var longer = new ArrayList<String>();
            names.forEach(name -> longer.addAll(List.of(name + "Aa", name + "BB")));
            names = longer;
        }
        assertThat(names).hasSize(16_384);
        assertThat(names.stream().mapToInt(String::hashCode).distinct()).hasSize(1);

        var rows = ChangedRows.withFormer();
        long passed = 0;
        for (var name : names) {
            rows.put(null, new Departure("machine", name), false);
            passed += rows.passed();
        }
        assertThat(rows.size()).isEqualTo(names.size());
        assertThat(passed).as("on the way to their places").isLessThan(500_000);
        for (var name : names) {
            assertThat(rows.has(new Departure("machine", name))).isTrue();
            assertThat(rows.passed()).isLessThan(500);
        }
        assertThat(rows.has(new Departure("machine", "AaAa"))).isFalse();
    }
}
