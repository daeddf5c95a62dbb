package io.raftfleet.chaos.check;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The search itself, on a register of small numbers. */
class LinearizerTest {
    private static final long OPEN = Long.MAX_VALUE;
    private static final int SMALL_HISTORIES = 20_000;

    /** A write of a value, or a read that found one. */
    private record Op(boolean write, int value) {}

    private static final class Register implements Model<Integer, Op> {
        @Override
        public Integer initial() {
            return 0;
        }

        @Override
        public List<Integer> step(Integer state, Op op) {
            if (op.write()) {
                return List.of(op.value());
            }
            return state == op.value() ? List.of(state) : List.of();
        }
    }

    private final Linearizer<Integer, Op> linearizer = new Linearizer<>(new Register());

    private static Linearizer.Timed<Op> write(long from, long to, int value) {
        return new Linearizer.Timed<>(from, to, new Op(true, value));
    }

    private static Linearizer.Timed<Op> read(long from, long to, int value) {
        return new Linearizer.Timed<>(from, to, new Op(false, value));
    }

    @Test
    void aReadSeesTheWriteBeforeIt() {
        assertThat(linearizer.linearizable(List.of(write(0, 1, 1), read(2, 3, 1))))
                .isTrue();
    }

    @Test
    void aStaleReadIsFound() {
        assertThat(linearizer.linearizable(List.of(write(0, 1, 1), write(2, 3, 2), read(4, 5, 1))))
                .isFalse();
    }

    @Test
    void readsDuringAWriteMaySeeEither() {
        assertThat(linearizer.linearizable(List.of(write(0, 10, 1), read(1, 2, 0), read(3, 4, 1))))
                .isTrue();
    }

    @Test
    void readsDoNotGoBack() {
        assertThat(linearizer.linearizable(List.of(write(0, 10, 1), read(1, 2, 1), read(3, 4, 0))))
                .isFalse();
    }

    @Test
    void aWriteOfUnknownOutcomeMayShowLate() {
        assertThat(linearizer.linearizable(List.of(write(0, OPEN, 1), read(5, 6, 0), read(7, 8, 1))))
                .isTrue();
    }

    @Test
    void aWriteOfUnknownOutcomeMayNeverShow() {
        assertThat(linearizer.linearizable(List.of(write(0, OPEN, 1), read(5, 6, 0))))
                .isTrue();
    }

    @Test
    void aWriteOfUnknownOutcomeShowsOnceAlone() {
        assertThat(linearizer.linearizable(
                        List.of(write(0, OPEN, 1), read(1, 2, 1), write(3, 4, 2), read(5, 6, 2), read(7, 8, 1))))
                .isFalse();
    }

    @Test
    void theShortestBreachEndsWithTheAnswerThatNothingExplains() {
        var history = List.of(write(0, 1, 1), write(2, 3, 2), read(4, 5, 1), write(6, 7, 3), read(8, 9, 3));
        assertThat(linearizer.firstBreach(history).orElseThrow()).isEqualTo(history.subList(0, 3));
    }

    /** Against trying all orders, on histories of up to six operations. */
    @Test
    void agreesWithTryingAllOrders() {
        long seed = System.nanoTime();
        System.out.println("LinearizerTest seed " + seed);
        var random = new Random(seed);
        int good = 0;
        for (int i = 0; i < SMALL_HISTORIES; i++) {
            var history = new ArrayList<Linearizer.Timed<Op>>();
            int size = 1 + random.nextInt(6);
            for (int op = 0; op < size; op++) {
                long from = random.nextInt(12);
                long to = random.nextInt(6) == 0 ? OPEN : from + 1 + random.nextInt(6);
                boolean write = random.nextBoolean();
                history.add(write ? write(from, to, random.nextInt(3)) : read(from, to, random.nextInt(3)));
            }
            boolean expected = someOrder(history, new ArrayList<>(), 0);
            assertThat(linearizer.linearizable(history)).as("%s", history).isEqualTo(expected);
            good += expected ? 1 : 0;
        }
        assertThat(good).isBetween(SMALL_HISTORIES / 10, SMALL_HISTORIES * 9 / 10);
    }

    private static boolean someOrder(List<Linearizer.Timed<Op>> history, List<Integer> done, int state) {
        boolean all = true;
        for (int i = 0; i < history.size(); i++) {
            all &= done.contains(i) || history.get(i).open();
        }
        if (all) {
            return true;
        }
        for (int i = 0; i < history.size(); i++) {
            if (!done.contains(i) && mayComeNext(history, done, i)) {
                for (int next : new Register().step(state, history.get(i).operation())) {
                    var more = new ArrayList<>(done);
                    more.add(i);
                    if (someOrder(history, more, next)) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    private static boolean mayComeNext(List<Linearizer.Timed<Op>> history, List<Integer> done, int candidate) {
        for (int i = 0; i < history.size(); i++) {
            if (!done.contains(i)
                    && history.get(i).returned() < history.get(candidate).invoked()) {
                return false;
            }
        }
        return true;
    }
}
