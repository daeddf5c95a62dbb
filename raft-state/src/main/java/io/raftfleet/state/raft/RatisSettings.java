package io.raftfleet.state.raft;

import com.google.common.net.HostAndPort;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.RaftConfigKeys;
import org.apache.ratis.client.RaftClientConfigKeys;
import org.apache.ratis.conf.RaftProperties;
import org.apache.ratis.grpc.GrpcConfigKeys;
import org.apache.ratis.server.RaftServerConfigKeys;
import org.apache.ratis.util.SizeInBytes;
import org.apache.ratis.util.TimeDuration;

/** Ratis' properties for a {@link RaftConfig}; what is not set here is as Ratis has it. */
final class RatisSettings {
    private static final TimeDuration FIRST_ELECTION_MIN = TimeDuration.valueOf(150, TimeUnit.MILLISECONDS);
    private static final TimeDuration FIRST_ELECTION_MAX = TimeDuration.valueOf(500, TimeUnit.MILLISECONDS);

    /**
     * How far ahead of its entries a log's file is filled. A file of its own begins with each term, and Ratis writes and syncs so much of it
     * before a new leader's first entry, on every engine.
     */
    private static final long PREALLOCATED_BYTES = 256 * 1024;

    private RatisSettings() {}

    static RaftProperties of(RaftConfig config, Path storage) {
        RaftProperties p = new RaftProperties();
        RaftServerConfigKeys.setStorageDir(p, List.of(storage.toFile()));
        rpc(p, config);
        elections(p, config);
        log(p, config);
        // Checkpoints are taken, and the log purged behind them, by Checkpoints.
        RaftServerConfigKeys.Snapshot.setAutoTriggerEnabled(p, false);
        RaftServerConfigKeys.Snapshot.setTriggerWhenStopEnabled(p, false);
        RaftServerConfigKeys.Snapshot.setTriggerWhenRemoveEnabled(p, false);
        RaftServerConfigKeys.Log.Appender.setSnapshotChunkSizeMax(p, SizeInBytes.ONE_MB);
        GrpcConfigKeys.Server.setInstallSnapshotRequestTimeout(p, TimeDuration.valueOf(10, TimeUnit.SECONDS));
        // Nothing is proposed twice with one call id: the cache only costs memory.
        RaftServerConfigKeys.RetryCache.setExpiryTime(p, TimeDuration.valueOf(5, TimeUnit.SECONDS));
        return p;
    }

    private static void rpc(RaftProperties p, RaftConfig config) {
        HostAndPort address = HostAndPort.fromString(config.self().raftAddress());
        RaftConfigKeys.Rpc.setType(p, new ConfirmingRpcType());
        GrpcConfigKeys.Server.setHost(p, address.getHost());
        GrpcConfigKeys.Server.setPort(p, address.getPort());
        GrpcConfigKeys.setUseEpoll(p, true); // where there is one; as Connections has it
        GrpcConfigKeys.Server.setBossGroupSize(p, 1);
        GrpcConfigKeys.Server.setWorkerGroupSize(p, 2);
        GrpcConfigKeys.setMessageSizeMax(p, SizeInBytes.valueOf(8L * RaftConfig.MAX_ENTRY_BYTES));
        GrpcConfigKeys.setFlowControlWindow(p, SizeInBytes.valueOf(2L * RaftConfig.MAX_ENTRY_BYTES));
        // One connection for entries and heartbeats: a new leader is ready after its first heartbeat, and need not make
        // a
        // second connection for it.
        GrpcConfigKeys.Server.setHeartbeatChannel(p, false);
        RaftServerConfigKeys.Rpc.setRequestTimeout(p, TimeDuration.valueOf(3, TimeUnit.SECONDS));
        RaftClientConfigKeys.Rpc.setRequestTimeout(p, TimeDuration.valueOf(3, TimeUnit.SECONDS));
        RaftServerConfigKeys.Write.setElementLimit(p, 1024);
        RaftServerConfigKeys.Write.setByteLimit(p, SizeInBytes.valueOf(32L * RaftConfig.MAX_ENTRY_BYTES));
        // How long to leave a follower alone that failed n times: a restarted one should be caught up within a second.
        RaftServerConfigKeys.Log.Appender.setRetryPolicy(p, "10ms,10, 200ms,20, 1s,1000");
    }

    private static void elections(RaftProperties p, RaftConfig config) {
        TimeDuration min = millis(config.electionTimeoutMin());
        TimeDuration max = millis(config.electionTimeoutMax());
        RaftServerConfigKeys.Rpc.setTimeoutMin(p, min);
        RaftServerConfigKeys.Rpc.setTimeoutMax(p, max);
        // An engine that has just started hears a leader soon or there is none; pre-vote protects one that is slow to
        // speak.
        RaftServerConfigKeys.Rpc.setFirstElectionTimeoutMin(p, TimeDuration.min(min, FIRST_ELECTION_MIN));
        RaftServerConfigKeys.Rpc.setFirstElectionTimeoutMax(p, TimeDuration.min(max, FIRST_ELECTION_MAX));
        RaftServerConfigKeys.LeaderElection.setPreVote(p, true);
        // Also how long a pause of the process makes a leader step down by itself.
        RaftServerConfigKeys.LeaderElection.setLeaderStepDownWaitTime(p, max);
        // Raft is safe across any pause: never close an engine because it was paused.
        RaftServerConfigKeys.setCloseThreshold(p, TimeDuration.valueOf(3650, TimeUnit.DAYS));
        // A follower whose timer fires this late starts no election. On a busy machine timers are late by far more than
        // Ratis' 300 ms, and pre-vote keeps a late follower from doing harm.
        RaftServerConfigKeys.setSleepDeviationThreshold(p, TimeDuration.valueOf(10, TimeUnit.SECONDS));
    }

    private static void log(RaftProperties p, RaftConfig config) {
        SizeInBytes segment = SizeInBytes.valueOf(config.segmentBytes());
        RaftServerConfigKeys.Log.setSegmentSizeMax(p, segment);
        RaftServerConfigKeys.Log.setPreallocatedSize(
                p, SizeInBytes.valueOf(Math.min(config.segmentBytes(), PREALLOCATED_BYTES)));
        RaftServerConfigKeys.Log.setSegmentCacheNumMax(p, 2);
        RaftServerConfigKeys.Log.setSegmentCacheSizeMax(p, SizeInBytes.valueOf(2 * config.segmentBytes()));
        SizeInBytes buffer = SizeInBytes.valueOf(2L * RaftConfig.MAX_ENTRY_BYTES);
        RaftServerConfigKeys.Log.setWriteBufferSize(p, SizeInBytes.valueOf(3L * RaftConfig.MAX_ENTRY_BYTES));
        RaftServerConfigKeys.Log.Appender.setBufferByteLimit(p, buffer);
        RaftServerConfigKeys.Log.setPurgeGap(p, 1);
        // Ratis would log every new commit index, a second synced entry for each. A restarted engine hears it from the
        // leader anyway.
        RaftServerConfigKeys.Log.setLogMetadataEnabled(p, false);
        // What Ratis otherwise remembers of appends under way it compares by their first index alone: it would
        // acknowledge entries
        // that it has thrown away (ServerImplUtils.NavigableIndices in its source).
        RaftServerConfigKeys.Log.setAppendEntriesComposeEnabled(p, false);
        RaftServerConfigKeys.Log.setUnsafeFlushEnabled(p, !config.fsync());
    }

    private static TimeDuration millis(Duration duration) {
        return TimeDuration.valueOf(duration.toMillis(), TimeUnit.MILLISECONDS);
    }
}
