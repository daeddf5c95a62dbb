package io.raftfleet.state;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;

/** An immutable piece of the registry that is one row of a checkpoint. Formats are in {@code checkpoint.proto}. */
sealed interface StoredRow
        permits RegistryInfo,
                StoredContents,
                StoredSource,
                UnitRecord,
                MachineRecord,
                UnitStateRecord,
                Departure,
                AnsweredRequest,
                Removal,
                LoggedEvent,
                Rollout,
                JoinToken,
                Revoked {
    /** Letter of its table, as in {@link #rowKey}: with the ids it tells a row from all others, without making bytes of them. */
    char table();

    /** Unique in the table, or within {@link #in}. */
    Object id();

    /** What the id is unique in. */
    default Object in() {
        return "";
    }

    /** Unique in the registry. */
    ByteString rowKey();

    /** Everything there is to restore it from; {@link Deterministic} makes its bytes. */
    MessageLite rowValue();

    /** About how much of the heap it takes, with its places in indexes; see {@link HeapBytes}. */
    long heapBytes();

    /** Key of the form: table letter, then parts separated by a zero byte, which no part contains. */
    static ByteString key(char table, String... parts) {
        return ByteString.copyFromUtf8(table + String.join("\0", parts));
    }
}
