package io.raftfleet.client;

import io.raftfleet.proto.fleet.Page;
import io.raftfleet.proto.model.Revision;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** Reads lists page by page. */
final class Pages {
    /**
     * One of them.
     *
     * @param nextToken empty on the last one
     */
    record One<T>(List<T> rows, String nextToken, Revision revision) {}

    private Pages() {}

    static Page at(int size, String token) {
        return Page.newBuilder().setSize(size).setToken(token).build();
    }

    /** All rows, by a function from a page's token to the page; the first one's token is empty. */
    static <T> CompletableFuture<Listing<T>> all(Function<String, CompletableFuture<One<T>>> read) {
        return read.apply("").thenCompose(first -> {
            if (first.nextToken().isEmpty()) {
                return CompletableFuture.completedFuture(new Listing<>(first.rows(), first.revision()));
            }
            var rows = new ArrayList<T>(first.rows());
            return rest(read, first.nextToken(), rows).thenApply(all -> new Listing<>(all, first.revision()));
        });
    }

    private static <T> CompletableFuture<List<T>> rest(
            Function<String, CompletableFuture<One<T>>> read, String token, List<T> rows) {
        return read.apply(token).thenCompose(page -> {
            rows.addAll(page.rows());
            return page.nextToken().isEmpty()
                    ? CompletableFuture.completedFuture(rows)
                    : rest(read, page.nextToken(), rows);
        });
    }
}
