package io.raftfleet.chaos.cluster;

import org.jspecify.annotations.Nullable;

/** Something that was waited for did not come. */
public final class NotInTimeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NotInTimeException(String message, @Nullable Throwable cause) {
        super(cause == null ? message : message + ", last: " + cause.getMessage(), cause);
    }
}
