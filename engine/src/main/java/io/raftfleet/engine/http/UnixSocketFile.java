package io.raftfleet.engine.http;

import io.raftfleet.engine.access.SocketPeers;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file of a listening unix socket: made way for, made, and removed. It is made in a directory that nobody else can enter, and put in
 * its place once its mode and group are right. Owned by the thread that starts and stops.
 */
final class UnixSocketFile {
    /** {@code sun_path} has 108 bytes, one of them for the final zero (unix(7)). */
    static final int MAX_PATH_BYTES = 107;

    private static final String MODE = "rw-rw----";
    /** Of the directory that it is made in: unlike any other there. */
    private static final int DIGITS = 4;

    private static final Logger log = LoggerFactory.getLogger(UnixSocketFile.class);

    private final Path path;
    private final Path making;
    private @Nullable Object key;

    /**
     * Checks the path.
     *
     * @throws IOException if the kernel can't take a path this long
     */
    UnixSocketFile(Path path) throws IOException {
        this.path = path.toAbsolutePath();
        String unique = HexFormat.of().toHexDigits(new SecureRandom().nextInt(), DIGITS);
        this.making = this.path.resolveSibling(".s" + unique).resolve("s");
        int length = Math.max(bytes(this.path), bytes(making));
        if (length > MAX_PATH_BYTES) {
            throw new IOException(
                    "can't listen on unix socket " + this.path + ": its path, or the one that it is made under, has "
                            + length + " bytes and the kernel takes " + MAX_PATH_BYTES + "; choose a shorter one");
        }
    }

    private static int bytes(Path path) {
        return path.toString().getBytes(StandardCharsets.UTF_8).length;
    }

    /** Listens on an address. */
    @FunctionalInterface
    interface Binding {
        void bind(UnixDomainSocketAddress address) throws IOException;
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
            if (probe.connect(UnixDomainSocketAddress.of(path))) {
                throw new IOException("can't listen on unix socket " + path
                        + ": a live process listens on it; stop that one or choose another path");
            }
        } catch (ConnectException deadOwner) {
            log.info("unix socket {} was left by a process that is gone; it is removed", path);
            Files.deleteIfExists(path);
        }
    }

    /**
     * Makes the socket. From the moment that it can be found its owner, root and the group {@value SocketPeers#GROUP}, or where the owner
     * can't give it to that group its own, alone can connect.
     *
     * @throws IOException when it can't be made, or something has this name by now
     */
    void place(Binding binding) throws IOException {
        Path closed = Objects.requireNonNull(making.getParent());
        Files.createDirectory(
                closed, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        try {
            binding.bind(UnixDomainSocketAddress.of(making));
            Files.setPosixFilePermissions(making, PosixFilePermissions.fromString(MODE));
            giveToGroup();
            Files.createLink(path, making);
            key = attributes().fileKey();
        } finally {
            Files.deleteIfExists(making);
            Files.deleteIfExists(closed);
        }
    }

    private void giveToGroup() throws IOException {
        GroupPrincipal group;
        try {
            group = making.getFileSystem()
                    .getUserPrincipalLookupService()
                    .lookupPrincipalByGroupName(SocketPeers.GROUP);
        } catch (UserPrincipalNotFoundException e) {
            log.info(
                    "unix socket {} is for root and the engine's own user: there is no group {}",
                    path,
                    SocketPeers.GROUP);
            return;
        }
        var attributes = Files.getFileAttributeView(making, PosixFileAttributeView.class);
        try {
            if (!attributes
                    .readAttributes()
                    .group()
                    .equals(group)) { // A service may be forbidden to give anything away.
                attributes.setGroup(group);
            }
        } catch (FileSystemException e) {
            log.warn(
                    "unix socket {} can't be given to the group {} ({}): its members can't use it. Let the engine's user be one",
                    path,
                    SocketPeers.GROUP,
                    e.getMessage());
        }
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
