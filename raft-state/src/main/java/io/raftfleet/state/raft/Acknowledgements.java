package io.raftfleet.state.raft;

import java.util.concurrent.locks.ReentrantLock;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto.AppendResult;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.raftlog.RaftLog;
import org.apache.ratis.thirdparty.io.grpc.Status;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees to it that this engine acknowledges a leader's entries only when its log holds them, on the disk, and has promised
 * nothing to a later leader since. Ratis leaves three gaps:
 *
 * <p>It looks at term and log under a lock and appends outside of it ({@code RaftServerImpl.appendEntriesAsync}). What an old
 * leader sent could be appended behind, or instead of, what a new one has sent meanwhile: so appends are taken one at a time.
 * A vote may still come between: so a success is not told in a later term than the one that it is for.
 *
 * <p>Entries that are in its log in memory count as appended when they are sent again, though they may still be on their way to
 * the disk, or their write has failed ({@code SegmentedRaftLog.appendImpl}); and after the log was cut back by order of a new
 * leader, entries count as flushed up to where it ended before ({@code SegmentedRaftLogWorker.WriteLogTasks}). So a success is
 * not told beyond what has been flushed.
 *
 * <p>A leader whose success is kept back sends the entries again. Thread-safe: the order of appends is guarded by a lock.
 */
final class Acknowledgements {
    private static final Logger LOG = LoggerFactory.getLogger(Acknowledgements.class);

    private final ReentrantLock appending = new ReentrantLock();
    private volatile RaftServer.@Nullable Division division;

    /** The server whose log is meant. To be called before it starts. */
    void attach(RaftServer.Division server) {
        division = server;
    }

    /** Appends after, and before, all others. */
    void inTurn(Runnable append) {
        appending.lock();
        try {
            append.run();
        } finally {
            appending.unlock();
        }
    }

    /**
     * Why an answer must not leave; null when it may.
     *
     * @param leaderTerm of the leader that it goes to; Ratis states another in the first answer of a term
     */
    @Nullable
    Status objection(AppendEntriesReplyProto reply, long leaderTerm) {
        long index = reply.getMatchIndex();
        if (reply.getResult() != AppendResult.SUCCESS || index < RaftLog.LEAST_VALID_LOG_INDEX) {
            return null;
        }
        RaftServer.Division server = division;
        if (server == null) {
            return Status.UNAVAILABLE.withDescription("The engine is starting.");
        }
        long term = server.getInfo().getCurrentTerm();
        if (term != leaderTerm) {
            return Status.UNAVAILABLE.withDescription("The entries up to " + index + " come from the leader of term "
                    + leaderTerm + ", engine '" + server.getId() + "' is in term " + term + " by now.");
        }
        long flushed = server.getRaftLog().getFlushIndex();
        if (flushed >= index) {
            return null;
        }
        if (server.getRaftLog().getNextIndex() <= index) {
            LOG.error(
                    "Engine {} was about to acknowledge the log up to {}, but its own ends at {}: it does not. This is a bug of"
                            + " raftfleet's or Ratis': please report it with this log",
                    server.getId(),
                    index,
                    server.getRaftLog().getNextIndex() - 1);
        }
        return Status.UNAVAILABLE.withDescription("Engine '" + server.getId() + "' has the log up to " + flushed
                + " on its disk, not yet up to " + index + ".");
    }
}
