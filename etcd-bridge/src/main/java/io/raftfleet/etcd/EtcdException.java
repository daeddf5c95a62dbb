package io.raftfleet.etcd;

/** etcd did not do what it was asked, or its fate is unknown. */
public class EtcdException extends Exception {
    private static final long serialVersionUID = 1;

    private final boolean compacted;

    EtcdException(String message, Throwable cause, boolean compacted) {
        super(message, cause);
        this.compacted = compacted;
    }

    /** @param message what happened, to which key, what to do */
    EtcdException(String message) {
        super(message);
        compacted = false;
    }

    /** Whether a revision that was asked for is kept no longer. */
    boolean compacted() {
        return compacted;
    }
}
