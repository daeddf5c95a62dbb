package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.raftfleet.unit.Glob;
import io.raftfleet.unit.InvalidPatternException;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitName;
import io.raftfleet.unit.UnitSource;
import io.raftfleet.unit.Units;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Unit files on this machine, each read once. To be used by one thread. */
final class LocalUnits {
    private final Path directory;
    private final Map<Path, Local> read = new HashMap<>();

    /** A unit file with its text, which is submitted as it is. */
    record Local(UnitFile file, String text) {
        /** SHA-256 of what the cluster keeps besides the options, as it states it. */
        ByteString sourceDigest() {
            UnitSource source = UnitSource.of(text, file);
            return source == null ? ByteString.EMPTY : UnitSource.toBytes(source.digest());
        }
    }

    LocalUnits(Path directory) {
        this.directory = directory;
    }

    /** Where an argument points; null when it can't be a path. */
    @Nullable
    Path path(String argument) {
        try {
            return directory.resolve(argument);
        } catch (InvalidPathException e) {
            return null;
        }
    }

    boolean exists(String argument) {
        Path path = path(argument);
        return path != null && Files.exists(path);
    }

    boolean isDirectory(String argument) {
        Path path = path(argument);
        return path != null && Files.isDirectory(path);
    }

    /** The argument for another file in the same folder. */
    static String sibling(String argument, String name) {
        return argument.substring(0, argument.lastIndexOf('/') + 1) + name;
    }

    /** The text of a file; bytes that are no text are refused rather than changed. */
    private static String decoded(String argument, byte[] bytes) throws InvalidUnitException {
        var in = ByteBuffer.wrap(bytes);
        var out = CharBuffer.allocate(bytes.length);
        var result = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT)
                .decode(in, out, true);
        if (result.isError()) {
            long line = 1 + out.flip().chars().filter(c -> c == '\n').count();
            throw new InvalidUnitException(argument, "line " + line, "not in UTF-8; save the file in that encoding");
        }
        return out.flip().toString();
    }

    /**
     * The unit file that an argument points to.
     *
     * @throws IOException when it can't be read, with a message that says why
     * @throws InvalidUnitException when it is none
     */
    Local read(String argument) throws IOException, InvalidUnitException {
        Path path = path(argument);
        if (path == null) {
            throw new IOException(argument + " is no path");
        }
        Local known = read.get(path);
        if (known != null) {
            return known;
        }
        if (Files.isDirectory(path)) {
            throw new IOException(argument + " is a directory: name the files in it, as with '" + argument + "/*'");
        }
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw new IOException(argument + " is no regular file: write what it gives to one");
        }
        try {
            if (Files.size(path) > Units.MAX_BYTES) {
                throw new InvalidUnitException(
                        argument, "contents", "longer than " + Units.MAX_BYTES + " bytes, the limit of a unit file");
            }
            String text = decoded(argument, Files.readAllBytes(path));
            Local local = new Local(UnitFile.parse(text), text);
            read.put(path, local);
            return local;
        } catch (java.nio.file.NoSuchFileException e) {
            throw new IOException(argument + " does not exist", e);
        } catch (java.nio.file.AccessDeniedException e) {
            throw new IOException(argument + " may not be read by this user: change its mode, or who runs fleetctl", e);
        }
    }

    /** The folder whose files an argument, a name or a pattern, is about, for people. */
    String folder(String argument) {
        Path folder = path(sibling(argument, ""));
        return folder == null
                ? "no folder"
                : folder.toAbsolutePath().normalize().toString();
    }

    /** Arguments for the unit files that match a pattern, whose folder part is literal; by name. */
    List<String> matching(String pattern) throws InvalidPatternException {
        Glob glob = Glob.compile(pattern.substring(pattern.lastIndexOf('/') + 1));
        Path folder = path(sibling(pattern, "."));
        if (folder == null || !Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile)
                    .map(path -> String.valueOf(path.getFileName()))
                    .filter(name -> UnitName.isValid(name) && glob.matches(name))
                    .sorted()
                    .map(name -> sibling(pattern, name))
                    .toList();
        } catch (IOException e) {
            throw new CommandException(
                    "can't list " + folder + " for the pattern " + pattern + ": " + e.getMessage(), e);
        }
    }
}
