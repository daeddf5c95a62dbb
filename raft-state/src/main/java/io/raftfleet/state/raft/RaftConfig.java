package io.raftfleet.state.raft;

import io.raftfleet.identity.tls.TlsIdentity;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * What a {@link RaftNode} is told at its start.
 *
 * <p>A leader whose process dies is replaced at once, without a timeout ({@link LeaderWatch}). The election timeouts
 * decide when one that is paused, cut off, or gone with its machine is replaced. 500 to 1000 ms keep three engines on two
 * busy cores, where threads wait for hundreds of milliseconds, from changing leaders for nothing, and keep the heartbeats,
 * one every half of the lower bound, few enough for an idle engine to cost next to nothing.
 *
 * @param engineId this engine's id; one of {@code peers}
 * @param clusterId names the Raft group
 * @param dataDir everything that this engine stores
 * @param peers the engines that form the cluster when it is bootstrapped; later the log says who is a member
 * @param bootstrap an empty data directory becomes a member of a new cluster. Without this and {@code join} it is refused
 * @param join an empty data directory becomes an engine that waits to be added to the cluster that {@code peers}, of which
 *     one at least must answer, belong to
 * @param electionTimeoutMin a follower that hears no leader for a random time between this and
 *     {@code electionTimeoutMax} asks for votes
 * @param electionTimeoutMax also how long a leader may be without a majority before it steps down
 * @param checkpointEntries a checkpoint is written after so many applied entries
 * @param checkpointBytes a checkpoint is written after so many bytes of applied entries
 * @param segmentBytes largest segment file of the log
 * @param minFreeBytes nothing is written while less than this is free on the data directory's disk
 * @param quota how many bytes of this engine's heap the registry may take
 * @param capacity most bytes of this engine's heap that the registry can take: a checkpoint that needs more is not loaded
 * @param entryFormat newest {@code Entry.format} that this engine reads and writes
 * @param digestEvery engines compare their registries each time they have applied so many entries
 * @param fsync false only where a power cut may lose acknowledged writes (tests, throw-away clusters)
 * @param maxWaiters largest number of reads, and of confirmations, that wait at once; more are refused
 * @param anySource engines' messages are taken from whatever address they come; with certificates, always
 * @param tls who this engine is to the others, whose certificates it asks for; empty for plaintext
 * @param clock what this engine tells others that ask for the time
 */
public record RaftConfig(
        String engineId,
        UUID clusterId,
        Path dataDir,
        List<EnginePeer> peers,
        boolean bootstrap,
        boolean join,
        Duration electionTimeoutMin,
        Duration electionTimeoutMax,
        long checkpointEntries,
        long checkpointBytes,
        long segmentBytes,
        long minFreeBytes,
        long quota,
        long capacity,
        int entryFormat,
        long digestEvery,
        boolean fsync,
        int maxWaiters,
        boolean anySource,
        Optional<TlsIdentity> tls,
        InstantSource clock) {

    /** Largest serialized entry, in bytes. */
    public static final int MAX_ENTRY_BYTES = 1 << 20;

    /** Newest {@code Entry.format} that this code reads and proposes. */
    public static final int ENTRY_FORMAT = 12;

    public RaftConfig {
        peers = List.copyOf(peers);
        Map<String, EnginePeer> byId = new LinkedHashMap<>();
        for (EnginePeer peer : peers) {
            if (byId.put(peer.id(), peer) != null) {
                throw new IllegalArgumentException(
                        "--peers names two engines '" + peer.id() + "': rename one of them.");
            }
        }
        if (!byId.containsKey(engineId)) {
            throw new IllegalArgumentException("Engine '" + engineId + "' is not among the cluster's engines "
                    + byId.keySet() + ": add it, or correct its id.");
        }
        if (bootstrap && join) {
            throw new IllegalArgumentException(
                    "Engine '" + engineId + "' is told both to bootstrap a new cluster and to"
                            + " join one that is there: choose one of the two.");
        }
        if (electionTimeoutMin.toMillis() < 20 || electionTimeoutMax.compareTo(electionTimeoutMin) <= 0) {
            throw new IllegalArgumentException("Election timeouts " + electionTimeoutMin.toMillis() + " to "
                    + electionTimeoutMax.toMillis() + " ms: the lower must be at least 20 ms and below the upper.");
        }
        if (checkpointEntries < 1 || checkpointBytes < 1 || segmentBytes < 4096 || maxWaiters < 1 || digestEvery < 1) {
            throw new IllegalArgumentException("Checkpoint thresholds and the number of waiters must be positive, log"
                    + " segments at least 4096 bytes.");
        }
    }

    /** This engine among the peers. */
    public EnginePeer self() {
        return peers.stream().filter(p -> p.id().equals(engineId)).findFirst().orElseThrow();
    }

    /** A builder with every default set. */
    public static Builder builder(String engineId, UUID clusterId, Path dataDir, List<EnginePeer> peers) {
        return new Builder(engineId, clusterId, dataDir, peers);
    }

    /** Collects what differs from the defaults. */
    public static final class Builder {
        private final String engineId;
        private final UUID clusterId;
        private final Path dataDir;
        private final List<EnginePeer> peers;
        private boolean bootstrap;
        private boolean join;
        private Duration electionTimeoutMin = Duration.ofMillis(500);
        private Duration electionTimeoutMax = Duration.ofSeconds(1);
        private long checkpointEntries = 20_000;
        private long checkpointBytes = 64L << 20;
        private long segmentBytes = 8L << 20;
        private long minFreeBytes = 64L << 20;
        private long quota = Long.MAX_VALUE;
        private long capacity = Long.MAX_VALUE;
        private int entryFormat = ENTRY_FORMAT;
        private long digestEvery = 10_000;
        private boolean fsync = true;
        private int maxWaiters = 10_000;
        private boolean anySource;
        private Optional<TlsIdentity> tls = Optional.empty();
        private InstantSource clock = InstantSource.system();

        private Builder(String engineId, UUID clusterId, Path dataDir, List<EnginePeer> peers) {
            this.engineId = engineId;
            this.clusterId = clusterId;
            this.dataDir = dataDir;
            this.peers = peers;
        }

        public Builder bootstrap(boolean value) {
            bootstrap = value;
            return this;
        }

        public Builder join(boolean value) {
            join = value;
            return this;
        }

        public Builder electionTimeout(Duration min, Duration max) {
            electionTimeoutMin = min;
            electionTimeoutMax = max;
            return this;
        }

        public Builder checkpointAfter(long entries, long bytes) {
            checkpointEntries = entries;
            checkpointBytes = bytes;
            return this;
        }

        public Builder segmentBytes(long value) {
            segmentBytes = value;
            return this;
        }

        public Builder minFreeBytes(long value) {
            minFreeBytes = value;
            return this;
        }

        public Builder quota(long value) {
            quota = value;
            return this;
        }

        public Builder capacity(long value) {
            capacity = value;
            return this;
        }

        public Builder entryFormat(int value) {
            entryFormat = value;
            return this;
        }

        public Builder digestEvery(long value) {
            digestEvery = value;
            return this;
        }

        public Builder fsync(boolean value) {
            fsync = value;
            return this;
        }

        public Builder maxWaiters(int value) {
            maxWaiters = value;
            return this;
        }

        public Builder anySource(boolean value) {
            anySource = value;
            return this;
        }

        public Builder tls(Optional<TlsIdentity> value) {
            tls = value;
            return this;
        }

        public Builder clock(InstantSource value) {
            clock = value;
            return this;
        }

        public RaftConfig build() {
            return new RaftConfig(
                    engineId,
                    clusterId,
                    dataDir,
                    peers,
                    bootstrap,
                    join,
                    electionTimeoutMin,
                    electionTimeoutMax,
                    checkpointEntries,
                    checkpointBytes,
                    segmentBytes,
                    minFreeBytes,
                    quota,
                    capacity,
                    entryFormat,
                    digestEvery,
                    fsync,
                    maxWaiters,
                    anySource,
                    tls,
                    clock);
        }
    }
}
