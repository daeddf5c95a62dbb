package io.raftfleet.state.raft;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Properties;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.storage.RaftStorageMetadata;

/**
 * An engine's term and the vote that it gave in it, to be written again after Ratis failed to: on a full disk Ratis puts the file that it
 * could not write whole in the place of the one before ({@code RaftStorageMetadataFileImpl.atomicWrite} in Ratis' source), and
 * without it the engine could never start again.
 *
 * <p>Nobody was told of a vote that could not be stored, so the one before counts. In a term that could not be stored the
 * engine has voted for itself: it gives its vote in that term to nobody else.
 *
 * @param votedFor id of an engine; empty for nobody
 */
record StoredVote(long term, String votedFor) {
    private static final String FILE = "raft-meta";
    private static final String TERM = "term";
    private static final String VOTED_FOR = "votedFor";

    /** That of a server, by what it has in memory. */
    static StoredVote of(RaftServer.Division division) throws IOException {
        RaftStorageMetadata stored = division.getRaftStorage().getMetadataFile().getMetadata();
        long term = division.getInfo().getCurrentTerm();
        return term == stored.getTerm()
                ? new StoredVote(term, stored.getVotedFor().toString())
                : new StoredVote(term, division.getId().toString());
    }

    /** Whether the file in the log's directory {@code dir} is no vote any more; not when it can't be read for now. */
    static boolean isLostIn(Path dir) {
        try (BufferedReader file = Files.newBufferedReader(dir.resolve(FILE))) {
            var stored = new Properties();
            stored.load(file);
            return stored.getProperty(TERM) == null || stored.getProperty(VOTED_FOR) == null;
        } catch (MalformedInputException | IllegalArgumentException torn) {
            return true;
        } catch (IOException notThereOrUnreadable) {
            return false;
        }
    }

    /** Writes it where the file of {@code dir} is no vote any more. Not while a server is open on it, which may be writing one. */
    void mend(Path dir) throws IOException {
        if (!isLostIn(dir)) {
            return;
        }
        Path whole = dir.resolve("." + FILE + ".whole");
        try {
            var stored = new Properties();
            stored.setProperty(TERM, Long.toString(term));
            stored.setProperty(VOTED_FOR, votedFor);
            try (BufferedWriter file = Files.newBufferedWriter(whole)) {
                stored.store(file, null);
            }
            DurableFiles.sync(whole);
            Files.move(whole, dir.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(whole);
        }
        DurableFiles.sync(dir);
    }
}
