package io.raftfleet.etcd;

import com.google.protobuf.ByteString;
import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.KeyValue;
import io.etcd.jetcd.Watch;
import io.etcd.jetcd.kv.GetResponse;
import io.etcd.jetcd.kv.TxnResponse;
import io.etcd.jetcd.op.Cmp;
import io.etcd.jetcd.op.CmpTarget;
import io.etcd.jetcd.op.Op;
import io.etcd.jetcd.options.DeleteOption;
import io.etcd.jetcd.options.GetOption;
import io.etcd.jetcd.options.PutOption;
import io.etcd.jetcd.options.WatchOption;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A connection to etcd with the few calls that the mirror makes, each with a deadline. To be closed and made anew after a
 * failure: that ends what hangs, and logs in again. Used by one thread.
 */
final class EtcdStore implements AutoCloseable {
    /** A key with its value. */
    record Entry(String key, ByteString value, long modRevision) {}

    /**
     * Entries in the order of their keys.
     *
     * @param revision of the whole store
     */
    record Page(List<Entry> entries, boolean more, long revision) {}

    /**
     * A key to be put or deleted.
     *
     * @param value null to delete
     */
    record Write(String key, @Nullable ByteString value) {
        int bytes() {
            return key.length() + (value == null ? 0 : value.size()) + 32;
        }
    }

    private final Client client;
    private final Duration deadline;

    EtcdStore(Client client, Duration deadline) {
        this.client = client;
        this.deadline = deadline;
    }

    @Nullable
    Entry get(String key) throws EtcdException, InterruptedException {
        var found = await("read " + key, client.getKVClient().get(bytes(key)));
        return found.getKvs().isEmpty() ? null : entry(found.getKvs().getFirst());
    }

    /**
     * Keys from {@code from} to before {@code end}.
     *
     * @param revision as of when; 0 for now
     */
    Page range(String from, String end, int limit, boolean keysOnly, long revision)
            throws EtcdException, InterruptedException {
        var option = GetOption.builder()
                .withRange(bytes(end))
                .withLimit(limit)
                .withKeysOnly(keysOnly)
                .withRevision(revision)
                .build();
        GetResponse found = await("read keys from " + from, client.getKVClient().get(bytes(from), option));
        return new Page(
                found.getKvs().stream().map(EtcdStore::entry).toList(),
                found.isMore(),
                found.getHeader().getRevision());
    }

    /**
     * Writes, provided that {@code guard} has this revision, 0 for a key that is not there.
     *
     * @return the new revision; -1 when the guard has another
     */
    long commit(String guard, long guardRevision, List<Write> writes) throws EtcdException, InterruptedException {
        var operations = new ArrayList<Op>(writes.size());
        for (var write : writes) {
            var value = write.value();
            operations.add(
                    value == null
                            ? Op.delete(bytes(write.key()), DeleteOption.DEFAULT)
                            : Op.put(bytes(write.key()), ByteSequence.from(value), PutOption.DEFAULT));
        }
        TxnResponse response = await(
                "write " + writes.size() + " keys",
                client.getKVClient()
                        .txn()
                        .If(new Cmp(bytes(guard), Cmp.Op.EQUAL, CmpTarget.modRevision(guardRevision)))
                        .Then(operations.toArray(Op[]::new))
                        .commit());
        return response.isSucceeded() ? response.getHeader().getRevision() : -1;
    }

    /** Tells {@code listener} of what happens to keys with a prefix from a revision on, on etcd's threads. */
    Watch.Watcher watch(String prefix, long fromRevision, Watch.Listener listener) {
        var option = WatchOption.builder()
                .isPrefix(true)
                .withRevision(fromRevision)
                .withRequireLeader(true)
                .build();
        return client.getWatchClient().watch(bytes(prefix), option, listener);
    }

    @Override
    public void close() {
        client.close();
    }

    private <T> T await(String what, CompletableFuture<T> reply) throws EtcdException, InterruptedException {
        try {
            return reply.get(deadline.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            reply.cancel(true);
            throw new EtcdException("etcd did not " + what + " within " + deadline.toMillis() + " ms", e);
        } catch (ExecutionException | CancellationException e) {
            var cause = e.getCause() == null ? e : e.getCause();
            throw new EtcdException("etcd could not " + what + ": " + reason(cause), cause);
        }
    }

    /** With what is at the bottom of it, such as a certificate that is not trusted. */
    private static String reason(Throwable failure) {
        if (failure.getCause() == null) {
            return String.valueOf(failure.getMessage());
        }
        Throwable root = failure.getCause();
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return failure.getMessage() + " (" + root.getMessage() + ")";
    }

    private static Entry entry(KeyValue entry) {
        return new Entry(
                entry.getKey().toString(StandardCharsets.UTF_8),
                ByteString.copyFrom(entry.getValue().getBytes()),
                entry.getModRevision());
    }

    private static ByteSequence bytes(String key) {
        return ByteSequence.from(key, StandardCharsets.UTF_8);
    }
}
