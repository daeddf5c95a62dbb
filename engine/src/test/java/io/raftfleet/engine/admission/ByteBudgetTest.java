package io.raftfleet.engine.admission;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ByteBudgetTest {
    private static final int TOTAL = 4_000_000;

    private static final class Held {
        final Object connection;
        long bytes;

        Held(Object connection) {
            this.connection = connection;
        }
    }

    @Test
    @DisplayName("whatever is taken and given back, the budget counts it exactly and keeps room for small calls")
    void countsExactly() {
        long seed = System.nanoTime();
        var random = new Random(seed);
        var budget = new ByteBudget(TOTAL);
        var calls = new ArrayList<Held>();
        for (int i = 0; i < 60; i++) {
            calls.add(new Held("c" + random.nextInt(6)));
        }
        for (int step = 0; step < 50_000; step++) {
            var call = calls.get(random.nextInt(calls.size()));
            long bytes = random.nextInt(40_000);
            if (random.nextInt(5) > 0) {
                if (budget.tryTake(call.connection, call.bytes, bytes)) {
                    call.bytes += bytes;
                }
            } else {
                long less = random.nextBoolean() ? call.bytes : Math.min(call.bytes, bytes);
                budget.giveBack(call.connection, call.bytes, less);
                call.bytes -= less;
            }
            long sum = calls.stream().mapToLong(held -> held.bytes).sum();
            assertThat(budget.used())
                    .as("seed %d, step %d", seed, step)
                    .isEqualTo(sum)
                    .isLessThanOrEqualTo(TOTAL);
            for (int c = 0; c < 6; c++) {
                var connection = "c" + c;
                assertThat(calls.stream()
                                .filter(held -> held.connection.equals(connection))
                                .mapToLong(held -> Math.max(0, held.bytes - ByteBudget.SMALL))
                                .sum())
                        .as("seed %d, step %d: large calls of %s", seed, step, connection)
                        .isLessThanOrEqualTo(TOTAL / 2);
            }
        }
        calls.forEach(call -> budget.giveBack(call.connection, call.bytes, call.bytes));
        assertThat(budget.used()).as("seed %d", seed).isZero();
        assertThat(budget.tryTake("c0", 0, TOTAL / 2 + ByteBudget.SMALL)).isTrue();
        assertThat(budget.tryTake("c0", 0, ByteBudget.SMALL + 1)).isFalse();
        assertThat(budget.tryTake("c1", 0, ByteBudget.SMALL + 1)).isTrue();
    }
}
