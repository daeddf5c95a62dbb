package io.raftfleet.state.raft;

import io.raftfleet.proto.log.Entry;
import io.raftfleet.state.raft.PeerMessages.Position;
import io.raftfleet.state.raft.PeerMessages.Standing;
import io.raftfleet.state.raft.Proposals.Pending;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import io.raftfleet.state.raft.ReplicationException.NotLeader;
import io.raftfleet.state.raft.ReplicationException.Unavailable;
import io.raftfleet.unit.tasks.WatchedTimer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.Message;
import org.apache.ratis.protocol.RaftClientRequest;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.DivisionInfo;
import org.apache.ratis.thirdparty.com.google.protobuf.UnsafeByteOperations;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One engine's part in the Raft group that replicates a {@link ReplicatedState}.
 *
 * <p>Thread-safe. No method blocks but {@link #start}, {@link #handOver} and {@link #close}. Futures are completed on threads of Raft's: what
 * depends on them must be short, or be moved to a thread of its own.
 */
public final class RaftNode implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RaftNode.class);
    private static final int MAX_PROPOSALS = 1024;

    private final RaftConfig config;
    private final ClientId proposer = ClientId.randomId();
    private final AtomicLong calls = new AtomicLong();
    private final AtomicBoolean closing = new AtomicBoolean();
    private final WatchedTimer timer;
    private final AppliedIndex applied = new AppliedIndex();
    private final LeadershipConfirmation confirmation = new LeadershipConfirmation();
    private final LeadershipEvents events;
    private final LeaderWatch watch;
    private final LaggingLeader lagging;
    private final Proposals proposals;
    private final Checkpoints checkpoints;
    private final ReadRounds rounds;
    private final DataDirectory directory;
    private final DiskSpace space;
    private final Formats formats;
    private final Quotas quotas;
    private final Clocks clocks;
    private final Divergence divergence;
    private final Quarantine quarantine;
    private final Operations operations;
    private final HandOver handOver;
    private final RatisHost host;
    /** The server that has been seen to have applied all that it had missed. */
    private volatile @Nullable RatisServer caughtUp;

    /**
     * Takes the data directory; {@link #start} does the rest.
     *
     * @throws IOException when the directory is another's, in use, or empty without {@code bootstrap}
     */
    public RaftNode(RaftConfig config, ReplicatedState state, RaftListener listener) throws IOException {
        this.config = config;
        this.directory = DataDirectory.open(config);
        this.space = new DiskSpace(config.dataDir(), config.minFreeBytes());
        this.timer = new WatchedTimer(
                Thread.ofPlatform()
                        .daemon()
                        .name("raft-timer-" + config.engineId())
                        .factory(),
                fault -> LOG.error("A timer of engine {} failed", config.engineId(), fault));
        this.events = new LeadershipEvents(config.engineId(), listener);
        this.watch = new LeaderWatch(timer);
        this.lagging = new LaggingLeader(confirmation, timer);
        this.proposals = new Proposals(config.engineId(), MAX_PROPOSALS, timer);
        this.checkpoints = new Checkpoints(state, directory, config);
        this.operations = new Operations(config, confirmation, checkpoints, applied, proposer, calls, timer);
        this.handOver = new HandOver(config, operations, proposals, applied, events);
        this.rounds = new ReadRounds(config, confirmation, this::ratis, applied, timer);
        this.formats = new Formats(config.entryFormat(), checkpoints::entryFormat, state::begun, timer);
        this.quotas = new Quotas(config.quota(), timer);
        this.clocks = new Clocks(this::ratis, config.clock(), timer);
        this.quarantine = new Quarantine(config.engineId(), directory, events::failed);
        this.divergence = new Divergence(
                config.engineId(), config.digestEvery(), state::digestNow, this::ratis, timer, quarantine::enter);
        var progress = new Progress(applied, proposals, divergence, checkpoints);
        var opener = new ServerOpener(
                new Home(config, directory, space),
                events -> new RegistryStateMachine(config, state, proposer, progress, events),
                StateMachineEvents::new,
                new Onlookers(confirmation, watch),
                checkpoints,
                this::left);
        this.host = new RatisHost(config.engineId(), space, opener, events::failed);
    }

    /**
     * Restores the registry from its newest checkpoint and joins the group. Returns before there is a leader.
     *
     * @throws IOException when the address is in use, or log or checkpoint are damaged beyond what others can replace
     */
    public void start() throws IOException {
        host.open();
        new SilentFollowers(this::ratis, confirmation, System::nanoTime).watch(timer);
        new VoteWatch(this::ratis, host::logFailed).watch(timer);
        clocks.watch();
    }

    /** The backup that the registry is to begin with, as {@link FirstStart#restore} had it; empty once it has. */
    public Optional<Path> preparedBackup() {
        return directory.backup();
    }

    /** Whether the registry is to begin with what etcd holds, as {@link FirstStart#restore} had it, and has not yet. */
    public boolean restoresFromEtcd() {
        return directory.restoresFromEtcd();
    }

    /** The registry is whole: what {@link FirstStart#restore} had is done. */
    public void restored() {
        try {
            directory.markRestored();
        } catch (IOException e) {
            LOG.warn(
                    "Engine {} could not note in {} that its registry is restored: {}",
                    config.engineId(),
                    config.dataDir(),
                    e.toString());
        }
    }

    /** The server has left its group. */
    private void left(long term) {
        events.stopped(term);
        proposals.abandon("the engine's disk is full");
    }

    private @Nullable RatisServer ratis() {
        return host.current();
    }

    /**
     * Appends an entry to the log, if this engine leads.
     *
     * @param entry at most {@link RaftConfig#MAX_ENTRY_BYTES}; its {@code proposal} is a random number of its own
     * @param deadline how long to wait for it to be applied here
     * @return what became of its records, once it has been applied here. Fails with {@link NotLeader} (certainly not, and
     *     never to be, in the log), {@link ReplicationException.FateUnknown} (it may yet be committed), {@link Unavailable}
     *     (not in the log: too much is pending, the disk is almost full, or not all engines read its format), or {@link IllegalArgumentException} (the entry itself is at fault)
     */
    public CompletableFuture<ApplyResult> propose(Entry entry, Duration deadline) {
        byte[] bytes = entry.toByteArray();
        if (bytes.length > RaftConfig.MAX_ENTRY_BYTES) {
            return CompletableFuture.failedFuture(new IllegalArgumentException("An entry has " + bytes.length
                    + " bytes, the limit is " + RaftConfig.MAX_ENTRY_BYTES + ": split it."));
        }
        if (entry.getFormat() < 1 || entry.getFormat() > config.entryFormat()) {
            return CompletableFuture.failedFuture(new IllegalArgumentException("An entry has format "
                    + entry.getFormat() + ", this engine writes up to " + config.entryFormat() + "."));
        }
        if (host.recovering()) {
            return CompletableFuture.failedFuture(outOfSpace());
        }
        RatisServer server = ratis();
        if (server == null || closing.get() || !server.info().isLeader()) {
            return CompletableFuture.failedFuture(
                    new NotLeader("Engine '" + config.engineId() + "' does not lead: propose to the leader."));
        }
        Unavailable refusal = quarantine.refusal();
        if (refusal != null) {
            return CompletableFuture.failedFuture(refusal);
        }
        if (entry.getFormat() > 1 && entry.getFormat() > formats.agreed(server)) {
            return CompletableFuture.failedFuture(new Unavailable(formats.complaint(server, entry.getFormat())));
        }
        if (space.isLow()) {
            return CompletableFuture.failedFuture(new Unavailable(space.complaint() + "."));
        }
        Pending pending;
        try {
            pending = proposals.register(entry, deadline);
        } catch (Unavailable | IllegalArgumentException e) {
            return CompletableFuture.failedFuture(e);
        }
        RaftClientRequest request = RaftClientRequest.newBuilder()
                .setClientId(proposer)
                .setServerId(server.id())
                .setGroupId(server.group())
                .setCallId(calls.incrementAndGet())
                .setMessage(Message.valueOf(UnsafeByteOperations.unsafeWrap(bytes)))
                .setType(RaftClientRequest.writeRequestType())
                .build();
        Futures.onEnd(server.submit(request), (reply, failure) -> {
            if (failure != null) {
                proposals.failed(pending, Futures.cause(failure));
            } else if (!reply.isSuccess()) {
                proposals.failed(pending, reply.getException());
            }
        });
        return pending.result;
    }

    /**
     * Waits until this engine, whatever its role, has applied everything that was acknowledged anywhere before the call.
     * Callers share rounds to the quorum. Fails with {@link Unavailable} at the deadline, or when too many wait.
     *
     * @return an index at or below the applied one; reads of the registry are linearizable from then on
     */
    public CompletableFuture<Long> readIndex(Duration deadline) {
        Unavailable refusal = host.recovering() ? outOfSpace() : quarantine.refusal();
        return refusal == null ? rounds.readIndex(deadline) : CompletableFuture.failedFuture(refusal);
    }

    /**
     * Proves that this engine leads: a quorum says so after the call. Callers share rounds.
     *
     * @return the term. Fails with {@link NotLeader}, or {@link Unavailable} when no quorum answers in time
     */
    public CompletableFuture<Long> confirmLeadership(Duration deadline) {
        return rounds.confirmLeadership(deadline);
    }

    /** The leader as far as this engine knows, or null. */
    public @Nullable EnginePeer leader() {
        RatisServer server = ratis();
        return server == null ? null : server.leader();
    }

    /** Newest {@code Entry.format} that this engine reads and writes. */
    public int entryFormat() {
        return config.entryFormat();
    }

    /** Newest {@code Entry.format} that all members read, as far as this engine has heard of them; 0 unless it leads. */
    public int agreedFormat() {
        RatisServer server = ratis();
        return server != null
                        && server.info().getCurrentRole() != null
                        && server.info().isLeader()
                ? formats.agreed(server)
                : 0;
    }

    /** The same for people: 0, too, as long as a member has not said what it reads. */
    public int knownFormat() {
        RatisServer server = ratis();
        return server != null
                        && server.info().getCurrentRole() != null
                        && server.info().isLeader()
                ? formats.known(server)
                : 0;
    }

    /** How many bytes of this engine's heap the registry may take. */
    public long ownQuota() {
        return config.quota();
    }

    /**
     * How many bytes of the heap the registry may take: what the smallest member has room for, as far as this engine has heard;
     * this engine's own unless it leads. Asks the others at most once a second.
     */
    public long quota() {
        RatisServer server = ratis();
        return server != null
                        && server.info().getCurrentRole() != null
                        && server.info().isLeader()
                ? quotas.smallest(server)
                : config.quota();
    }

    /** What the clocks of all engines show, as far as this one has heard of late. */
    public EngineClocks clocks() {
        return clocks.shown();
    }

    /**
     * Asks all members whether they read an entry format. For decisions that must not be made before: an entry that can't be
     * proposed takes with it all else that was decided together with it.
     *
     * @return ends within some three seconds. Fails with {@link Unavailable}, saying which members do not read it
     */
    public CompletableFuture<Void> requireFormat(int wanted) {
        RatisServer server = ratis();
        return server == null
                ? CompletableFuture.failedFuture(new Unavailable("The engine is not started."))
                : formats.require(server, wanted);
    }

    /** Why this engine takes no part in its group, and what to do; null when it does, or is about to. */
    public @Nullable String absence() {
        return host.recovering() ? outOfSpace().getMessage() : null;
    }

    /** How long this engine's log takes, by step; empty while the engine takes no part. */
    public Map<String, LogTimes> logTimes() {
        return LogTimes.of(config.engineId());
    }

    /**
     * Why this engine, which was started, or whose disk was full, does not know yet what the cluster knew then, so that its reads wait; null from the moment on
     * when it has caught up, whatever comes later, and while it knows no leader.
     */
    public @Nullable String catchingUp() {
        RatisServer server = ratis();
        if (server == null
                || server == caughtUp
                || server.info().getCurrentRole() == null
                || server.leaderPeer() == null) {
            return null;
        }
        long missing = server.missing();
        if (server.knowsCommitted() && Standing.behind(missing) == 0) {
            caughtUp = server;
            return null;
        }
        return missing == 0
                ? "it was started, and has not heard yet what the cluster has committed"
                : "it was started, and has yet to apply " + missing + " entries of the log";
    }

    /** This engine's view of the group. */
    public RaftView view() {
        RatisServer server = ratis();
        Checkpoint checkpoint = checkpoints.latest();
        long checkpointIndex = checkpoint == null ? 0 : checkpoint.index();
        // Until Ratis has given the server a role it has no log to ask either.
        if (server == null || server.info().getCurrentRole() == null) {
            return new RaftView(
                    RaftView.Role.CLOSED,
                    0,
                    0,
                    applied.get(),
                    checkpointIndex,
                    config.peers(),
                    null,
                    0,
                    0,
                    Map.of(),
                    Map.of());
        }
        DivisionInfo info = server.info();
        // The term is read behind the log's end: in an older term the log may have been longer.
        Position end = server.position();
        long term = end.term();
        return new RaftView(
                closing.get() ? RaftView.Role.CLOSED : RatisServer.role(info),
                term,
                Math.max(0, server.division().getRaftLog().getLastCommittedIndex()),
                applied.get(),
                checkpointIndex,
                server.peers(),
                server.leader(),
                end.logTerm(),
                end.logIndex(),
                info.isLeader() ? confirmation.matchIndexes(term) : Map.of(),
                info.isLeader() ? confirmation.silence(term) : Map.of());
    }

    /** How many rounds to the quorum were made for reads, and for confirmations (which reads on the leader share). */
    public RoundCounts rounds() {
        return rounds.counts();
    }

    /**
     * Hands leadership over. Proposals are refused meanwhile with {@link NotLeader}; those already in the log are committed
     * by the new leader, and end well here.
     *
     * @param target an engine's id, or null for the follower that is most up to date
     * @return the new leader's id. Fails with {@link NotLeader} when this engine does not lead, {@link Unavailable} when
     *     the target did not take over in time, {@link IllegalArgumentException} when it is no member
     */
    public CompletableFuture<String> transferLeadership(@Nullable String target, Duration deadline) {
        RatisServer server = ratis();
        return server == null
                ? CompletableFuture.failedFuture(new NotLeader("The engine is not started."))
                : operations.transferLeadership(server, target, deadline);
    }

    /**
     * Adds and removes engines in one change of the configuration. Only the leader can. New engines, started with
     * {@code join}, are brought up to date first and have no vote until then; writes go on all the while.
     *
     * @param removed ids of members. The leader itself can be removed, but had better hand over before
     * @return the members afterwards. Fails with {@link NotLeader}; with {@link IllegalArgumentException} when the change
     *     makes no sense; with {@link Unavailable} when too few of the engines that stay answer, a new one does not, another
     *     change is under way (nothing is changed then), or at the deadline (it may be changed yet)
     */
    public CompletableFuture<List<EnginePeer>> changeMembers(
            List<EnginePeer> added, Set<String> removed, Duration deadline) {
        RatisServer server = ratis();
        return server == null
                ? CompletableFuture.failedFuture(new NotLeader("The engine is not started."))
                : operations.changeMembers(server, added, removed, deadline);
    }

    /**
     * Writes a checkpoint that has everything applied at the call, and purges the log that no kept checkpoint needs.
     *
     * @return the checkpoint's index. Fails with {@link Unavailable} at the deadline; it may be written later
     */
    public CompletableFuture<Long> takeSnapshot(Duration deadline) {
        RatisServer server = ratis();
        return server == null
                ? CompletableFuture.failedFuture(new Unavailable("The engine is not started."))
                : operations.takeSnapshot(server, deadline);
    }

    /**
     * Reads the newest durable checkpoint, every row verified against its checksum. Blocks for as long as {@code reader}
     * reads; checkpoints are written and replaced meanwhile.
     *
     * @throws IOException when there is none, or it can't be read
     */
    public void readCheckpoint(CheckpointReader reader) throws IOException {
        checkpoints.read(reader);
    }

    /** How much of the disk the log, and the newest checkpoint, take. Looks at the files. */
    public DiskUsage diskUsage() {
        Checkpoint newest = checkpoints.latest();
        return new DiskUsage(
                DurableFiles.size(directory.group().resolve("current")),
                newest == null ? 0 : DurableFiles.size(newest.dir()));
    }

    /**
     * Before an orderly stop: hands leadership over if this engine has it and there are others ({@link HandOver}). Blocks for at most some
     * seconds. When nobody can take it, the others will elect.
     */
    public void handOver() {
        RatisServer server = ratis();
        if (server != null && server.info().isLeader() && server.peers().size() > 1) {
            handOver.of(server);
        }
    }

    /** Stops; without handing over, as if killed, but for what it had not yet written. */
    @Override
    public void close() {
        if (!closing.compareAndSet(false, true)) {
            return;
        }
        rounds.close();
        host.close();
        checkpoints.close();
        proposals.abandon("the engine is stopping");
        events.close();
        timer.shutdownNow();
        try {
            directory.close();
        } catch (IOException e) {
            LOG.warn("Data directory {} could not be released", config.dataDir(), e);
        }
    }

    private Unavailable outOfSpace() {
        return new Unavailable("Engine '" + config.engineId() + "' takes no part: " + space.complaint() + ".");
    }

    /** Whether the newest configuration in this engine's log is one without it. One that was away when it was removed has it not. */
    private boolean removed() {
        RatisServer server = ratis();
        return server != null
                && !server.peers().isEmpty()
                && server.peers().stream().noneMatch(peer -> peer.id().equals(config.engineId()));
    }

    private CompletableFuture<Boolean> departed() {
        RatisServer server = ratis();
        return server == null ? CompletableFuture.completedFuture(false) : Departed.ask(server, timer);
    }

    /** Of one server. */
    private final class StateMachineEvents extends ServerOpener.Events {
        @Override
        public void leaderReady(long term) {
            events.ready(term);
            rounds.renew();
            timer.execute(RaftNode.this::agreedFormat);
            timer.execute(RaftNode.this::quota);
            timer.execute(RaftNode.this::clocks);
        }

        @Override
        public void notLeader() {
            RatisServer server = ratis();
            if (server != null) {
                // Ratis raises the term only after this call: it is still the lost one.
                events.stopped(server.info().getCurrentTerm());
            }
            confirmation.leadershipLost();
        }

        @Override
        public void leaderChanged(RaftPeerId leader) {
            RatisServer server = ratis();
            EnginePeer peer = server == null ? null : server.peer(leader);
            if (server != null && peer != null) {
                events.changed(peer);
                timer.execute(watch::leaderChanged);
                timer.execute(() -> lagging.elected(server));
                rounds.renew();
            }
        }

        @Override
        public void logFailed(Throwable cause) {
            if (isLive()) {
                host.logFailed(cause);
            }
        }

        @Override
        public void stopped(@Nullable Throwable cause) {
            if (!closing.get() && isLive() && cause == null && space.isExhausted(null)) {
                // Ratis ended its server as it could not write.
                host.logFailed(new IOException("No space left on device"));
            } else if (!closing.get() && isLive() && cause == null && removed()) {
                quarantine.removed();
            } else if (!closing.get() && isLive() && cause != null) {
                events.failed(cause);
            } else if (!closing.get() && isLive()) {
                Futures.onEnd(departed(), (gone, failure) -> {
                    if (failure == null && gone) {
                        quarantine.removed();
                    } else {
                        events.failed(
                                new IOException("Raft stopped this engine: it was removed from the cluster, or its log"
                                        + " says why, just above"));
                    }
                });
            }
        }

        @Override
        public CompletableFuture<Message> answer(Message request) {
            return PeerAnswers.to(request, ratis(), rounds::confirmed, config, divergence);
        }
    }
}
