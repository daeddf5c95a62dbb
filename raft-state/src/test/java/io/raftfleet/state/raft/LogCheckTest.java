package io.raftfleet.state.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogCheckTest {
    private static final int ALLOCATED = 4096;
    private static final int ENTRY = 100;

    @TempDir
    Path group;

    private Path file = Path.of("");
    private int end;

    /** Three entries in a file that has room for more. */
    @BeforeEach
    void write() throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(ALLOCATED);
        bytes.put("RaftLog1".getBytes(StandardCharsets.US_ASCII));
        for (int i = 1; i <= 3; i++) {
            bytes.put(entry(i));
        }
        end = bytes.position();
        file = Files.createDirectories(group.resolve("current")).resolve("log_inprogress_0");
        Files.write(file, bytes.array());
    }

    private static byte[] entry(int content) {
        byte[] entry = new byte[1 + ENTRY + 4];
        entry[0] = ENTRY;
        Arrays.fill(entry, 1, 1 + ENTRY, (byte) content);
        CRC32C crc = new CRC32C();
        crc.update(entry, 0, 1 + ENTRY);
        ByteBuffer.wrap(entry).putInt(1 + ENTRY, (int) crc.getValue());
        return entry;
    }

    private byte[] with(int at, byte[] more) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        System.arraycopy(more, 0, bytes, at, more.length);
        Files.write(file, bytes);
        return bytes;
    }

    @Test
    void aWholeLogStaysAsItIs() throws IOException {
        byte[] before = Files.readAllBytes(file);
        check();
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }

    @Test
    void entriesMissingBeforeOthersAreDamage() throws IOException {
        byte[] whole = Arrays.copyOf(Files.readAllBytes(file), end);
        Files.move(file, group.resolve("current/log_inprogress_8"));
        file = group.resolve("current/log_5-7");
        Files.write(file, whole);
        check();

        Files.write(file, Arrays.copyOf(whole, end - entry(0).length));
        assertThatThrownBy(this::check)
                .hasMessageContaining(
                        "log_5-7 is damaged at byte " + (end - entry(0).length) + ": entries 7 to 7 are missing there")
                .hasMessageContaining("fleetctl cluster replace");
        Files.delete(group.resolve("current/log_inprogress_8"));
        check();
    }

    @Test
    void halfAnEntryIsCutOffHoweverMuchOfItIsThere() throws IOException {
        byte[] whole = Arrays.copyOf(Files.readAllBytes(file), end);
        byte[] next = entry(4);
        for (int there = 1; there <= ENTRY; there++) {
            Files.write(file, Arrays.copyOf(whole, ALLOCATED));
            with(end, Arrays.copyOf(next, there));
            check();
            assertThat(Files.readAllBytes(file)).as("%s bytes", there).isEqualTo(whole);
        }
    }

    @Test
    void aChangedByteOfAnyEntryIsDamageAndStays() throws IOException {
        byte[] whole = Files.readAllBytes(file);
        for (int at = 8; at < end; at++) {
            boolean lengthOfTheLast = at == end - 1 - ENTRY - 4;
            if (lengthOfTheLast) {
                continue; // nothing tells it from an entry that was not written to its end
            }
            byte[] damaged = whole.clone();
            damaged[at] ^= 0x15;
            Files.write(file, damaged);
            assertThatThrownBy(this::check)
                    .as("byte %s", at)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(file.toString());
            assertThat(Files.readAllBytes(file)).as("byte %s", at).isEqualTo(damaged);
        }
    }

    @Test
    void aLengthThatReachesBeyondTheEndHidesNoWholeEntryBehindIt() throws IOException {
        byte[] damaged = with(8, new byte[] {(byte) 0xff, (byte) 0xff, 0x03});
        assertThatThrownBy(this::check).hasMessageContaining(file.toString());
        assertThat(Files.readAllBytes(file)).isEqualTo(damaged);
    }

    private void check() throws IOException {
        LogCheck.check(group.resolve("current"));
    }
}
