package io.raftfleet.state.raft;

import java.util.List;
import java.util.regex.Pattern;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.proto.RaftProtos.FileChunkProto;
import org.apache.ratis.proto.RaftProtos.InstallSnapshotRequestProto;
import org.apache.ratis.proto.RaftProtos.InstallSnapshotRequestProto.SnapshotChunkProto;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.RequestVoteRequestProto;
import org.apache.ratis.proto.RaftProtos.StartLeaderElectionRequestProto;
import org.jspecify.annotations.Nullable;

/** Finds in Raft's messages what no engine sends, and what Ratis would do as it is told. */
final class MessageFlaws {
    /**
     * So many terms at most does a message take an engine further. Terms are 63 bits; each rise is synced to the disk, so that forged
     * votes need years to use them up. Engines that elect each second for a century come to fewer.
     */
    static final long MOST_TERMS = 1L << 32;

    /** How Ratis names a transfer: a UUID. It makes a directory of this name. */
    private static final Pattern TRANSFER = Pattern.compile("[0-9a-f-]{36}");

    /** A file of a checkpoint, where Ratis keeps checkpoints in the group's directory. */
    private static final Pattern FILE = Pattern.compile("sm/([0-9]+_[0-9]+)/[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}");

    private MessageFlaws() {}

    /** What is wrong with a message to an engine that is in {@code term}; null when nothing is, or it is of another kind. */
    static @Nullable String in(Object message, long term) {
        return switch (message) {
            case RequestVoteRequestProto vote -> term(vote.getCandidateTerm(), term);
            case StartLeaderElectionRequestProto start ->
                term(start.getLeaderLastEntry().getTerm(), term);
            case AppendEntriesRequestProto append -> {
                String flaw = term(append.getLeaderTerm(), term);
                yield flaw != null ? flaw : entries(append.getEntriesList(), append.getLeaderTerm());
            }
            case InstallSnapshotRequestProto install -> {
                String flaw = term(install.getLeaderTerm(), term);
                yield flaw != null ? flaw : checkpoint(install);
            }
            default -> null;
        };
    }

    private static @Nullable String term(long stated, long current) {
        return stated >= 0 && stated - current <= MOST_TERMS
                ? null
                : "its term " + Long.toUnsignedString(stated) + " is out of reach from this engine's, " + current;
    }

    private static @Nullable String entries(List<LogEntryProto> entries, long leaderTerm) {
        long index = -1;
        long term = 0;
        for (LogEntryProto entry : entries) {
            String flaw = entry(entry, leaderTerm);
            if (flaw != null) {
                return flaw;
            }
            if (entry.getTerm() < term || (index >= 0 && entry.getIndex() != index + 1)) {
                return "its entries are not consecutive after index " + index;
            }
            index = entry.getIndex();
            term = entry.getTerm();
        }
        return null;
    }

    private static @Nullable String entry(LogEntryProto entry, long leaderTerm) {
        if (entry.getIndex() < 0 || entry.getTerm() < 0 || entry.getTerm() > leaderTerm) {
            return "it has an entry of term " + Long.toUnsignedString(entry.getTerm()) + " and index "
                    + Long.toUnsignedString(entry.getIndex()) + ", its leader's term is " + leaderTerm;
        }
        int bytes = entry.getStateMachineLogEntry().getLogData().size();
        return bytes <= RaftConfig.MAX_ENTRY_BYTES
                ? null
                : "it has an entry of " + bytes + " bytes, the limit is " + RaftConfig.MAX_ENTRY_BYTES;
    }

    private static @Nullable String checkpoint(InstallSnapshotRequestProto install) {
        if (!install.hasSnapshotChunk()) {
            return "it brings no part of a checkpoint";
        }
        SnapshotChunkProto part = install.getSnapshotChunk();
        if (!TRANSFER.matcher(part.getRequestId()).matches()) {
            return "the name of its transfer is none that an engine gives";
        }
        long term = part.getTermIndex().getTerm();
        long index = part.getTermIndex().getIndex();
        if (term < 0 || term > install.getLeaderTerm() || index < 0) {
            return "its checkpoint is of term " + Long.toUnsignedString(term) + " and index "
                    + Long.toUnsignedString(index) + ", its leader's term is " + install.getLeaderTerm();
        }
        String directory = Checkpoint.name(term, index);
        for (FileChunkProto chunk : part.getFileChunksList()) {
            var file = FILE.matcher(chunk.getFilename());
            if (!file.matches() || !file.group(1).equals(directory) || chunk.getOffset() < 0) {
                return "it writes to a file that is none of checkpoint " + directory;
            }
        }
        return install.hasLastRaftConfigurationLogEntryProto()
                ? entry(install.getLastRaftConfigurationLogEntryProto(), install.getLeaderTerm())
                : null;
    }
}
