package io.raftfleet.engine.admission;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ByteBudgetTest {
    private static final int TOTAL = 4_000_000;

    private static final class Held {
        final Peer peer;
        long bytes;

        Held(Peer peer) {
            this.peer = peer;
        }
    }

    private static Peer client(int address, int connection) {
        return new Peer("10.0.0." + address, address + "#" + connection, false);
    }

    /** What a client can hold with calls of a size, in bytes. */
    private static long flood(ByteBudget budget, int address, int connections, long each) {
        long held = 0;
        for (int connection = 0; connection < connections; connection++) {
            while (budget.tryTake(client(address, connection), 0, each)) {
                held += each;
            }
        }
        return held;
    }

    @Test
    @DisplayName("one connection's calls hold half at most, and one address's leave a quarter, however small each is")
    void manySmallCallsLeaveOthersRoom() {
        for (long each : new long[] {1_000, ByteBudget.SMALL - 1, ByteBudget.SMALL, 200_000}) {
            var budget = new ByteBudget(TOTAL);
            assertThat(flood(budget, 1, 1, each)).isBetween(TOTAL / 2 - each, TOTAL / 2L);
            assertThat(budget.tryTake(client(1, 1), 0, ByteBudget.SMALL))
                    .as("a neighbour's call beside calls of %d bytes", each)
                    .isTrue();
            flood(budget, 1, 1_000, each);
            assertThat(budget.used()).isLessThanOrEqualTo(TOTAL / 4 * 3);
            for (int i = 0; i < 10; i++) {
                assertThat(budget.tryTake(client(2, 0), 0, ByteBudget.SMALL))
                        .as("another address's call beside calls of %d bytes", each)
                        .isTrue();
            }
        }
    }

    @Test
    @DisplayName("what a client holds on one engine leaves others room on their way over that engine to the leader")
    void anEngineBringsMoreThanOneClient() {
        var budget = new ByteBudget(TOTAL);
        var follower = new Peer("engine/e2", "10.0.0.9#0", true);
        var here = new ByteBudget(TOTAL);
        for (long passedOn = flood(here, 1, 1_000, 50_000); passedOn > 0; passedOn -= 50_000) {
            assertThat(budget.tryTake(follower, 0, 50_000)).isTrue();
        }
        assertThat(budget.tryTake(follower, 0, 50_000)).isTrue();
        while (budget.tryTake(follower, 0, 50_000)) {
            assertThat(budget.used()).isLessThanOrEqualTo(TOTAL);
        }
        assertThat(budget.tryTake(client(9, 1), 0, 50_000)).isTrue();
    }

    @Test
    @DisplayName("whatever is taken and given back, the budget counts it exactly and keeps room for small calls")
    void countsExactly() {
        long seed = System.nanoTime();
        var random = new Random(seed);
        var budget = new ByteBudget(TOTAL);
        var calls = new ArrayList<Held>();
        for (int i = 0; i < 60; i++) {
            int connection = random.nextInt(6);
            calls.add(new Held(client(connection / 3, connection)));
        }
        for (int step = 0; step < 50_000; step++) {
            var call = calls.get(random.nextInt(calls.size()));
            long bytes = random.nextInt(40_000);
            if (random.nextInt(5) > 0) {
                if (budget.tryTake(call.peer, call.bytes, bytes)) {
                    call.bytes += bytes;
                }
            } else {
                long less = random.nextBoolean() ? call.bytes : Math.min(call.bytes, bytes);
                budget.giveBack(call.peer, less);
                call.bytes -= less;
            }
            long sum = calls.stream().mapToLong(held -> held.bytes).sum();
            assertThat(budget.used())
                    .as("seed %d, step %d", seed, step)
                    .isEqualTo(sum)
                    .isLessThanOrEqualTo(TOTAL);
            for (int c = 0; c < 6; c++) {
                var peer = client(c / 3, c);
                assertThat(calls.stream()
                                .filter(held -> held.peer.equals(peer))
                                .mapToLong(held -> held.bytes)
                                .sum())
                        .as("seed %d, step %d: calls of %s", seed, step, peer)
                        .isLessThanOrEqualTo(TOTAL / 2);
            }
        }
        calls.forEach(call -> budget.giveBack(call.peer, call.bytes));
        assertThat(budget.used()).as("seed %d", seed).isZero();
        assertThat(budget.tryTake(client(0, 0), 0, TOTAL / 2)).isTrue();
        assertThat(budget.tryTake(client(0, 0), 0, 1)).isFalse();
        assertThat(budget.tryTake(client(0, 1), 0, ByteBudget.SMALL + 1)).isTrue();
        assertThat(budget.tryTake(client(1, 2), 0, TOTAL / 4)).isFalse();
        assertThat(budget.tryTake(client(1, 2), 0, ByteBudget.SMALL)).isTrue();
    }
}
