package io.raftfleet.state.raft;

import io.raftfleet.state.raft.LeadershipConfirmation.Confirmed;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.ratis.protocol.Message;
import org.apache.ratis.thirdparty.com.google.protobuf.ByteString;

/**
 * How an engine asks the leader for a read index: a stale read of Ratis' client protocol, which any server passes to its
 * state machine. The question is one byte, a version; the answer the leader's term and commit index.
 */
final class ReadIndexMessage {
    private static final byte VERSION = 1;
    private static final int ANSWER_BYTES = 1 + 2 * Long.BYTES;

    private ReadIndexMessage() {}

    static Message question() {
        return Message.valueOf(ByteString.copyFrom(new byte[] {VERSION}));
    }

    static boolean isQuestion(Message message) {
        ByteString content = message.getContent();
        return content.size() == 1 && content.byteAt(0) == VERSION;
    }

    static Message answer(Confirmed confirmed) {
        ByteBuffer bytes = ByteBuffer.allocate(ANSWER_BYTES)
                .put(VERSION)
                .putLong(confirmed.term())
                .putLong(confirmed.commitIndex())
                .flip();
        return Message.valueOf(ByteString.copyFrom(bytes));
    }

    static Confirmed parse(Message message) throws IOException {
        ByteBuffer bytes = message.getContent().asReadOnlyByteBuffer();
        if (bytes.remaining() != ANSWER_BYTES || bytes.get() != VERSION) {
            throw new IOException("The leader's read index is unreadable: do all engines run compatible versions?");
        }
        return new Confirmed(bytes.getLong(), bytes.getLong());
    }
}
