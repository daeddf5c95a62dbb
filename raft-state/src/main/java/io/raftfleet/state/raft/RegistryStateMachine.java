package io.raftfleet.state.raft;

import com.google.protobuf.InvalidProtocolBufferException;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.raft.Proposals.Pending;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.RaftConfigurationProto;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.Message;
import org.apache.ratis.protocol.RaftClientRequest;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftGroupMemberId;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.protocol.TermIndex;
import org.apache.ratis.server.raftlog.RaftLog;
import org.apache.ratis.server.storage.FileInfo;
import org.apache.ratis.server.storage.RaftStorage;
import org.apache.ratis.server.storage.RaftStorageDirectory;
import org.apache.ratis.statemachine.SnapshotInfo;
import org.apache.ratis.statemachine.SnapshotRetentionPolicy;
import org.apache.ratis.statemachine.StateMachineStorage;
import org.apache.ratis.statemachine.TransactionContext;
import org.apache.ratis.statemachine.impl.BaseStateMachine;
import org.apache.ratis.statemachine.impl.FileListSnapshotInfo;
import org.apache.ratis.util.LifeCycle;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What Ratis sees of the registry. Ratis calls {@link #applyTransaction}, {@link #takeSnapshot} and {@link #reinitialize}
 * on its one updater thread, which owns the registry; the notifications come on any thread and only pass on.
 */
final class RegistryStateMachine extends BaseStateMachine {
    private static final Logger LOG = LoggerFactory.getLogger(RegistryStateMachine.class);
    private static final Pattern SEGMENT = Pattern.compile("log_(?:inprogress_)?(\\d{1,19})(?:-\\d{1,19})?");
    private static final CompletableFuture<Message> APPLIED = CompletableFuture.completedFuture(Message.EMPTY);

    private volatile boolean stopped;
    private final ReplicatedState state;
    private final ClientId proposer;
    private final Progress progress;
    private final Events events;
    private final int format;
    private final long capacity;
    private volatile @Nullable RaftStorageDirectory directory;
    /** Written by whoever asks for a newer one; the same whoever does. */
    private volatile @Nullable Offer offer;

    /** Ratis' updater's alone. */
    private long configurationTerm;
    /** Applied by a state machine before this one: entries up to here come again and are passed over. Ratis' updater's alone. */
    private long passOver = RaftLog.INVALID_LOG_INDEX;

    /** Up to here the log was there when the engine started. */
    private volatile long replayEnd = Long.MAX_VALUE;

    private volatile @Nullable TermIndex resumed;
    /** Between {@link #pause} and the end of {@link #reinitialize}. */
    private volatile boolean interrupted;

    /** A checkpoint, and what Ratis is told of it. */
    private record Offer(Checkpoint checkpoint, SnapshotInfo info) {}

    /** What the node does about Ratis' notifications; no method may block. */
    interface Events {
        void leaderReady(long term);

        void notLeader();

        void leaderChanged(RaftPeerId leader);

        /** The log takes no entry any more. */
        void logFailed(Throwable cause);

        /** The state machine was closed by Ratis or refuses to go on. */
        void stopped(@Nullable Throwable cause);

        /** Another engine asks something: see {@link PeerMessages}. */
        CompletableFuture<Message> answer(Message request);
    }

    /** @param proposer from whom entries are taken */
    RegistryStateMachine(
            RaftConfig config, ReplicatedState state, ClientId proposer, Progress progress, Events events) {
        this.state = state;
        this.proposer = proposer;
        this.progress = progress;
        this.format = config.entryFormat();
        this.capacity = config.capacity();
        this.events = events;
    }

    /**
     * To go on from what another state machine of this process has applied, on the same registry; before Ratis opens it.
     *
     * @throws IllegalStateException when that one was just taking over another engine's checkpoint
     */
    void resume(RegistryStateMachine before) {
        if (before.interrupted) {
            throw new IllegalStateException("a checkpoint of another engine was being taken over");
        }
        resumed = before.getLastAppliedTermIndex();
        replayEnd = RaftLog.INVALID_LOG_INDEX; // what this process holds it has room for
    }

    @Override
    public void initialize(RaftServer server, RaftGroupId group, RaftStorage storage) throws IOException {
        super.initialize(server, group, storage);
        getLifeCycle().transition(LifeCycle.State.STARTING);
        directory = storage.getStorageDir();
        TermIndex before = resumed;
        if (before == null) {
            load();
        } else {
            passOver = before.getIndex();
            setLastAppliedTermIndex(before);
        }
        getLifeCycle().transition(LifeCycle.State.RUNNING);
    }

    /**
     * Called when another engine's checkpoint has been received, right before it takes the place of ours: the last moment to
     * look at it.
     *
     * @throws IllegalStateException when it is damaged: ours, and the log behind it, stay
     */
    @Override
    public void pause() {
        verifyReceived();
        interrupted = true;
        if (getLifeCycle().getCurrentState() == LifeCycle.State.RUNNING) {
            getLifeCycle().transition(LifeCycle.State.PAUSING);
            progress.checkpoints().suspend();
            getLifeCycle().transition(LifeCycle.State.PAUSED);
        }
    }

    private void verifyReceived() {
        RaftStorageDirectory ratis = directory;
        if (ratis == null) {
            return;
        }
        try {
            for (Path received : Leftovers.received(ratis.getTmpDir().toPath())) {
                Checkpoint.read(received);
                RowStore.verify(received, null);
                DurableFiles.syncTree(received);
            }
        } catch (IOException | RuntimeException e) {
            LOG.error("The checkpoint that engine {} received from the leader is damaged and not used", getId(), e);
            throw new IllegalStateException("the received checkpoint is damaged: " + e.getMessage(), e);
        }
    }

    /** Another engine's checkpoint has been put in place of ours. */
    @Override
    public void reinitialize() throws IOException {
        getLifeCycle().transition(LifeCycle.State.STARTING);
        try {
            load();
        } catch (IOException e) {
            stop("A checkpoint received from the leader can't be used", e);
            throw e;
        }
        passOver = RaftLog.INVALID_LOG_INDEX;
        interrupted = false;
        progress.proposals().abandon("the engine was brought up to date from a checkpoint");
        getLifeCycle().transition(LifeCycle.State.RUNNING);
    }

    private void load() throws IOException {
        RaftStorageDirectory ratis = directory;
        if (ratis == null) {
            throw new IllegalStateException("load before initialize");
        }
        Checkpoint checkpoint = progress.checkpoints()
                .load(
                        ratis.getStateMachineDir().toPath(),
                        index -> logReaches(ratis.getCurrentDir().toPath(), index));
        if (checkpoint != null) {
            setLastAppliedTermIndex(TermIndex.valueOf(checkpoint.term(), checkpoint.index()));
            progress.applied().advance(checkpoint.index());
        }
        progress.divergence().restarted();
    }

    /** Whether the log's files go back to the entry after {@code index}. An empty log reaches only to the beginning. */
    static boolean logReaches(Path current, long index) {
        List<Long> starts = new ArrayList<>();
        if (Files.isDirectory(current)) {
            try (Stream<Path> files = Files.list(current)) {
                files.forEach(f -> {
                    Matcher matcher = SEGMENT.matcher(f.getFileName().toString());
                    if (matcher.matches()) {
                        starts.add(Long.parseLong(matcher.group(1)));
                    }
                });
            } catch (IOException e) {
                LOG.warn("The log's files in {} can't be listed", current, e);
                return false;
            }
        }
        return starts.isEmpty() ? index < 0 : starts.stream().min(Long::compare).orElseThrow() <= index + 1;
    }

    @Override
    public TransactionContext startTransaction(RaftClientRequest request) throws IOException {
        TransactionContext.Builder context =
                TransactionContext.newBuilder().setStateMachine(this).setClientRequest(request);
        if (!request.getClientId().equals(proposer)) {
            return context.build()
                    .setException(new IOException("Entries are proposed by engines' own processes only."));
        }
        try {
            Entry entry = parse(request.getMessage().getContent(), format);
            Pending pending = progress.proposals().find(entry.getProposal());
            if (pending == null) {
                return context.build().setException(new IOException("The proposal's deadline has passed."));
            }
            return context.setStateMachineContext(pending).build();
        } catch (InvalidProtocolBufferException e) {
            return context.build().setException(e);
        }
    }

    @Override
    public TransactionContext preAppendTransaction(TransactionContext context) {
        if (context.getStateMachineContext() instanceof Pending pending) {
            pending.appending(context);
        }
        return context;
    }

    @Override
    public CompletableFuture<Message> applyTransaction(TransactionContext context) {
        LogEntryProto logEntry = context.getLogEntry();
        long term = logEntry.getTerm();
        long index = logEntry.getIndex();
        if (index <= passOver) {
            return APPLIED;
        }
        org.apache.ratis.thirdparty.com.google.protobuf.ByteString data =
                logEntry.getStateMachineLogEntry().getLogData();
        Entry entry;
        ApplyResult result;
        try {
            entry = context.getStateMachineContext() instanceof Pending pending ? pending.entry : parse(data, format);
            result = state.apply(term, index, entry);
        } catch (InvalidProtocolBufferException | RuntimeException e) {
            stop("Log entry " + index + " of term " + term + " can't be applied", e);
            throw new IllegalStateException("Log entry " + index + " of term " + term + " can't be applied", e);
        }
        if (index <= replayEnd) {
            refuseWithoutRoom(index);
        }
        updateLastAppliedTermIndex(term, index);
        progress.entryApplied(term, index, data.size(), entry.getFormat(), result);
        return APPLIED;
    }

    /** The log behind a checkpoint may hold more than it: an engine that was given less memory must not die of that without a word. */
    private void refuseWithoutRoom(long index) {
        long needed = state.heapBytes();
        if (needed > capacity) {
            var tooLarge = new RegistryTooLargeException(index, needed, capacity);
            stop("The log behind the checkpoint holds more than there is room for", tooLarge);
            throw new IllegalStateException(tooLarge);
        }
    }

    /** The log was read: what it ends with was there before. */
    void replayUntil(long index) {
        replayEnd = Math.min(replayEnd, index);
    }

    /** Refuses what a version that reads entry formats up to {@code format} can't apply, before any of it is written or applied. */
    static Entry parse(org.apache.ratis.thirdparty.com.google.protobuf.ByteString data, int format)
            throws InvalidProtocolBufferException {
        Entry entry = Entry.parseFrom(data.asReadOnlyByteBuffer());
        if (entry.getFormat() < 1 || entry.getFormat() > format) {
            throw new InvalidProtocolBufferException("entry format " + entry.getFormat()
                    + " is unknown to this engine, which reads up to " + format
                    + ": upgrade this engine, or take away its entry_format");
        }
        if (entry.getRecordsList().stream().anyMatch(r -> r.getRecordCase() == Record.RecordCase.RECORD_NOT_SET)) {
            throw new InvalidProtocolBufferException(
                    "it holds a record of a kind that this version does not know: upgrade this engine");
        }
        return entry;
    }

    private void stop(String what, Exception cause) {
        LOG.error("{}. Engine {} stops so as not to diverge from the others", what, getId(), cause);
        stopped = true;
        events.stopped(
                cause instanceof RegistryTooLargeException
                        ? cause
                        : new StartRefusedException(what + ": " + cause.getMessage(), cause));
    }

    /** Whether it applies no more, and has thrown, or is about to throw, why into Ratis' applying thread. */
    boolean hasStopped() {
        return stopped;
    }

    @Override
    public void notifyTermIndexUpdated(long term, long index) {
        if (index <= passOver) {
            return;
        }
        super.notifyTermIndexUpdated(term, index);
        progress.entryPassed(index);
    }

    @Override
    public void notifyConfigurationChanged(long term, long index, RaftConfigurationProto configuration) {
        configurationTerm = term; // precedes notifyLeaderReady of the same entry, on the same thread
    }

    @Override
    public void notifyLogFailed(Throwable cause, @Nullable LogEntryProto entry) {
        events.logFailed(cause);
    }

    @Override
    public void notifyLeaderReady() {
        events.leaderReady(configurationTerm);
    }

    @Override
    public void notifyNotLeader(Collection<TransactionContext> pendingEntries) {
        events.notLeader();
    }

    @Override
    public void notifyLeaderChanged(RaftGroupMemberId member, RaftPeerId leader) {
        events.leaderChanged(leader);
    }

    @Override
    public CompletableFuture<Message> queryStale(Message request, long minIndex) {
        return events.answer(request);
    }

    @Override
    public CompletableFuture<Message> query(Message request) {
        return CompletableFuture.failedFuture(new IOException("The registry is read through an engine's API."));
    }

    /** Starts a checkpoint unless one is being written. Returns the index of the last durable one. */
    @Override
    public long takeSnapshot() {
        TermIndex last = getLastAppliedTermIndex();
        Checkpoint durable = progress.checkpoints().latest();
        long durableIndex = durable == null ? RaftLog.INVALID_LOG_INDEX : durable.index();
        if (last.getIndex() > durableIndex) {
            progress.checkpoints().capture(last.getTerm(), last.getIndex());
        }
        return durableIndex;
    }

    /** The newest checkpoint as Ratis sends it to followers. Its files are listed once. */
    @Override
    public @Nullable SnapshotInfo getLatestSnapshot() {
        Offer known = offer;
        Checkpoint newest = progress.checkpoints().latest();
        if (newest == null || (known != null && known.checkpoint().equals(newest))) {
            return known == null ? null : known.info();
        }
        try {
            List<FileInfo> files = newest.files().stream()
                    .map(f -> new FileInfo(f, null)) // Ratis computes digests while it sends
                    .toList();
            known = new Offer(newest, new FileListSnapshotInfo(files, newest.term(), newest.index()));
            offer = known;
        } catch (IOException e) {
            LOG.warn("Checkpoint {} can't be listed; followers get the one before", newest.dir(), e);
        }
        return known == null ? null : known.info();
    }

    @Override
    public StateMachineStorage getStateMachineStorage() {
        return storage;
    }

    private final StateMachineStorage storage = new StateMachineStorage() {
        @Override
        public void init(RaftStorage raftStorage) {}

        @Override
        public @Nullable SnapshotInfo getLatestSnapshot() {
            return RegistryStateMachine.this.getLatestSnapshot();
        }

        @Override
        public void format() {}

        @Override
        public void cleanupOldSnapshots(SnapshotRetentionPolicy policy) {}
    };

    @Override
    public void close() {
        events.stopped(null);
    }
}
