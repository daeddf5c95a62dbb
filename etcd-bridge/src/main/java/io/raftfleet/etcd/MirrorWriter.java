package io.raftfleet.etcd;

import io.raftfleet.etcd.EtcdStore.Write;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes to the mirror and moves its watermark in the same transactions, each of which holds only if the watermark is where
 * this writer left it. Owned by the mirror's thread; lives as long as its connection.
 */
final class MirrorWriter {
    /** etcd's default limit is 128 operations; one moves the watermark. */
    static final int MAX_KEYS = 127;

    /** etcd's default limit is 1.5 MiB a request, framing included. */
    static final long MAX_BYTES = 1_250_000;

    /** Somebody else moved the watermark: another leader, or a transaction of unknown fate came through after all. */
    static final class Outpaced extends Exception {
        private static final long serialVersionUID = 1;
    }

    private final EtcdStore store;
    private final Keys keys;
    private final MirrorMonitor monitor;
    private Watermark mark;
    private long revision;

    MirrorWriter(EtcdStore store, Keys keys, MirrorMonitor monitor, Watermark mark, long revision) {
        this.store = store;
        this.keys = keys;
        this.monitor = monitor;
        this.mark = mark;
        this.revision = revision;
    }

    Watermark mark() {
        return mark;
    }

    /** etcd's revision of the last transaction. */
    long revision() {
        return revision;
    }

    EtcdStore store() {
        return store;
    }

    Keys keys() {
        return keys;
    }

    /** On the way to what the next transaction will say; costs none. */
    void plan(Watermark next) {
        mark = next;
    }

    /** At most {@link #MAX_KEYS} keys and about {@link #MAX_BYTES}, or a single larger one. */
    void commit(Watermark next, List<Write> writes) throws EtcdException, InterruptedException, Outpaced {
        var all = new ArrayList<>(writes);
        all.add(new Write(keys.watermark(), Documents.write(next)));
        long committed = store.commit(keys.watermark(), revision, all);
        if (committed < 0) {
            throw new Outpaced();
        }
        revision = committed;
        mark = next;
        monitor.wrote(writes.size(), writes.stream().mapToLong(Write::bytes).sum());
    }

    Write write(MirrorSource.Change change) {
        var value = change.value();
        return new Write(keys.of(change.kind(), change.id()), value == null ? null : Documents.write(value));
    }

    /** Writes that are collected until a transaction is full. */
    final class Batch {
        private final List<Write> writes = new ArrayList<>();
        private long bytes;

        boolean isEmpty() {
            return writes.isEmpty();
        }

        boolean hasRoom(Write write) {
            return writes.isEmpty() || (writes.size() < MAX_KEYS && bytes + write.bytes() <= MAX_BYTES);
        }

        int room() {
            return MAX_KEYS - writes.size();
        }

        long bytesLeft() {
            return MAX_BYTES - bytes;
        }

        void add(Write write) {
            writes.add(write);
            bytes += write.bytes();
        }

        void commit(Watermark next) throws EtcdException, InterruptedException, Outpaced {
            MirrorWriter.this.commit(next, writes);
            writes.clear();
            bytes = 0;
        }
    }
}
