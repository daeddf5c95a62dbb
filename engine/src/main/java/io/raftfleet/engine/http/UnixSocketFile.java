package io.raftfleet.engine.http;

import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The file of a listening unix socket: made way for, protected, and removed. Owned by the thread that starts and stops. */
final class UnixSocketFile {
    /** {@code sun_path} has 108 bytes, one of them for the final zero (unix(7)). */
    static final int MAX_PATH_BYTES = 107;

    private static final Logger log = LoggerFactory.getLogger(UnixSocketFile.class);

    private final Path path;
    private @Nullable Object key;

    /**
     * Checks the path.
     *
     * @throws IOException if the kernel can't take a path this long
     */
    UnixSocketFile(Path path) throws IOException {
        this.path = path.toAbsolutePath();
        int length = this.path.toString().getBytes(StandardCharsets.UTF_8).length;
        if (length > MAX_PATH_BYTES) {
            throw new IOException("can't listen on unix socket " + this.path + ": its path has " + length
                    + " bytes and the kernel takes " + MAX_PATH_BYTES + "; choose a shorter one");
        }
    }

    UnixDomainSocketAddress address() {
        return UnixDomainSocketAddress.of(path);
    }

    /**
     * Removes the socket that a dead process left.
     *
     * @throws IOException if a live process listens on it, or if it is no socket
     */
    void makeWay() throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (!attributes().isOther()) {
            throw new IOException("can't listen on unix socket " + path
                    + ": something that is no socket has this name; move it away or choose another path");
        }
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            if (probe.connect(address())) {
                throw new IOException("can't listen on unix socket " + path
                        + ": a live process listens on it; stop that one or choose another path");
            }
        } catch (ConnectException deadOwner) {
            log.info("unix socket {} was left by a process that is gone; it is removed", path);
            Files.deleteIfExists(path);
        }
    }

    /** To be called once the socket is bound: lets its owner and group alone connect, and remembers which file it is. */
    void bound() throws IOException {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-rw----"));
        key = attributes().fileKey();
    }

    /** Removes the file unless another process has put its own in place. */
    void remove() throws IOException {
        if (key != null
                && Files.exists(path, LinkOption.NOFOLLOW_LINKS)
                && Objects.equals(key, attributes().fileKey())) {
            Files.deleteIfExists(path);
        }
    }

    private BasicFileAttributes attributes() throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
