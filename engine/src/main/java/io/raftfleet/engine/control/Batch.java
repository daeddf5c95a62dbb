package io.raftfleet.engine.control;

import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.EntryFormats;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** The entry that is being decided: records in order, within an entry's size. Owned by the decision thread. */
final class Batch {
    /** Leaves room for one more item of the largest size below the 1 MiB of an entry. */
    private static final int FULL_BYTES = 640 * 1024;

    private static final int FULL_RECORDS = 50_000;

    private final List<Record> records = new ArrayList<>();
    /** Records whose work sees to it itself when they turn out not to hold. */
    private final BitSet attended = new BitSet();

    private int bytes;

    /** Whether nothing more should be added. */
    boolean full() {
        return bytes >= FULL_BYTES || records.size() >= FULL_RECORDS;
    }

    boolean halfFull() {
        return bytes >= FULL_BYTES / 2 || records.size() >= FULL_RECORDS / 2;
    }

    boolean isEmpty() {
        return records.isEmpty();
    }

    /** Adds a record; returns its place in the entry. */
    int add(Record record) {
        records.add(record);
        bytes += record.getSerializedSize() + 4;
        return records.size() - 1;
    }

    /** Adds a record that may be dropped when it is applied: its work looks at that. Returns its place in the entry. */
    int addAttended(Record record) {
        attended.set(records.size());
        return add(record);
    }

    /** The same for a record whose bytes were counted by {@link #reserve}. */
    void addReserved(Record record) {
        attended.set(records.size());
        records.add(record);
    }

    /** Whether somebody looks after this record being dropped. */
    boolean mayBeDropped(int place) {
        return attended.get(place);
    }

    /** Counts bytes that will be added later, so that {@link #full} is told in time. */
    void reserve(int more) {
        bytes += more;
    }

    int records() {
        return records.size();
    }

    Entry entry(long nowMs, long proposal) {
        return Entry.newBuilder()
                .setFormat(EntryFormats.needed(records))
                .setLeaderTimeMs(nowMs)
                .setProposal(proposal)
                .addAllRecords(records)
                .build();
    }
}
