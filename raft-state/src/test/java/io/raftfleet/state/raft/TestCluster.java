package io.raftfleet.state.raft;

import static org.awaitility.Awaitility.await;

import io.raftfleet.proto.log.Entry;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/** Real engines' Raft nodes in this process, on loopback. */
final class TestCluster implements AutoCloseable {
    static final Duration LONG = Duration.ofSeconds(20);
    private static final int JVMS = 4;
    private static final int PORTS = 4_250;
    private static final Set<Integer> GIVEN = ConcurrentHashMap.newKeySet();

    final UUID id = UUID.randomUUID();
    final List<EnginePeer> peers = new ArrayList<>();
    final Map<String, Member> members = new LinkedHashMap<>();
    private final Path root;
    private final UnaryOperator<RaftConfig.Builder> settings;

    /** One running engine. */
    static final class Member implements RaftListener {
        final RaftConfig config;
        final KeyValueState state = new KeyValueState();
        final List<String> events = new CopyOnWriteArrayList<>();
        final CompletableFuture<Throwable> failure = new CompletableFuture<>();
        final RaftNode node;

        Member(RaftConfig config) throws IOException {
            this.config = config;
            this.node = new RaftNode(config, state, this);
        }

        @Override
        public void leaderStarted(long term) {
            events.add("started " + term);
        }

        @Override
        public void leaderStopped(long term) {
            events.add("stopped " + term);
        }

        @Override
        public void leaderChanged(EnginePeer leader) {
            events.add("leader " + leader.id());
        }

        @Override
        public void failed(Throwable cause) {
            failure.complete(cause);
        }

        boolean leads() {
            String last = events.stream().filter(e -> !e.startsWith("leader")).reduce("", (a, b) -> b);
            return last.startsWith("started");
        }
    }

    TestCluster(Path root, int engines, UnaryOperator<RaftConfig.Builder> settings) throws IOException {
        this.root = root;
        this.settings = settings;
        for (int i = 1; i <= engines; i++) {
            peers.add(new EnginePeer("e" + i, "127.0.0.1:" + freePort(), "127.0.0.1:" + i, "127.0.0.1:" + (100 + i)));
        }
    }

    /** Bootstraps all engines and waits for a leader. */
    TestCluster startAll() throws IOException {
        for (EnginePeer peer : peers) {
            start(peer.id());
        }
        leader();
        return this;
    }

    RaftConfig.Builder config(String engine) {
        return settings.apply(RaftConfig.builder(engine, id, root.resolve(engine), peers)
                .bootstrap(true)
                .electionTimeout(Duration.ofMillis(300), Duration.ofMillis(600)));
    }

    Member start(String engine) throws IOException {
        return start(engine, UnaryOperator.identity());
    }

    /** Starts an engine that applies nothing before its state is let go. */
    Member startHeld(String engine) throws IOException {
        Member member = new Member(config(engine).build());
        member.state.hold();
        return start(engine, member);
    }

    /** Starts an engine with settings of its own. */
    Member start(String engine, UnaryOperator<RaftConfig.Builder> own) throws IOException {
        return start(engine, new Member(own.apply(config(engine)).build()));
    }

    private Member start(String engine, Member member) throws IOException {
        try {
            member.node.start();
        } catch (IOException e) {
            member.node.close();
            throw e;
        }
        members.put(engine, member);
        return member;
    }

    /** Starts an engine of a new id and an empty directory that waits to be added. */
    Member join(EnginePeer self) throws IOException {
        return join(self, peers);
    }

    /** The same with other engines that it is told of. */
    Member join(EnginePeer self, List<EnginePeer> others) throws IOException {
        List<EnginePeer> all = new ArrayList<>(others);
        all.removeIf(p -> p.id().equals(self.id()) || p.raftAddress().equals(self.raftAddress()));
        all.add(self);
        Member member = new Member(settings.apply(RaftConfig.builder(self.id(), id, root.resolve(self.id()), all)
                        .join(true)
                        .electionTimeout(Duration.ofMillis(300), Duration.ofMillis(600)))
                .build());
        try {
            member.node.start();
        } catch (IOException e) {
            member.node.close();
            throw e;
        }
        members.put(self.id(), member);
        return member;
    }

    EnginePeer newPeer(String engine) throws IOException {
        return new EnginePeer(engine, "127.0.0.1:" + freePort(), "127.0.0.1:1", "127.0.0.1:2");
    }

    /** Stops an engine without a hand-over. */
    void kill(String engine) {
        Member member = Objects.requireNonNull(members.remove(engine));
        member.state.letGo();
        member.node.close();
    }

    Path dir(String engine) {
        return root.resolve(engine);
    }

    Member leader() {
        return await().atMost(LONG)
                .pollInterval(Duration.ofMillis(5))
                .until(() -> members.values().stream().filter(Member::leads).findFirst(), Optional::isPresent)
                .orElseThrow();
    }

    Collection<Member> followers() {
        Member leader = leader();
        return members.values().stream().filter(m -> m != leader).toList();
    }

    Member follower() {
        return followers().iterator().next();
    }

    /** Has an engine lead, whichever does now: one that a busy machine holds up may lose its leadership before it hands it over. */
    void handOver(Member to) {
        await().atMost(LONG)
                .ignoreExceptionsInstanceOf(ReplicationException.class)
                .until(() -> {
                    if (!to.leads()) {
                        get(leader().node.transferLeadership(to.config.engineId(), LONG));
                    }
                    return to.leads();
                });
    }

    /** Proposes on whichever engine leads until it is applied; repeats only what is certainly in no log. */
    ApplyResult set(String value, String... keys) throws Exception {
        long end = System.nanoTime() + LONG.toNanos();
        while (true) {
            try {
                return propose(leader(), value, keys);
            } catch (ReplicationException.NotLeader e) {
                if (System.nanoTime() > end) {
                    throw e;
                }
            }
        }
    }

    static ApplyResult propose(Member member, String value, String... keys) throws Exception {
        return get(member.node.propose(entry(value, keys), LONG));
    }

    static Entry entry(String value, String... keys) {
        return KeyValueState.set(ThreadLocalRandom.current().nextLong(), value, keys);
    }

    /** The value, or the bare exception that a future failed with. */
    static <T> T get(CompletableFuture<T> future) throws Exception {
        try {
            return future.get(LONG.toSeconds() * 2, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw e;
        }
    }

    void awaitEqualDigests() {
        await().atMost(LONG)
                .until(() -> members.values().stream()
                                .map(m -> m.state.digest())
                                .distinct()
                                .count()
                        == 1);
    }

    /**
     * Each is given out once, and lies below those that the kernel gives to outgoing connections, of which one would be in the way of
     * an engine that starts again; so would be one of another JVM in which tests run, so that each has a part of them.
     */
    static int freePort() {
        int lowest = 15_000 + Integer.getInteger("raftfleet.test.jvm", 1) % JVMS * PORTS;
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(lowest, lowest + PORTS);
            if (GIVEN.add(port)) {
                try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                    return socket.getLocalPort();
                } catch (IOException taken) {
                    // Another, then.
                }
            }
        }
    }

    @Override
    public void close() {
        members.values().forEach(m -> m.state.letGo());
        members.values().parallelStream().forEach(m -> m.node.close());
    }
}
