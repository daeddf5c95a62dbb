package io.raftfleet.fleetctl;

import org.jspecify.annotations.Nullable;

/** Ends a command with exit code 1 and a message for people. */
final class CommandException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    CommandException(String message) {
        super(message);
    }

    /** A message made of the cause's own; a cause without one is named by its type. */
    static CommandException of(Throwable cause) {
        String message = cause.getMessage();
        return new CommandException(message == null ? cause.toString() : message, cause);
    }

    CommandException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
