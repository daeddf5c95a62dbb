package io.raftfleet.fleetctl;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import org.jspecify.annotations.Nullable;

/** Ends a command with exit code 1 and a message for people. */
final class CommandException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    CommandException(String message) {
        super(message);
    }

    /** A message made of the cause's own; a cause without one is named by its type. */
    static CommandException of(Throwable cause) {
        return new CommandException(words(cause), cause);
    }

    /** A cause's own message; of a file, which has a name alone for one, also what is wrong with it. */
    static String words(Throwable cause) {
        String message = cause.getMessage();
        return switch (cause) {
            case NoSuchFileException e -> e.getFile() + " does not exist";
            case AccessDeniedException e ->
                e.getFile() + " may not be used by this user: change its mode, or who runs fleetctl";
            case FileAlreadyExistsException e -> e.getFile() + " is there already";
            case NotDirectoryException e -> e.getFile() + " is no directory";
            default -> message == null ? cause.toString() : message;
        };
    }

    CommandException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
