package io.raftfleet.agent.systemd;

import java.io.EOFException;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import org.freedesktop.dbus.exceptions.DBusException;
import org.freedesktop.dbus.messages.Message;
import org.freedesktop.dbus.messages.MessageFactory;
import org.freedesktop.dbus.messages.constants.HeaderField;

/**
 * Cuts a byte stream into D-Bus messages. Reads as much as there is at once: while many units start, systemd sends some ten
 * signals a unit, and dbus-java's own reader makes four system calls for each. Of signals it makes no messages of dbus-java's, which
 * takes longer than all else that the agent does for a start.
 *
 * <p>Owned by the thread that reads.
 */
final class MessageReader {
    /** D-Bus' own limit of a message, in bytes. */
    static final int MAX_MESSAGE = 128 << 20;

    private static final int FIXED_HEADER = 16;
    private static final int BUFFER = 64 << 10;

    private static final byte SIGNAL = 4;

    /** What has come. */
    sealed interface Incoming {}

    /**
     * A signal.
     *
     * @param path of the object that it is about
     * @param member its name
     * @param body in the byte order of the message
     */
    record Signal(String path, String member, ByteBuffer body) implements Incoming {}

    /** Any other message. */
    record Other(Message message) implements Incoming {}

    private final ReadableByteChannel channel;
    private final ByteBuffer usual = ByteBuffer.allocateDirect(BUFFER).limit(0);
    private ByteBuffer buffer = usual;

    MessageReader(ReadableByteChannel channel) {
        this.channel = channel;
    }

    /**
     * Waits for the next message.
     *
     * @throws EOFException when the other side closed the connection
     * @throws IOException also when what came is no D-Bus message
     */
    Incoming read() throws IOException {
        require(FIXED_HEADER);
        int start = buffer.position();
        byte endian = buffer.get(start);
        if (endian != 'l' && endian != 'B') {
            throw new IOException("what came is no D-Bus message: its first byte is " + endian);
        }
        buffer.order(endian == 'l' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        long fields = Integer.toUnsignedLong(buffer.getInt(start + 12));
        long paddedFields = (fields + 7) & ~7L;
        long body = Integer.toUnsignedLong(buffer.getInt(start + 4));
        long total = FIXED_HEADER + paddedFields + body;
        if (total > MAX_MESSAGE) {
            throw new IOException("a D-Bus message of " + total + " bytes is over the limit of " + MAX_MESSAGE);
        }
        require((int) total);
        return buffer.get(buffer.position() + 1) == SIGNAL
                ? signal((int) fields, (int) paddedFields, (int) body)
                : new Other(message((int) paddedFields, (int) body));
    }

    private Signal signal(int fields, int paddedFields, int bodyBytes) throws IOException {
        buffer.position(buffer.position() + FIXED_HEADER);
        var header = take(paddedFields).limit(fields);
        var body = take(bodyBytes);
        shrink();
        String path = "";
        String member = "";
        try {
            while (header.hasRemaining()) {
                Wire.align(header, 8);
                byte code = header.get();
                String signature = Wire.signature(header);
                switch (code) {
                    case HeaderField.PATH -> path = Wire.string(header);
                    case HeaderField.MEMBER -> member = Wire.string(header);
                    default -> Wire.skip(header, signature);
                }
            }
        } catch (IllegalArgumentException | BufferUnderflowException malformed) {
            throw new IOException("a malformed D-Bus signal: " + malformed.getMessage(), malformed);
        }
        return new Signal(path, member, body);
    }

    private ByteBuffer take(int bytes) {
        byte[] taken = new byte[bytes];
        buffer.get(taken);
        return ByteBuffer.wrap(taken).order(buffer.order());
    }

    private void shrink() {
        if (buffer.capacity() > BUFFER && !buffer.hasRemaining()) {
            buffer = usual.limit(0);
        }
    }

    private Message message(int paddedFields, int body) throws IOException {
        byte[] fixed = new byte[12];
        buffer.get(fixed);
        // As dbus-java wants it: the length, its padding to eight bytes, the fields.
        byte[] header = new byte[8 + paddedFields];
        buffer.get(header, 0, 4);
        buffer.get(header, 8, paddedFields);
        byte[] content = new byte[body];
        buffer.get(content);
        shrink();
        try {
            return MessageFactory.createMessage(fixed[1], fixed, header, content, null);
        } catch (DBusException | RuntimeException malformed) {
            throw new IOException("a malformed D-Bus message: " + malformed.getMessage(), malformed);
        }
    }

    /** The body of a message that this reader made. */
    static ByteBuffer body(Message message) {
        return ByteBuffer.wrap(message.getWireData()[2])
                .order(message.getEndianess() == 'l' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    }

    private void require(int bytes) throws IOException {
        if (buffer.remaining() >= bytes) {
            return;
        }
        if (buffer.capacity() < bytes) {
            ByteOrder order = buffer.order();
            buffer = ByteBuffer.allocate(bytes).put(buffer).flip().order(order);
        }
        buffer.compact();
        try {
            while (buffer.position() < bytes) {
                if (channel.read(buffer) < 0) {
                    throw new EOFException("the other side closed the connection");
                }
            }
        } finally {
            buffer.flip();
        }
    }
}
