package io.raftfleet.client;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/** Cuts lists into what one call may carry. */
final class Batches {
    /** Items a call, from the contract. */
    static final int MAX_ITEMS = 10_000;
    /** Bytes of items a call: under gRPC's default limit of 4 MiB a message, with room for the rest of it. */
    static final int MAX_BYTES = 3 << 20;

    private Batches() {}

    /** In order, none empty. An item longer than {@link #MAX_BYTES} is a batch of its own, for the engine to refuse. */
    static <T> List<List<T>> split(List<T> items, ToIntFunction<T> bytes) {
        var batches = new ArrayList<List<T>>();
        int start = 0;
        long size = 0;
        for (int i = 0; i < items.size(); i++) {
            int next = bytes.applyAsInt(items.get(i));
            if (i > start && (i - start == MAX_ITEMS || size + next > MAX_BYTES)) {
                batches.add(items.subList(start, i));
                start = i;
                size = 0;
            }
            size += next;
        }
        if (start < items.size()) {
            batches.add(items.subList(start, items.size()));
        }
        return batches;
    }
}
