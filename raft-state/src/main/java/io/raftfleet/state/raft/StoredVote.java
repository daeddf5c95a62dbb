package io.raftfleet.state.raft;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Properties;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.storage.RaftStorageMetadata;
import org.jspecify.annotations.Nullable;

/**
 * An engine's term and the vote that it gave in it, to be written again after Ratis failed to: on a full disk Ratis puts the file that it
 * could not write whole in the place of the one before ({@code RaftStorageMetadataFileImpl.atomicWrite} in Ratis' source), and
 * without it the engine could never start again; where it can't even begin to write, it goes on in a term that is not stored.
 *
 * <p>Nobody was told of a vote that could not be stored, so the one before counts. In a term that could not be stored the
 * engine has voted for itself: it gives its vote in that term to nobody else.
 *
 * @param votedFor id of an engine; empty for nobody
 */
record StoredVote(long term, String votedFor) {
    private static final String FILE = "raft-meta";
    /** As large as any vote, so that one can be written where there is no space: a block of its own already. */
    private static final String SPARE = "." + FILE + ".spare";

    private static final int SPARE_BYTES = 512;
    private static final String TERM = "term";
    private static final String VOTED_FOR = "votedFor";

    /** That of a server, by what it has in memory, also once it is closed; null for one that never got as far as reading its own. */
    static @Nullable StoredVote of(RaftServer.Division division) throws IOException {
        RaftStorageMetadata stored;
        try {
            stored = division.getRaftStorage().getMetadataFile().getMetadata();
        } catch (IllegalStateException | NullPointerException notOpened) {
            return null;
        }
        long term = division.getInfo().getCurrentTerm();
        return term <= stored.getTerm()
                ? new StoredVote(stored.getTerm(), stored.getVotedFor().toString())
                : new StoredVote(term, division.getId().toString());
    }

    /** Whether the file in the log's directory {@code dir} is no vote any more; not when it can't be read for now. */
    static boolean isLostIn(Path dir) {
        try {
            termIn(dir);
            return false;
        } catch (MalformedInputException | IllegalArgumentException torn) {
            return true;
        } catch (IOException notThereOrUnreadable) {
            return false;
        }
    }

    /** @throws IllegalArgumentException when the file is no vote */
    private static long termIn(Path dir) throws IOException {
        try (BufferedReader file = Files.newBufferedReader(dir.resolve(FILE))) {
            var stored = new Properties();
            stored.load(file);
            if (stored.getProperty(VOTED_FOR) == null) {
                throw new IllegalArgumentException("no vote");
            }
            return Long.parseLong(stored.getProperty(TERM));
        }
    }

    /** Has a block of the disk ready for {@link #mend}. */
    static void reserve(Path dir) throws IOException {
        Path spare = dir.resolve(SPARE);
        if (Files.notExists(spare)) {
            write(spare, "");
        }
    }

    /**
     * Writes it where the file of {@code dir} is no vote any more, or one of an earlier term. Not while a server is open on it, which may be
     * writing one.
     */
    void mend(Path dir) throws IOException {
        try {
            if (termIn(dir) >= term) {
                return;
            }
        } catch (NoSuchFileException never) {
            return;
        } catch (MalformedInputException | IllegalArgumentException torn) {
            // What this is for.
        }
        var text = new StringWriter();
        var vote = new Properties();
        vote.setProperty(TERM, Long.toString(term));
        vote.setProperty(VOTED_FOR, votedFor);
        vote.store(text, null);
        Path spare = dir.resolve(SPARE);
        write(spare, text.toString());
        Files.move(spare, dir.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
        DurableFiles.sync(dir);
    }

    /** In place: what a file has of the disk it keeps. */
    private static void write(Path file, String text) throws IOException {
        byte[] lines = text.getBytes(StandardCharsets.UTF_8);
        byte[] bytes = Arrays.copyOf(lines, Math.max(lines.length, SPARE_BYTES));
        Arrays.fill(bytes, lines.length, bytes.length, (byte) '\n');
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            var left = ByteBuffer.wrap(bytes);
            while (left.hasRemaining()) {
                channel.write(left);
            }
            channel.force(true);
        }
    }
}
