package io.raftfleet.chaos.history;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A file that is no whole history. The message is for people: which file, which line, what is wrong and what to do. */
public final class BadHistoryException extends IOException {
    private static final long serialVersionUID = 1L;

    BadHistoryException(Path file, String what, @Nullable Throwable cause) {
        super(file + what, cause);
    }
}
