package io.raftfleet.chaos.check;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Decides whether operations on one object, some of them at the same time, can have happened one after the other, each at
 * one moment between its invocation and its answer: the search of Wing and Gong with Lowe's memory of configurations, which
 * are a set of operations done and the state that they left. Operations of unknown outcome may happen at any time after their
 * invocation, or never.
 *
 * <p>Takes time exponential in how many operations are open at once, and so is for histories that keep this small.
 */
final class Linearizer<S, O> {
    /** An operation that returned never has {@code Long.MAX_VALUE}. */
    record Timed<O>(long invoked, long returned, O operation) {
        boolean open() {
            return returned == Long.MAX_VALUE;
        }
    }

    private record Configuration<S>(BitSet done, S state) {}

    private final Model<S, O> model;

    Linearizer(Model<S, O> model) {
        this.model = model;
    }

    boolean linearizable(List<Timed<O>> history) {
        var ops = history.stream()
                .sorted(Comparator.comparingLong((Timed<O> op) -> op.invoked()))
                .toList();
        var seen = new HashSet<Configuration<S>>();
        var stack = new ArrayDeque<Configuration<S>>();
        var start = new Configuration<S>(new BitSet(ops.size()), model.initial());
        seen.add(start);
        stack.push(start);
        while (!stack.isEmpty()) {
            if (extend(ops, stack.pop(), seen, stack)) {
                return true;
            }
        }
        return false;
    }

    /**
     * The shortest beginning of a history that is not linearizable, which ends with an answer; empty when all is. What was
     * invoked before that answer and had not returned is open in it.
     */
    Optional<List<Timed<O>>> firstBreach(List<Timed<O>> history) {
        if (linearizable(history)) {
            return Optional.empty();
        }
        var ends = history.stream()
                .filter(op -> !op.open())
                .map(Timed::returned)
                .sorted()
                .toList();
        int low = 0;
        int high = ends.size() - 1;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (linearizable(until(history, ends.get(middle)))) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return Optional.of(until(history, ends.get(low)));
    }

    private List<Timed<O>> until(List<Timed<O>> history, long end) {
        var cut = new ArrayList<Timed<O>>();
        for (var op : history) {
            if (op.invoked() <= end) {
                // What had not answered by then: its answer is kept, only when it came is not.
                cut.add(op.returned() <= end ? op : new Timed<>(op.invoked(), Long.MAX_VALUE, op.operation()));
            }
        }
        return cut;
    }

    /** Does each operation that may come next; true once all that have returned are done. */
    private boolean extend(
            List<Timed<O>> ops, Configuration<S> from, Set<Configuration<S>> seen, ArrayDeque<Configuration<S>> stack) {
        long firstReturn = Long.MAX_VALUE;
        for (int i = from.done().nextClearBit(0);
                i < ops.size();
                i = from.done().nextClearBit(i + 1)) {
            if (ops.get(i).invoked() > firstReturn) {
                break;
            }
            firstReturn = Math.min(firstReturn, ops.get(i).returned());
        }
        if (firstReturn == Long.MAX_VALUE) {
            return true;
        }
        for (int i = from.done().nextClearBit(0);
                i < ops.size();
                i = from.done().nextClearBit(i + 1)) {
            if (ops.get(i).invoked() > firstReturn) {
                break;
            }
            for (var state : model.step(from.state(), ops.get(i).operation())) {
                var done = (BitSet) from.done().clone();
                done.set(i);
                var next = new Configuration<>(done, state);
                if (seen.add(next)) {
                    stack.push(next);
                }
            }
        }
        return false;
    }
}
