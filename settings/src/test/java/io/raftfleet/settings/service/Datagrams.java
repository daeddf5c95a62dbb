package io.raftfleet.settings.service;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;

/** Stands in for systemd: a unix socket that takes datagrams, which Java has not. */
final class Datagrams implements AutoCloseable {
    private static final MethodHandle SOCKET =
            function("socket", ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    private static final MethodHandle BIND =
            function("bind", ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
    private static final MethodHandle READ =
            function("read", ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG);
    private static final MethodHandle CLOSE = function("close", ValueLayout.JAVA_INT);

    private final int socket;

    @SuppressWarnings("restricted") // The C library is what it is about.
    private static MethodHandle function(String name, java.lang.foreign.MemoryLayout... arguments) {
        var linker = Linker.nativeLinker();
        return linker.downcallHandle(
                linker.defaultLookup().findOrThrow(name), FunctionDescriptor.of(ValueLayout.JAVA_INT, arguments));
    }

    /** Listens, as NOTIFY_SOCKET has it. */
    Datagrams(String path) throws Throwable {
        socket = (int) SOCKET.invokeExact(1, 2, 0);
        byte[] name = path.replace('@', '\0').getBytes(StandardCharsets.UTF_8);
        try (var arena = Arena.ofConfined()) {
            var address = arena.allocate(110, 2);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) 1);
            MemorySegment.copy(name, 0, address, ValueLayout.JAVA_BYTE, 2, name.length);
            int bound = (int) BIND.invokeExact(socket, address, 2 + name.length);
            if (bound != 0) {
                throw new IOException("can't bind " + path);
            }
        }
    }

    /** The next one; waits for it. */
    String next() throws Throwable {
        try (var arena = Arena.ofConfined()) {
            var buffer = arena.allocate(1000);
            int length = (int) READ.invokeExact(socket, buffer, 1000L);
            return new String(buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        }
    }

    @Override
    public void close() throws IOException {
        try {
            int unused = (int) CLOSE.invokeExact(socket);
        } catch (Throwable e) {
            throw new IOException(e);
        }
    }
}
