package io.raftfleet.agent.reconcile;

import io.raftfleet.agent.manager.BootIds;
import io.raftfleet.unit.UnitHash;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The journal's bytes: each record is its payload's length and CRC-32C (4 bytes each, big-endian), then the payload: a kind,
 * the unit's name, and for an entry its order and what was done. When the unit manager began stands last, where agents that know nothing of
 * it do not look; theirs have none.
 */
final class JournalCodec {
    /** First bytes of the file: what it is, and the version of the format. */
    static final byte[] HEADER = {'r', 'f', 'a', 'j', 0, 0, 0, 1};

    static final int FRAME = 8;
    /** More than any record has: a name has at most 255 bytes. */
    static final int MAX_PAYLOAD = 4096;

    private static final int PUT = 1;
    private static final int REMOVE = 2;
    private static final int HAS_ORDER = 1;
    private static final int REMOVING = 2;
    private static final int HAS_DONE = 4;

    /**
     * A record read back.
     *
     * @param entry null when the unit was forgotten
     */
    record Read(String name, @Nullable JournalEntry entry) {}

    private JournalCodec() {}

    static void put(ByteArrayOutputStream out, JournalEntry entry) {
        frame(out, payload -> {
            payload.writeByte(PUT);
            payload.writeUTF(entry.name());
            Order order = entry.order();
            Done done = entry.done();
            payload.writeByte((order == null ? 0 : HAS_ORDER)
                    | (entry.removing() ? REMOVING : 0)
                    | (done == null ? 0 : HAS_DONE));
            if (order != null) {
                payload.write(order.hash().toBytes());
                payload.writeBoolean(order.launched());
                payload.writeLong(order.generation());
            }
            if (done != null) {
                payload.write(done.hash().toBytes());
                payload.writeBoolean(done.launched());
                payload.writeLong(done.generation());
                payload.writeUTF(BootIds.kernel(done.bootId()));
                payload.writeByte(done.phase().code());
                payload.writeUTF(BootIds.managerStart(done.bootId()));
            }
        });
    }

    static void remove(ByteArrayOutputStream out, String name) {
        frame(out, payload -> {
            payload.writeByte(REMOVE);
            payload.writeUTF(name);
        });
    }

    private interface Writer {
        void write(DataOutputStream out) throws IOException;
    }

    private static void frame(ByteArrayOutputStream out, Writer writer) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(128);
        try {
            writer.write(new DataOutputStream(bytes));
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory can't fail", e);
        }
        byte[] payload = bytes.toByteArray();
        ByteBuffer head =
                ByteBuffer.allocate(FRAME).putInt(payload.length).putInt(checksum(payload, 0, payload.length));
        out.writeBytes(head.array());
        out.writeBytes(payload);
    }

    static int checksum(byte[] bytes, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, from, length);
        return (int) crc.getValue();
    }

    /** @throws IOException when the payload, whose checksum is right, is none of this version */
    static Read read(DataInputStream payload) throws IOException {
        int kind = payload.readUnsignedByte();
        String name = payload.readUTF();
        if (kind == REMOVE) {
            return new Read(name, null);
        }
        if (kind != PUT) {
            throw new IOException("unknown kind of record " + kind);
        }
        int flags = payload.readUnsignedByte();
        Order order = null;
        if ((flags & HAS_ORDER) != 0) {
            order = new Order(hash(payload), payload.readBoolean(), payload.readLong());
        }
        Done done = null;
        if ((flags & HAS_DONE) != 0) {
            UnitHash hash = hash(payload);
            boolean launched = payload.readBoolean();
            long generation = payload.readLong();
            String kernel = payload.readUTF();
            Done.Phase phase = Done.Phase.of(payload.readUnsignedByte());
            String managerStart = payload.available() == 0 ? "" : payload.readUTF();
            done = new Done(
                    hash,
                    launched,
                    generation,
                    BootIds.join(kernel, managerStart).intern(),
                    phase);
        }
        return new Read(name, new JournalEntry(name, order, (flags & REMOVING) != 0, done));
    }

    private static UnitHash hash(DataInputStream in) throws IOException {
        byte[] bytes = new byte[UnitHash.BYTES];
        in.readFully(bytes);
        return UnitHash.from(bytes);
    }
}
