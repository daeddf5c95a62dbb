package io.raftfleet.state;

import io.raftfleet.unit.Requirements;
import java.util.List;

/**
 * What the pieces of the registry take of a 64-bit Java heap with compressed references, with their places in all indexes.
 * Estimates: {@code HeapBytesTest} holds them against a heap. Functions of the row alone, so that engines which hold the same
 * rows count the same.
 */
final class HeapBytes {
    private static final int STRING = 24;
    private static final int ARRAY = 16;

    /** A key's place in a tree of Java's. This one and {@link #HASH_ENTRY} decide through {@link LoggedEvent} which events are kept: they stay as they are. */
    static final long TREE_ENTRY = 40;
    /** A row's place among {@link SortedRows}, whose leaves are mostly full to two thirds and more. */
    static final long SORTED_ENTRY = 12;
    /** The same of a row that is its own key. */
    static final long SORTED_SELF = 6;
    /** A key's place in a hash table, with its share of the table. */
    static final long HASH_ENTRY = 40;
    /** A unit's record; its hash is that of its contents. */
    static final long UNIT = 80;
    /** A unit in the leader's scheduler. */
    static final long SCHEDULER = 120;
    /** A unit's places: by name, by machine, as two facts, and in the scheduler. */
    static final long UNIT_PLACES = SORTED_ENTRY + SORTED_SELF + 2 * (24 + SORTED_SELF) + SCHEDULER;
    /** A message of a state, with the record around it; its name is the unit's, its hash that of many. */
    static final long STATE = 72 + 16;
    /** A state's places: by name and by machine. */
    static final long STATE_PLACES = SORTED_SELF + SORTED_ENTRY;

    /** What a unit asks for, twice: as it is looked at, and as records carry it. */
    private static final long WANTS = 56 + 5 * 24 + 64 + 4 * 24;

    private static final long LIST_ENTRY = 8;
    /** A key with its values as records carry it. */
    private static final long CHOICE = 32 + 24 + 40;
    /** A pattern ready to be matched, besides its characters. */
    private static final long PATTERN = 96;

    private HeapBytes() {}

    /** A string of its own. */
    static long of(String text) {
        if (text.isEmpty()) {
            return 0;
        }
        return STRING + array(isLatin(text) ? text.length() : 2L * text.length());
    }

    /** A string of ASCII characters, of its own: what names of units are. */
    static long ofName(String name) {
        return name.isEmpty() ? 0 : STRING + array(name.length());
    }

    /** What a unit asks of machines, with its patterns ready to be matched; nothing for a unit that asks for nothing. */
    static long of(Requirements wants) {
        if (wants.isUnconstrained() && !wants.fence() && !wants.startFirst()) {
            return 0;
        }
        long bytes = WANTS + of(wants.machineId().orElse(""));
        for (var peer : wants.peers()) {
            bytes += LIST_ENTRY + of(peer);
        }
        for (var patterns : List.of(wants.conflicts(), wants.replaces())) {
            for (var pattern : patterns) {
                bytes += LIST_ENTRY + PATTERN + 2 * of(pattern);
            }
        }
        for (var choice : wants.metadata().entrySet()) {
            bytes += 4 * HASH_ENTRY + CHOICE + of(choice.getKey());
            for (var value : choice.getValue()) {
                bytes += HASH_ENTRY + of(value);
            }
        }
        return bytes;
    }

    /** A byte string of its own. */
    static long of(com.google.protobuf.ByteString bytes) {
        return STRING + array(bytes.size());
    }

    private static long array(long bytes) {
        return ARRAY + ((bytes + 7) & ~7L);
    }

    /** Whether Java holds it in a byte a character. */
    private static boolean isLatin(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) > 0xff) {
                return false;
            }
        }
        return true;
    }
}
