package io.raftfleet.client;

import io.raftfleet.proto.model.Revision;
import java.util.List;

/**
 * All rows of a list, of however many pages.
 *
 * @param rows in the contract's order
 * @param revision of the first page: a watch from it misses nothing, and may repeat what later pages already hold
 */
public record Listing<T>(List<T> rows, Revision revision) {
    public Listing {
        rows = List.copyOf(rows);
    }
}
