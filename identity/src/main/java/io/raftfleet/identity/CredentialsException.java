package io.raftfleet.identity;

import java.io.IOException;

/** A certificate, key or CA file that can't be used; the message names it, what is wrong with it and what to do. */
public final class CredentialsException extends IOException {
    private static final long serialVersionUID = 1;

    public CredentialsException(String message) {
        super(message);
    }

    public CredentialsException(String message, Throwable cause) {
        super(message, cause);
    }
}
