package io.raftfleet.chaos.campaign;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.FileVisitor;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Directories of campaigns: none is ever used twice, and what a campaign that failed left is kept. Holds no state. */
final class Evidence {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT);

    private Evidence() {}

    /** Makes a directory for one campaign, named after the time and the seed. */
    static Path fresh(Path parent, long seed, LocalDateTime now) throws IOException {
        Files.createDirectories(parent);
        var name = TIME.format(now) + "-seed-" + seed;
        for (int number = 1; ; number++) {
            try {
                return Files.createDirectory(parent.resolve(number == 1 ? name : name + "-" + number));
            } catch (FileAlreadyExistsException e) {
                // Another campaign of the same second and seed; the next number is free.
            }
        }
    }

    /** What is done in a directory for processes' data. */
    interface Work<T> {
        T in(Path scratch) throws IOException, InterruptedException;
    }

    /**
     * Gives work a temporary directory, with a short path. Unless all goes well, what is in it afterwards is kept below {@code data} of
     * another; not when the work was refused for its arguments.
     *
     * @param progress told where the data is kept
     */
    static <T> T gather(Path out, Work<T> work, Predicate<T> passed, Consumer<String> progress)
            throws IOException, InterruptedException {
        var scratch = Files.createTempDirectory("chaos").toRealPath();
        boolean disposable = false;
        try {
            var result = work.in(scratch);
            disposable = passed.test(result);
            return result;
        } catch (IllegalArgumentException e) {
            disposable = true;
            throw e;
        } finally {
            if (disposable || keep(scratch, out.resolve("data"), progress)) {
                remove(scratch);
            }
        }
    }

    private static boolean keep(Path scratch, Path data, Consumer<String> progress) {
        try {
            copy(scratch, data);
            progress.accept("Data kept: " + data);
            return true;
        } catch (IOException e) {
            progress.accept("The data can't be copied to " + data + " (" + e + "): it stays in " + scratch);
            return false;
        }
    }

    /** Copies a directory: folders, files and symbolic links; not sockets and pipes, which hold nothing. */
    static void copy(Path from, Path to) throws IOException {
        Files.walkFileTree(from, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) throws IOException {
                Files.createDirectories(to.resolve(from.relativize(dir)));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                if (attributes.isRegularFile() || attributes.isSymbolicLink()) {
                    Files.copy(
                            file,
                            to.resolve(from.relativize(file)),
                            LinkOption.NOFOLLOW_LINKS,
                            StandardCopyOption.COPY_ATTRIBUTES);
                }
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /** Removes a directory with all that is in it, if it is there. */
    static void remove(Path dir) throws IOException {
        if (Files.exists(dir)) {
            Files.walkFileTree(dir, REMOVING);
        }
    }

    private static final FileVisitor<Path> REMOVING = new SimpleFileVisitor<>() {
        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFileFailed(Path file, IOException failure) {
            // Gone meanwhile, or a mount that is on its way out: its folder is seen to afterwards.
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path dir, @Nullable IOException failure) throws IOException {
            Files.deleteIfExists(dir);
            return FileVisitResult.CONTINUE;
        }
    };
}
