package io.raftfleet.bench;

import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.log.UnitCreated;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.Registry;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.RaftConfig;
import io.raftfleet.state.raft.RaftListener;
import io.raftfleet.state.raft.RaftNode;
import io.raftfleet.state.raft.RaftView;
import io.raftfleet.unit.UnitHash;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;

/** Raft nodes with registries in this process. Used by one thread, but for {@link #leader}. */
final class CheckpointNodes implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int RECORDS_AN_ENTRY = 2_000;
    private static final int ENTRIES_IN_FLIGHT = 4;
    private static final String MACHINE = "00000000000000000000000000000001";
    private static final String TEXT = "[Service]\nExecStart=/bin/sleep infinity\n";

    private final UUID cluster = UUID.randomUUID();
    private final Path dir;
    private final List<EnginePeer> peers = new ArrayList<>();
    private final Map<String, Node> running = new LinkedHashMap<>();

    private record Node(Registry registry, RaftNode raft) {}

    CheckpointNodes(Path dir) throws IOException {
        this.dir = dir;
        for (int i = 1; i <= 3; i++) {
            peers.add(peer("e" + i));
        }
    }

    static String unit(int i) {
        return "unit-" + i + ".service";
    }

    private static EnginePeer peer(String id) throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return new EnginePeer(id, "127.0.0.1:" + socket.getLocalPort(), "127.0.0.1:1", "127.0.0.1:2");
        }
    }

    void start(String id) throws IOException {
        start(id, peers, false);
    }

    private void start(String id, List<EnginePeer> known, boolean join) throws IOException {
        var registry = new Registry(1 << 17);
        var raft = new RaftNode(
                RaftConfig.builder(id, cluster, dir.resolve(id), known)
                        .bootstrap(!join)
                        .join(join)
                        .build(),
                registry,
                new RaftListener() {});
        raft.start();
        synchronized (running) {
            running.put(id, new Node(registry, raft));
        }
    }

    void stop(String id) {
        Node node;
        synchronized (running) {
            node = running.remove(id);
        }
        if (node != null) {
            node.raft().close();
        }
    }

    void join(String id) throws Exception {
        var self = peer(id);
        var known = new ArrayList<>(peers);
        known.add(self);
        start(id, known, true);
        leader().changeMembers(List.of(self), Set.of(), PATIENCE).get();
    }

    private Node leading() throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < end) {
            synchronized (running) {
                for (var node : running.values()) {
                    if (node.raft().view().role() == RaftView.Role.LEADER) {
                        return node;
                    }
                }
            }
            Thread.sleep(10);
        }
        throw new IllegalStateException("no engine leads");
    }

    RaftNode leader() throws InterruptedException {
        return leading().raft();
    }

    String follower() {
        synchronized (running) {
            return running.entrySet().stream()
                    .filter(e -> e.getValue().raft().view().role() == RaftView.Role.FOLLOWER)
                    .findFirst()
                    .orElseThrow()
                    .getKey();
        }
    }

    long version(String unit) {
        try {
            return leading().registry().read(view -> {
                var record = view.unit(unit);
                if (record == null) {
                    throw new IllegalStateException("no unit " + unit);
                }
                return record.version();
            });
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Creates units, all with the same contents, on one machine, with a state each. */
    void fill(int units) throws Exception {
        var hash = UnitHash.ofText(TEXT);
        propose(List.of(
                Record.newBuilder()
                        .setClusterCreated(ClusterCreated.newBuilder().setIncarnation(1))
                        .build(),
                Record.newBuilder()
                        .setSessionOpened(
                                SessionOpened.newBuilder().setMachineId(MACHINE).setSessionEpoch(1))
                        .build(),
                Record.newBuilder()
                        .setContentsStored(ContentsStored.newBuilder()
                                .setContents(UnitContents.newBuilder()
                                        .setHash(hash.toByteString())
                                        .setText(TEXT)))
                        .build(),
                created(0, hash)));
        var records = new ArrayList<Record>();
        for (int i = 1; i < units; i++) {
            records.add(created(i, hash));
        }
        propose(records);
        records.clear();
        for (int i = 0; i < units; i++) {
            records.add(Record.newBuilder()
                    .setStatesReported(StatesReported.newBuilder()
                            .setMachineId(MACHINE)
                            .setSessionEpoch(1)
                            .setSequence(i + 1)
                            .addStates(UnitState.newBuilder()
                                    .setName(unit(i))
                                    .setHash(hash.toByteString())
                                    .setLoadState("loaded")
                                    .setActiveState("active")
                                    .setSubState("running")))
                    .build());
        }
        propose(records);
    }

    private static Record created(int i, UnitHash hash) {
        return Record.newBuilder()
                .setUnitCreated(UnitCreated.newBuilder()
                        .setName(unit(i))
                        .setHash(hash.toByteString())
                        .setTargetState(TargetState.TARGET_STATE_LAUNCHED))
                .build();
    }

    /** Writes records, as many an entry as fit, and waits for all. */
    void propose(List<Record> records) throws Exception {
        var leader = leader();
        Queue<CompletableFuture<?>> inFlight = new ArrayDeque<>();
        for (int from = 0; from < records.size(); from += RECORDS_AN_ENTRY) {
            if (inFlight.size() == ENTRIES_IN_FLIGHT) {
                inFlight.remove().get();
            }
            var entry = Entry.newBuilder()
                    .setFormat(1)
                    .setProposal(ThreadLocalRandom.current().nextLong())
                    .addAllRecords(records.subList(from, Math.min(records.size(), from + RECORDS_AN_ENTRY)))
                    .build();
            inFlight.add(leader.propose(entry, PATIENCE));
        }
        for (var entry : inFlight) {
            entry.get();
        }
    }

    /** Waits until an engine has applied what was acknowledged. */
    void awaitCaughtUp(String id) throws Exception {
        Node node;
        synchronized (running) {
            node = running.get(id);
        }
        if (node != null) {
            node.raft().readIndex(PATIENCE).get();
        }
    }

    void checkpoint(String id) throws Exception {
        Node node;
        synchronized (running) {
            node = running.get(id);
        }
        if (node != null) {
            node.raft().takeSnapshot(PATIENCE).get();
        }
    }

    @Override
    public void close() {
        for (var id : List.copyOf(running.keySet())) {
            stop(id);
        }
    }
}
