package io.raftfleet.state.raft;

import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import com.google.common.util.concurrent.Uninterruptibles;
import com.google.protobuf.ByteString;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.MachineMetadataSet;
import io.raftfleet.proto.log.Record;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Keys and values in memory, set by {@code MachineMetadataSet} records; small and obviously right. */
final class KeyValueState implements ReplicatedState {
    private final TreeMap<String, String> values = new TreeMap<>();
    private final Set<String> changed = new LinkedHashSet<>();
    private long term;
    private long index;
    private int restores;
    /** What it says in checkpoints that it takes of the heap. */
    volatile long heapBytes;

    private boolean failing;

    /** An entry that sets keys to a value. */
    static Entry set(long proposal, String value, String... keys) {
        Entry.Builder entry = Entry.newBuilder().setFormat(1).setProposal(proposal);
        for (String key : keys) {
            entry.addRecords(Record.newBuilder()
                    .setMachineMetadataSet(MachineMetadataSet.newBuilder()
                            .setMachineId("m")
                            .setKey(key)
                            .setValue(value)));
        }
        return entry.build();
    }

    private volatile CountDownLatch held = new CountDownLatch(0);

    /** Entries wait from now on to be applied. */
    void hold() {
        held = new CountDownLatch(1);
    }

    void letGo() {
        held.countDown();
    }

    @Override
    public ApplyResult apply(long entryTerm, long entryIndex, Entry entry) {
        Uninterruptibles.awaitUninterruptibly(held);
        return applyNow(entryTerm, entryIndex, entry);
    }

    private synchronized ApplyResult applyNow(long entryTerm, long entryIndex, Entry entry) {
        if (failing) {
            throw new IllegalStateException("told to fail");
        }
        if (entryIndex <= index) {
            throw new IllegalStateException("entry " + entryIndex + " after " + index);
        }
        term = entryTerm;
        index = entryIndex;
        List<@Nullable String> dropped = new ArrayList<>();
        for (Record record : entry.getRecordsList()) {
            MachineMetadataSet set = record.getMachineMetadataSet();
            if (set.getKey().isEmpty()) {
                dropped.add("no key");
                continue;
            }
            if (set.hasValue()) {
                values.put(set.getKey(), set.getValue());
            } else {
                values.remove(set.getKey());
            }
            changed.add(set.getKey());
            dropped.add(null);
        }
        return new ApplyResult(entryIndex, entry.getProposal(), dropped);
    }

    @Override
    public synchronized boolean begun() {
        return !values.isEmpty();
    }

    @Override
    public synchronized Capture capture() {
        List<Row> rows = new ArrayList<>();
        for (String key : changed) {
            String value = values.get(key);
            rows.add(new Row(ByteString.copyFromUtf8(key), value == null ? null : ByteString.copyFromUtf8(value)));
        }
        changed.clear();
        return new Capture(term, index, rows, digestNow(), heapBytes);
    }

    /** A mebibyte a value. */
    @Override
    public synchronized long heapBytes() {
        return (long) values.size() << 20;
    }

    @Override
    public synchronized void restore(long newTerm, long newIndex, Iterator<Row> rows) {
        values.clear();
        changed.clear();
        term = newTerm;
        index = newIndex;
        restores++;
        rows.forEachRemaining(row -> {
            ByteString value = row.value();
            if (value == null) {
                throw new IllegalStateException("a row without a value");
            }
            values.put(row.key().toStringUtf8(), value.toStringUtf8());
        });
    }

    @Override
    public synchronized Supplier<ByteString> digestNow() {
        Hasher hasher = Hashing.sha256().newHasher();
        for (Map.Entry<String, String> value : values.entrySet()) {
            hasher.putInt(value.getKey().length())
                    .putString(value.getKey(), StandardCharsets.UTF_8)
                    .putInt(value.getValue().length())
                    .putString(value.getValue(), StandardCharsets.UTF_8);
        }
        var digest = ByteString.copyFrom(hasher.hash().asBytes());
        return () -> digest;
    }

    @Override
    public synchronized long appliedIndex() {
        return index;
    }

    synchronized @Nullable String get(String key) {
        return values.get(key);
    }

    /** Changes a value behind the log's back. */
    synchronized void put(String key, String value) {
        values.put(key, value);
    }

    synchronized int size() {
        return values.size();
    }

    synchronized int restores() {
        return restores;
    }

    synchronized void failFromNowOn() {
        failing = true;
    }
}
