package io.raftfleet.client;

/** The revision to resume a watch from is older than what the engines keep, or of another life of the registry: list again. */
public final class CompactedException extends Exception {
    private static final long serialVersionUID = 1L;

    CompactedException(String message) {
        super(message);
    }
}
