package io.raftfleet.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RunsTest {
    @Test
    void itIsTheListThatItWasMadeOf() {
        for (long seed = 0; seed < 500; seed++) {
            var random = new SplittableRandom(seed);
            var list = new ArrayList<String>();
            for (int i = random.nextInt(40); i > 0; i--) {
                list.add("v" + random.nextInt(3));
            }
            var runs = Runs.of(list);
            assertThat(runs).as("seed %d", seed).isEqualTo(list).hasSameHashCodeAs(list);
            assertThatThrownBy(() -> runs.get(list.size())).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void aRunIsOneElement() {
        assertThat(Runs.runs(Runs.of(List.of("a", "a", "b", "a", "a", "a")))).containsExactly("a", "b", "a");
        assertThat(Runs.runs(Runs.of(List.<String>of()))).isEmpty();
    }
}
