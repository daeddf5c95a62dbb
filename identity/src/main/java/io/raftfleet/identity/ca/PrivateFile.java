package io.raftfleet.identity.ca;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** Files that have their modes from the moment they are there. */
public final class PrivateFile {
    private PrivateFile() {}

    /** A file that its owner alone may read, of mode 0600. */
    public static void create(Path file, String text) throws IOException {
        write(file, text, "rw-------");
    }

    /** A file that everybody may read, of mode 0644. */
    public static void createPublic(Path file, String text) throws IOException {
        write(file, text, "rw-r--r--");
    }

    /** Takes the place of a file, or of none, at once and with mode 0644: who reads it has the old one or the new. */
    public static void replacePublic(Path file, String text) throws IOException {
        Path next = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(next);
        createPublic(next, text);
        Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** The same for what its owner alone may read, with mode 0600. */
    public static void replace(Path file, String text) throws IOException {
        Path next = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(next);
        create(next, text);
        Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static void write(Path file, String text, String mode) throws IOException {
        FileAttribute<?> permissions = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode));
        try (FileChannel channel = FileChannel.open(
                        file, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), permissions);
                OutputStream out = Channels.newOutputStream(channel)) {
            out.write(text.getBytes(StandardCharsets.US_ASCII));
            channel.force(true);
        } catch (FileAlreadyExistsException e) {
            throw new FileAlreadyExistsException(file + " exists: it is not written over");
        }
    }

    /**
     * Makes a directory that its owner alone may enter, of mode 0700, unless there is one. Those above it that are missing get their
     * modes as usual: others may have something there too.
     */
    public static void directory(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            return;
        }
        Path parent = directory.toAbsolutePath().getParent();
        if (parent != null) {
            Files.createDirectories(parent);
        }
        try {
            Files.createDirectory(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        } catch (FileAlreadyExistsException e) {
            if (!Files.isDirectory(directory)) {
                throw e;
            }
        }
    }
}
