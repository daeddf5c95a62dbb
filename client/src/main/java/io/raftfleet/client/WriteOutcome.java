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
}
