package io.raftfleet.fleetctl;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import org.jspecify.annotations.Nullable;

/** Ends a command with a message for people and exit code 1, or, over a flag or argument that makes no sense, 2. */
final class CommandException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private static final int FAILED = 1;
    /** As picocli has it for what it finds itself. */
    private static final int USAGE = 2;

    private final int exit;

    CommandException(String message) {
        this(message, null);
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
        this(message, cause, FAILED);
    }

    private CommandException(String message, @Nullable Throwable cause, int exit) {
        super(message, cause);
        this.exit = exit;
    }

    /** A flag or argument makes no sense; to be thrown before the cluster is asked for anything. */
    static CommandException usage(String message) {
        return new CommandException(message, null, USAGE);
    }

    /** The command's exit code. */
    int exit() {
        return exit;
    }
}
