package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.freedesktop.dbus.exceptions.DBusException;
import org.freedesktop.dbus.messages.Message;
import org.freedesktop.dbus.messages.MessageFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MessageReaderTest {
    private static final MessageFactory FACTORY = new MessageFactory((byte) 'l');

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 4096, 1 << 20})
    void cutsAStreamIntoItsMessagesHoweverItArrives(int largestPiece) throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        RandomGenerator random = RandomGeneratorFactory.getDefault().create(seed);
        List<String> texts = new ArrayList<>();
        var stream = new ByteArrayOutputStream();
        for (int i = 0; i < 50; i++) {
            // Some are larger than the reader's buffer.
            String text = "x".repeat(random.nextInt(i % 10 == 0 ? 200_000 : 300));
            texts.add(text);
            write(stream, signal(text));
            write(stream, FACTORY.createMethodCall(null, "/a/path", "an.Interface", "Say", (byte) 0, "s", text));
        }
        var reader = new MessageReader(new Pieces(stream.toByteArray(), largestPiece, random));
        for (String text : texts) {
            var signal = (MessageReader.Signal) reader.read();
            assertThat(signal.member()).isEqualTo("Said");
            assertThat(signal.path()).isEqualTo("/a/path");
            assertThat(Wire.string(signal.body())).isEqualTo(text);
            var call = ((MessageReader.Other) reader.read()).message();
            assertThat(call.getName()).isEqualTo("Say");
            assertThat(Wire.string(MessageReader.body(call))).isEqualTo(text);
            assertThat(call.getParameters()).containsExactly(text);
        }
        assertThatExceptionOfType(EOFException.class).isThrownBy(reader::read);
    }

    @Test
    void refusesWhatIsNoMessage() {
        byte[] http = "HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> new MessageReader(new Pieces(http, 100, RandomGenerator.getDefault())).read())
                .withMessageContaining("no D-Bus message");
    }

    @Test
    void refusesALengthThatNoMessageHas() {
        byte[] huge = {'l', 4, 0, 1, -1, -1, -1, 127, 1, 0, 0, 0, 8, 0, 0, 0};
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> new MessageReader(new Pieces(huge, 100, RandomGenerator.getDefault())).read())
                .withMessageContaining("over the limit");
    }

    @Test
    void refusesASignalWhoseHeaderGoesOverItsEnd() {
        byte[] odd = {'l', 4, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 1, 1, 'o', 0, 127, 0, 0, 0};
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> new MessageReader(new Pieces(odd, 100, RandomGenerator.getDefault())).read())
                .withMessageContaining("malformed D-Bus signal");
    }

    private static Message signal(String text) throws DBusException {
        return FACTORY.createSignal(null, "/a/path", "an.Interface", "Said", "s", text);
    }

    private static void write(ByteArrayOutputStream stream, Message message) {
        for (byte[] part : message.getWireData()) {
            if (part != null) {
                stream.writeBytes(part);
            }
        }
    }

    /** Gives bytes away in pieces of random size. */
    private static final class Pieces implements ReadableByteChannel {
        private final ByteBuffer left;
        private final int largest;
        private final RandomGenerator random;

        Pieces(byte[] bytes, int largest, RandomGenerator random) {
            this.left = ByteBuffer.wrap(bytes);
            this.largest = largest;
            this.random = random;
        }

        @Override
        public int read(ByteBuffer target) {
            if (!left.hasRemaining()) {
                return -1;
            }
            int count = Math.min(Math.min(left.remaining(), target.remaining()), 1 + random.nextInt(largest));
            target.put(left.slice(left.position(), count));
            left.position(left.position() + count);
            return count;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }
}
