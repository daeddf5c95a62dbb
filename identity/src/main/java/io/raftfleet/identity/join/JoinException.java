package io.raftfleet.identity.join;

import java.io.IOException;

/** Somebody could not join; the message says why, and what to do. */
public final class JoinException extends IOException {
    private static final long serialVersionUID = 1;

    public JoinException(String message) {
        super(message);
    }

    public JoinException(String message, Throwable cause) {
        super(message, cause);
    }
}
