package io.raftfleet.etcd;

/** etcd did not do what it was asked, or its fate is unknown. */
public class EtcdException extends Exception {
    private static final long serialVersionUID = 1;

    EtcdException(String message, Throwable cause) {
        super(message, cause);
    }

    /** @param message what happened, to which key, what to do */
    EtcdException(String message) {
        super(message);
    }
}
