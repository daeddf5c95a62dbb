package io.raftfleet.engine.control;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Versions;
import io.raftfleet.state.raft.RaftConfig;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The entry that is being decided: records in order, within an entry's size to the byte, and within what
 * one may change. Owned by the decision thread. */
final class Batch {
    /**
     * The largest part of an entry that can't be divided: what one item of a client's write, or one report of an agent, has
     * written, in bytes. A unit's file of the largest size fits, as it was submitted, as it is stored and with what it asks for; so does any
     * report that passed the edge.
     */
    static final int MAX_PART_BYTES = 576 * 1024;

    /** Leaves room for one more part of the largest size. */
    private static final int FULL_BYTES = RaftConfig.MAX_ENTRY_BYTES - MAX_PART_BYTES - 24 * 1024;

    private static final int FULL_RECORDS = 50_000;

    /** All of them are made under the registry's lock, at one to two microseconds each. */
    private static final int FULL_CHANGES = 50_000;

    /** What the same part of an entry may change at most. Leaves room for another full entry and what else its part brings. */
    static final int MAX_PART_CHANGES = Versions.MAX_ORDINAL - 2 * FULL_CHANGES;

    /** An entry's format, time and number. */
    private static final int HEADER_BYTES = 32;

    private final List<Record> records = new ArrayList<>();
    /** Records that change nothing that is decided on: whether they still hold shows when they are applied. */
    private final BitSet tentative = new BitSet();

    /** Requests that are answered in it, by their ids. */
    private final Set<ByteString> answered = new HashSet<>();

    private int bytes = HEADER_BYTES;
    /** What the records make when they are applied, and those that will be added, at most. */
    private long changes;

    /** Whether nothing more should be added. */
    boolean full() {
        return bytes >= FULL_BYTES || records.size() >= FULL_RECORDS || changesMuch();
    }

    boolean halfFull() {
        return bytes >= FULL_BYTES / 2 || records.size() >= FULL_RECORDS / 2 || changes >= FULL_CHANGES / 2;
    }

    /** Whether it changes so much already that nothing more should be added, however little it takes of the log. */
    boolean changesMuch() {
        return changes >= FULL_CHANGES;
    }

    /**
     * Counts what a record changes when it is applied, which may be much more than its bytes tell: forgetting a machine ends all that
     * it had to let go of, and a global unit that goes has to leave each machine.
     *
     * @param later how many of these a later record of the entry would make, which undoes some of this one
     * @throws TooLargeException when it is more than any part of an entry may change
     */
    void changing(long more, long later) {
        if (more - later > MAX_PART_CHANGES) {
            throw new TooLargeException("it changes up to " + (more - later) + " places of units at once; at most "
                    + MAX_PART_CHANGES + " are allowed: forget machines that are lost for good");
        }
        changes += more;
    }

    boolean isEmpty() {
        return records.isEmpty();
    }

    /**
     * Adds a record; returns its place in the entry.
     *
     * @throws TooLargeException when it is larger than any part of an entry may be
     */
    int add(Record record) {
        reserve(bytesOf(record));
        records.add(record);
        return records.size() - 1;
    }

    /**
     * Adds a record that may be dropped when it is applied, for it changes nothing that is decided on: its work looks at that.
     * Returns its place in the entry.
     */
    int addTentative(Record record) {
        tentative.set(records.size());
        return add(record);
    }

    /** Adds a record whose bytes were counted by {@link #reserve}. Returns its place in the entry. */
    int addReserved(Record record) {
        records.add(record);
        return records.size() - 1;
    }

    /** Whether nothing was decided on this record. */
    boolean mayBeDropped(int place) {
        return tentative.get(place);
    }

    /** Whether it holds answers to a request. */
    boolean answers(ByteString request) {
        return answered.contains(request);
    }

    /** It will hold answers to a request. */
    void answering(ByteString request) {
        answered.add(request);
    }

    /**
     * Counts bytes that will be added later, so that {@link #full} is told in time.
     *
     * @param part of something that can't be divided
     * @throws TooLargeException when it is larger than any part of an entry may be
     */
    void reserve(int part) {
        if (part > MAX_PART_BYTES) {
            throw new TooLargeException(tooLarge(part));
        }
        bytes += part;
    }

    /** Why so many bytes can't be a part of an entry. */
    static String tooLarge(int part) {
        return "it takes " + part + " bytes of the log; at most " + MAX_PART_BYTES + " are allowed: make it smaller";
    }

    /** What a record takes in an entry. */
    static int bytesOf(Record record) {
        return CodedOutputStream.computeMessageSize(Entry.RECORDS_FIELD_NUMBER, record);
    }

    int records() {
        return records.size();
    }

    /** @param format newest of entries that all engines read */
    Entry entry(long nowMs, long proposal, int format) {
        return Entry.newBuilder()
                .setFormat(EntryFormats.written(records, format))
                .setLeaderTimeMs(nowMs)
                .setProposal(proposal)
                .addAllRecords(records)
                .build();
    }

    /** What was decided fits no entry, however empty. */
    static final class TooLargeException extends RuntimeException {
        private static final long serialVersionUID = 1;

        TooLargeException(String message) {
            super(message);
        }
    }
}
