package io.raftfleet.client;

import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.model.Revision;
import java.util.List;

/**
 * What became of a write, of however many calls.
 *
 * @param results one for each item, in their order
 * @param revision a read at this revision or later sees all of it; the default instance when there was no item
 */
public record WriteOutcome(List<ItemResult> results, Revision revision) {
    public WriteOutcome {
        results = List.copyOf(results);
    }

    /** Whether the item is as it was ordered: it is so now, was so already, or replaced what was there. */
    public static boolean isDone(ItemResult result) {
        return switch (result.getCode()) {
            case ITEM_CODE_OK, ITEM_CODE_UNCHANGED, ITEM_CODE_REPLACED -> true;
            default -> false;
        };
    }

    /** Results of the items that were refused, in their order. */
    public List<ItemResult> refused() {
        return results.stream().filter(result -> !isDone(result)).toList();
    }

    /**
     * This, if all items are as ordered.
     *
     * @throws UnitsRefusedException else
     */
    public WriteOutcome orThrow() {
        if (results.stream().allMatch(WriteOutcome::isDone)) {
            return this;
        }
        throw new UnitsRefusedException(this);
    }
}
