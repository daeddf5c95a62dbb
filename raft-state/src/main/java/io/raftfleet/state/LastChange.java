package io.raftfleet.state;

/**
 * Who changed a unit's file or target state last. What is changed alike in one entry shares one of these.
 *
 * @param by as {@code Unit.changed_by} has it; empty when that is not known
 * @param atMs by the registry's clock, in milliseconds of Unix time; 0 when that is not known
 */
public record LastChange(String by, long atMs) {
    /** Of before that was written down. */
    public static final LastChange UNKNOWN = new LastChange("", 0);

    /** By somebody who is named, or by nobody knows whom. */
    static LastChange of(String by, long atMs) {
        return by.isEmpty() ? UNKNOWN : new LastChange(by, atMs);
    }

    /** This, or the other one if it says the same. */
    LastChange sharedWith(LastChange other) {
        return equals(other) ? other : this;
    }

    /** Of this alone, as if no other unit shared it. */
    long heapBytes() {
        return heapBytes(by);
    }

    /** The same of a change that need not be there. */
    static long heapBytes(String by) {
        return by.isEmpty() ? 0 : 24 + HeapBytes.of(by);
    }
}
