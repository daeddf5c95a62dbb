package io.raftfleet.state.raft;

import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.raft.LeadershipConfirmation.Confirmed;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.apache.ratis.protocol.Message;
import org.apache.ratis.thirdparty.com.google.protobuf.ByteString;

/**
 * What engines ask each other beside Raft: stale reads of Ratis' client protocol, which any server passes to its state
 * machine. A question is one byte, an answer that byte and what was asked for.
 */
final class PeerMessages {
    /** What is the read index? Answered by the leader alone. */
    static final byte READ_INDEX = 1;
    /** Where does your log end? */
    static final byte POSITION = 2;
    /** Who are the members? */
    static final byte MEMBERS = 3;
    /** What is the newest entry format that you read? */
    static final byte FORMAT = 4;
    /** What were your registry's digests, by index? */
    static final byte DIGESTS = 5;

    /** How many bytes of your heap may the registry take? */
    static final byte QUOTA = 6;
    /** Where does your log end, and how many of its entries are not applied yet? Older versions do not know the question: see {@link PeerClient#standing}. */
    static final byte STANDING = 7;

    /** What time is it? Asked only of engines that read entry format {@link EntryFormats#WITH_CLOCK_SET}: older ones do not know the question. */
    static final byte CLOCK = 8;

    private PeerMessages() {}

    /**
     * Where an engine's log ends.
     *
     * @param term its current term
     * @param logTerm term of its last entry
     * @param logIndex of its last entry
     */
    record Position(long term, long logTerm, long logIndex) {}

    /**
     * How fit an engine is to lead.
     *
     * @param end where its log ends
     * @param unapplied how many of the log's entries it has not applied
     */
    record Standing(Position end, long unapplied) {
        /** So many are on their way at any time. */
        static final long ON_THEIR_WAY = 8;

        /** What an engine is behind by that has so many entries yet to apply; 0 while it keeps up. Leading, it would take no writes before it has applied them. */
        static long behind(long entries) {
            return entries > ON_THEIR_WAY ? entries : 0;
        }

        boolean isBehind() {
            return behind(unapplied) > 0;
        }

        /** How many entries up to {@code index} it has yet to apply, those that it does not have included. */
        long unappliedUpTo(long index) {
            return Math.max(0, index - (end.logIndex - unapplied));
        }

        /**
         * Whether this engine should stand for election rather than the other: the one whose log ends later, since that one does not vote for the
         * other; of equal ones the one that is not behind, then the one of the smaller id. By how much they are behind does not count: it falls while they
         * ask, and each would find the other better.
         */
        boolean isBefore(String id, Standing other, String otherId) {
            if (end.logTerm != other.end.logTerm) {
                return end.logTerm > other.end.logTerm;
            }
            if (end.logIndex != other.end.logIndex) {
                return end.logIndex > other.end.logIndex;
            }
            return isBehind() != other.isBehind() ? other.isBehind() : id.compareTo(otherId) < 0;
        }
    }

    static Message question(byte kind) {
        return Message.valueOf(ByteString.copyFrom(new byte[] {kind}));
    }

    /** The question's kind, 0 for none that we know. */
    static byte kind(Message question) {
        ByteString content = question.getContent();
        return content.size() == 1 ? content.byteAt(0) : 0;
    }

    static Message encode(Confirmed confirmed) {
        return message(READ_INDEX, confirmed.term(), confirmed.commitIndex());
    }

    static Message encode(Position position) {
        return message(POSITION, position.term(), position.logTerm(), position.logIndex());
    }

    static Message encode(Collection<String> members) {
        return Message.valueOf(
                ByteString.copyFrom(new byte[] {MEMBERS}).concat(ByteString.copyFromUtf8(String.join("\n", members))));
    }

    static Set<String> members(Message answer) throws IOException {
        ByteString content = answer.getContent();
        if (content.isEmpty() || content.byteAt(0) != MEMBERS) {
            throw unreadable();
        }
        return Set.of(content.substring(1).toStringUtf8().split("\n", -1));
    }

    static Message encode(int format) {
        return message(FORMAT, format);
    }

    static long format(Message answer) throws IOException {
        return bytes(answer, FORMAT, 1).getLong();
    }

    static Message encodeQuota(long bytes) {
        return message(QUOTA, bytes);
    }

    static long quota(Message answer) throws IOException {
        return bytes(answer, QUOTA, 1).getLong();
    }

    static Message encodeClock(long ms) {
        return message(CLOCK, ms);
    }

    static long clock(Message answer) throws IOException {
        return bytes(answer, CLOCK, 1).getLong();
    }

    static Message encode(Standing standing) {
        var end = standing.end();
        return message(STANDING, end.term(), end.logTerm(), end.logIndex(), standing.unapplied());
    }

    static Standing standing(Message answer) throws IOException {
        ByteBuffer bytes = bytes(answer, STANDING, 4);
        return new Standing(new Position(bytes.getLong(), bytes.getLong(), bytes.getLong()), bytes.getLong());
    }

    static Message encode(Map<Long, com.google.protobuf.ByteString> digests) {
        ByteBuffer bytes = ByteBuffer.allocate(1
                        + digests.values().stream()
                                .mapToInt(d -> Long.BYTES + 1 + d.size())
                                .sum())
                .put(DIGESTS);
        digests.forEach((index, digest) ->
                bytes.putLong(index).put((byte) digest.size()).put(digest.toByteArray()));
        return Message.valueOf(ByteString.copyFrom(bytes.flip()));
    }

    static Map<Long, com.google.protobuf.ByteString> digests(Message answer) throws IOException {
        ByteBuffer bytes = answer.getContent().asReadOnlyByteBuffer();
        if (!bytes.hasRemaining() || bytes.get() != DIGESTS) {
            throw unreadable();
        }
        Map<Long, com.google.protobuf.ByteString> digests = new HashMap<>();
        try {
            while (bytes.hasRemaining()) {
                long index = bytes.getLong();
                byte[] digest = new byte[bytes.get() & 0xff];
                bytes.get(digest);
                digests.put(index, com.google.protobuf.ByteString.copyFrom(digest));
            }
        } catch (BufferUnderflowException e) {
            throw unreadable();
        }
        return digests;
    }

    static Confirmed readIndex(Message answer) throws IOException {
        ByteBuffer bytes = bytes(answer, READ_INDEX, 2);
        return new Confirmed(bytes.getLong(), bytes.getLong());
    }

    static Position position(Message answer) throws IOException {
        ByteBuffer bytes = bytes(answer, POSITION, 3);
        return new Position(bytes.getLong(), bytes.getLong(), bytes.getLong());
    }

    private static Message message(byte kind, long... numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(1 + numbers.length * Long.BYTES).put(kind);
        for (long number : numbers) {
            bytes.putLong(number);
        }
        return Message.valueOf(ByteString.copyFrom(bytes.flip()));
    }

    private static ByteBuffer bytes(Message answer, byte kind, int numbers) throws IOException {
        ByteBuffer bytes = answer.getContent().asReadOnlyByteBuffer();
        if (bytes.remaining() != 1 + numbers * Long.BYTES || bytes.get() != kind) {
            throw unreadable();
        }
        return bytes;
    }

    private static IOException unreadable() {
        return new IOException("Another engine's answer is unreadable: do all engines run compatible versions?");
    }
}
