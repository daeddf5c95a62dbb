package io.raftfleet.settings.service;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;

/**
 * Sends datagrams to a unix socket, by the C library: Java has unix sockets for streams alone. Constants and layouts are Linux'. Safe
 * for use by any thread.
 */
final class NotifySocket {
    private static final short AF_UNIX = 1;
    private static final int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
    private static final int MSG_NOSIGNAL = 0x4000;
    /** Of {@code sockaddr_un}'s path. */
    private static final int MOST_PATH = 108;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle SOCKET = function(
            "socket",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle SENDTO = function(
            "sendto",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_INT));
    private static final MethodHandle CLOSE =
            function("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    private final byte[] path;

    /**
     * A socket to send to.
     *
     * @param path as {@code NOTIFY_SOCKET} has it: of a file, or {@code @} and the name of an abstract socket
     * @throws IllegalArgumentException when it is neither, or longer than a socket's path can be
     */
    NotifySocket(String path) {
        this.path = path.getBytes(StandardCharsets.UTF_8);
        if (this.path.length >= MOST_PATH || !(path.startsWith("/") || path.startsWith("@"))) {
            throw new IllegalArgumentException("NOTIFY_SOCKET \"" + path + "\" is no path of a socket");
        }
    }

    @SuppressWarnings("restricted") // The C library is what it is about.
    private static MethodHandle function(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor);
    }

    /**
     * Sends one datagram. As {@code sd_notify(3)} does, it waits while systemd has too much to read: that this service is ready is said once.
     *
     * @throws IOException when nobody takes it
     */
    void send(String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        try (var arena = Arena.ofConfined()) {
            var address = arena.allocate(2 + MOST_PATH, 2);
            address.set(ValueLayout.JAVA_SHORT, 0, AF_UNIX);
            MemorySegment.copy(path, 0, address, ValueLayout.JAVA_BYTE, 2, path.length);
            if (path[0] == '@') {
                address.set(ValueLayout.JAVA_BYTE, 2, (byte) 0);
            }
            var datagram = arena.allocate(bytes.length);
            MemorySegment.copy(bytes, 0, datagram, ValueLayout.JAVA_BYTE, 0, bytes.length);
            int socket = (int) SOCKET.invokeExact((int) AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
            if (socket < 0) {
                throw new IOException("there is no socket to tell systemd anything by");
            }
            try {
                long sent = (long) SENDTO.invokeExact(
                        socket, datagram, (long) bytes.length, MSG_NOSIGNAL, address, 2 + path.length);
                if (sent != bytes.length) {
                    throw new IOException("nobody takes what is sent to " + new String(path, StandardCharsets.UTF_8));
                }
            } finally {
                int unused = (int) CLOSE.invokeExact(socket);
            }
        } catch (IOException | RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IOException(e);
        }
    }
}
