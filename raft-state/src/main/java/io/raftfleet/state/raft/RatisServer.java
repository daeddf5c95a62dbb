package io.raftfleet.state.raft;

import com.google.common.net.HostAndPort;
import io.raftfleet.state.raft.PeerMessages.Position;
import io.raftfleet.state.raft.PeerMessages.Standing;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.LockSupport;
import org.apache.ratis.client.ClientFactory;
import org.apache.ratis.client.RaftClientRpc;
import org.apache.ratis.conf.Parameters;
import org.apache.ratis.conf.RaftProperties;
import org.apache.ratis.grpc.GrpcConfigKeys;
import org.apache.ratis.proto.RaftProtos.RaftRpcRequestProto;
import org.apache.ratis.proto.RaftProtos.StartLeaderElectionRequestProto;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.GroupManagementRequest;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftClientRequest;
import org.apache.ratis.protocol.RaftGroup;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.DivisionInfo;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.protocol.TermIndex;
import org.apache.ratis.server.storage.RaftStorage;
import org.apache.ratis.util.ExitUtils;
import org.apache.ratis.util.ProtoUtils;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Ratis' server with the one group that it serves. Immutable but for what Ratis keeps. */
final class RatisServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RatisServer.class);

    private static final Duration END_OF_APPLYING = Duration.ofSeconds(1);

    static {
        // Ratis would end the process when its port is taken, and on any uncaught exception of any thread.
        ExitUtils.disableSystemExit();
        ExitUtils.setTerminateOnUncaughtException(false);
    }

    private final RaftConfig config;
    private final RaftServer server;
    private final RaftServer.Division division;
    private final RaftGroupId group;
    private final PeerClient peerClient;
    private final RegistryStateMachine stateMachine;
    /** The log's directory. */
    private final Path current;

    private RatisServer(
            RaftConfig config,
            Path current,
            RaftServer server,
            RaftGroupId group,
            PeerClient peerClient,
            RegistryStateMachine stateMachine)
            throws IOException {
        this.config = config;
        this.current = current;
        this.server = server;
        this.group = group;
        this.division = server.getDivision(group);
        this.peerClient = peerClient;
        this.stateMachine = stateMachine;
    }

    static RatisServer create(Home home, RegistryStateMachine stateMachine, Onlookers onlookers) throws IOException {
        RaftConfig config = home.config();
        DataDirectory directory = home.directory();
        RaftProperties properties = RatisSettings.of(config, directory.raft());
        RaftGroupId group = RaftGroupId.valueOf(config.clusterId());
        // An engine that joins knows of no members until the leader tells it; until then it neither votes nor stands.
        List<RaftPeer> peers = directory.joined()
                ? List.of()
                : (directory.restores() ? List.of(config.self()) : config.peers())
                        .stream().map(RatisServer::ratisPeer).toList();
        boolean stored = Files.isDirectory(directory.group());
        RaftPeerId self = RaftPeerId.valueOf(config.engineId());
        Parameters parameters = new Parameters();
        var acknowledgements = new Acknowledgements();
        var current = directory.group().resolve("current");
        var votes = new DurableVotes(current, config.fsync());
        parameters.put(ConfirmingRpcType.VOTES, votes, DurableVotes.class);
        parameters.put(ConfirmingRpcType.CONFIRMATION, onlookers.confirmation(), LeadershipConfirmation.class);
        var refusals = new Refusals(config.engineId(), System::nanoTime, LOG::warn);
        var known = new KnownEngines(
                config, new SourceAddresses(InetAddress::getAllByName, Thread::startVirtualThread, System::nanoTime));
        var arrivals = new Arrivals(refusals);
        config.tls().ifPresent(own -> RaftTls.configure(parameters, own));
        var connections = new Connections(Connections.FIRST_MESSAGE, refusals, new RaftTls(config.tls(), refusals));
        // All of Ratis' services are on this one server. The interceptor that was added last comes first.
        GrpcConfigKeys.Server.setServicesCustomizer(
                parameters,
                (builder, types) -> builder.channelFactory(connections::newListener)
                        .addTransportFilter(onlookers.watch())
                        .addStreamTracerFactory(arrivals.tracers())
                        .intercept(new PeerGate(
                                self,
                                home.space(),
                                votes,
                                acknowledgements,
                                new MessageRules(self, group, known, refusals),
                                connections))
                        .intercept(new AllowedCalls(refusals))
                        .intercept(arrivals));
        RaftServer server = RaftServer.newBuilder()
                .setServerId(self)
                .setGroup(RaftGroup.valueOf(group, peers))
                .setStateMachineRegistry(id -> {
                    if (!id.equals(group)) {
                        throw new IllegalArgumentException("group " + id + " is not this cluster's");
                    }
                    return stateMachine;
                })
                .setProperties(properties)
                .setParameters(parameters)
                .setOption(stored ? RaftStorage.StartupOption.RECOVER : RaftStorage.StartupOption.FORMAT)
                .build();
        try {
            forgetOtherGroups(server, group);
            RaftClientRpc rpc = ((ClientFactory) server.getFactory()).newRaftClientRpc(ClientId.randomId(), properties);
            var created = new RatisServer(config, current, server, group, new PeerClient(group, rpc), stateMachine);
            acknowledgements.attach(created.division);
            known.attach(created);
            return created;
        } catch (IOException | RuntimeException e) {
            server.close();
            throw e;
        }
    }

    /**
     * Ratis would open every group whose directory it finds, and not start when one can't be opened. None but ours has a state machine
     * here, so nothing of the others was touched; it starts when they are gone from its table.
     */
    private static void forgetOtherGroups(RaftServer server, RaftGroupId group) throws IOException {
        for (RaftGroupId other : server.getGroupIds()) {
            if (!other.equals(group)) {
                var forget =
                        GroupManagementRequest.newRemove(ClientId.randomId(), server.getId(), 0, other, false, false);
                try {
                    Futures.onEnd(server.groupManagementAsync(forget), (reply, failure) -> {});
                } catch (CompletionException e) {
                    LOG.debug("Group {} is forgotten: it was not opened", other, e);
                }
            }
        }
    }

    /** Takes part in the group from here on. */
    void start(DataDirectory directory) throws IOException {
        HostAndPort address = HostAndPort.fromString(config.self().raftAddress());
        try (ServerSocket probe = new ServerSocket()) {
            probe.setReuseAddress(true);
            probe.bind(new InetSocketAddress(address.getHost(), address.getPort()));
        } catch (IOException e) {
            throw inUse(e);
        }
        directory.markFormed();
        try {
            server.start();
            stateMachine.replayUntil(position().logIndex());
            reserve();
        } catch (ExitUtils.ExitException e) {
            throw inUse(e);
        } catch (RuntimeException e) {
            Throwable cause = Futures.cause(e);
            throw new IOException("Engine '" + config.engineId() + "' can't start: " + cause.getMessage(), cause);
        }
    }

    private void reserve() {
        try {
            StoredVote.reserve(current);
        } catch (IOException noSpace) {
            LOG.debug("Engine {} has no room to store a vote should its disk be full", config.engineId(), noSpace);
        }
    }

    /** Whether the file with this engine's vote is none any more. */
    boolean hasLostItsVote() {
        return StoredVote.isLostIn(current);
    }

    /** The term that this server is in, if that is not stored, or not yet; 0 if it is. */
    long unstoredTerm() {
        try {
            StoredVote vote = StoredVote.of(division);
            return vote == null
                            || vote.term()
                                    <= division.getRaftStorage()
                                            .getMetadataFile()
                                            .getMetadata()
                                            .getTerm()
                    ? 0
                    : vote.term();
        } catch (IOException unreadable) {
            return 0;
        }
    }

    /** Whether it has read, or stored, a vote. */
    boolean knowsItsVote() {
        try {
            return StoredVote.of(division) != null;
        } catch (IOException unreadable) {
            return false;
        }
    }

    /** Writes term and vote again where they are not stored; only once this is closed. */
    void mendVote() throws IOException {
        StoredVote vote = StoredVote.of(division);
        if (vote != null) {
            vote.mend(current);
        }
    }

    private IOException inUse(Exception cause) {
        return new IOException(
                "Engine '" + config.engineId() + "' can't listen for other engines on "
                        + config.self().raftAddress() + " (" + cause.getMessage()
                        + "): stop the process that listens there, or choose another address with --raft.",
                cause);
    }

    RaftServer.Division division() {
        return division;
    }

    /** Drops the connection that this server has to another, and makes one anew when it next sends something there. */
    void connectAnew(RaftPeerId other) {
        server.getServerRpc().handleException(other, new IOException("it has not answered for long"), true);
    }

    DivisionInfo info() {
        return division.getInfo();
    }

    RaftPeerId id() {
        return server.getId();
    }

    RaftGroupId group() {
        return group;
    }

    PeerClient peerClient() {
        return peerClient;
    }

    @Nullable
    RaftPeer leaderPeer() {
        RaftPeerId id = division.getInfo().getLeaderId();
        return id == null ? null : division.getRaftConf().getPeer(id);
    }

    @Nullable
    EnginePeer leader() {
        RaftPeer leader = leaderPeer();
        return leader == null ? null : enginePeer(leader);
    }

    @Nullable
    EnginePeer peer(RaftPeerId id) {
        RaftPeer peer = division.getRaftConf().getPeer(id);
        return peer == null ? null : enginePeer(peer);
    }

    List<EnginePeer> peers() {
        Collection<RaftPeer> peers = division.getRaftConf().getCurrentPeers();
        return peers.stream().map(RatisServer::enginePeer).toList();
    }

    /** The voting members but for this engine. */
    List<RaftPeer> otherVoters() {
        return division.getRaftConf().getCurrentPeers().stream()
                .filter(p -> !p.getId().equals(server.getId()))
                .toList();
    }

    /** Where this engine's log ends; at its beginning while it is closed. */
    Position position() {
        TermIndex last;
        try {
            last = division.getRaftLog().getLastEntryTermIndex();
        } catch (IllegalStateException closed) {
            last = null;
        }
        return last == null
                ? new Position(division.getInfo().getCurrentTerm(), 0, 0)
                : new Position(division.getInfo().getCurrentTerm(), last.getTerm(), last.getIndex());
    }

    /** How many entries of its log this engine has not applied. */
    long unapplied() {
        return Math.max(0, position().logIndex() - division.getInfo().getLastAppliedIndex());
    }

    Standing standing() {
        return new Standing(position(), unapplied());
    }

    /**
     * Whether this engine has heard what its cluster has committed: as a follower from the present leader, of whose term it has applied an
     * entry, for a leader itself does not know before its term's first entry is committed (§8 of the Raft paper).
     */
    boolean knowsCommitted() {
        if (division.getInfo().isLeader()) {
            return division.getInfo().isLeaderReady();
        }
        RaftPeerId leader = division.getInfo().getLeaderId();
        TermIndex last = stateMachine.getLastAppliedTermIndex();
        return leader != null
                && last != null
                && last.getTerm() == division.getInfo().getCurrentTerm()
                && division.getCommitInfos().stream()
                        .anyMatch(told -> told.getServer().getId().equals(leader.toByteString()));
    }

    /** How many entries this engine has yet to apply of what is committed, as far as it has heard; as the leader, of its log, before it is ready. */
    long missing() {
        long end = division.getRaftLog().getLastCommittedIndex();
        if (division.getInfo().isLeader()) {
            if (division.getInfo().isLeaderReady()) {
                return 0;
            }
            end = position().logIndex();
        }
        for (var told : division.getCommitInfos()) {
            end = Math.max(end, told.getCommitIndex());
        }
        return Math.max(0, end - division.getInfo().getLastAppliedIndex());
    }

    /**
     * As the leader, has a follower whose log is as long as this one's ask for votes, also before this engine is ready to lead. Blocks
     * until it has answered.
     *
     * @return whether it does
     */
    boolean haveStand(RaftPeerId follower) throws IOException {
        TermIndex last = division.getRaftLog().getLastEntryTermIndex();
        return last != null
                && server.getServerRpc()
                        .startLeaderElection(startElection(server.getId(), follower, last))
                        .getServerReply()
                        .getSuccess();
    }

    private StartLeaderElectionRequestProto startElection(RaftPeerId leader, RaftPeerId follower, TermIndex last) {
        return StartLeaderElectionRequestProto.newBuilder()
                .setServerRequest(RaftRpcRequestProto.newBuilder()
                        .setRequestorId(leader.toByteString())
                        .setReplyId(follower.toByteString())
                        .setRaftGroupId(ProtoUtils.toRaftGroupIdProtoBuilder(group)))
                .setLeaderLastEntry(last.toProto())
                .build();
    }

    /** Makes this follower ask for votes in the term after {@code leader}'s, without asking first who would vote for it. */
    void standForElection(RaftPeer leader) throws IOException {
        TermIndex last = division.getRaftLog().getLastEntryTermIndex();
        if (last == null || last.getTerm() != division.getInfo().getCurrentTerm()) {
            return; // it has nothing of the leader's term: others have more
        }
        // What a leader sends to the follower that it hands its leadership to.
        server.startLeaderElection(startElection(leader.getId(), server.getId(), last));
    }

    static RaftView.Role role(DivisionInfo info) {
        if (!info.isAlive()) {
            return RaftView.Role.CLOSED;
        }
        return switch (info.getCurrentRole()) {
            // While Ratis is still starting.
            case null -> RaftView.Role.CLOSED;
            case LEADER -> RaftView.Role.LEADER;
            case CANDIDATE -> RaftView.Role.CANDIDATE;
            case LISTENER -> RaftView.Role.LISTENER;
            default -> RaftView.Role.FOLLOWER;
        };
    }

    CompletableFuture<RaftClientReply> submit(RaftClientRequest request) {
        return admin(s -> s.submitClientRequestAsync(request));
    }

    /** An asynchronous call to the server in this process, its immediate failure too as a future. */
    CompletableFuture<RaftClientReply> admin(Call call) {
        try {
            return call.on(server);
        } catch (IOException | RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    interface Call {
        CompletableFuture<RaftClientReply> on(RaftServer server) throws IOException;
    }

    /** Engines' addresses travel in Raft's configuration: gRPC as the peer's client, HTTP as its admin address. */
    static RaftPeer ratisPeer(EnginePeer peer) {
        return RaftPeer.newBuilder()
                .setId(peer.id())
                .setAddress(peer.raftAddress())
                .setClientAddress(peer.grpcAddress())
                .setAdminAddress(peer.httpAddress())
                .build();
    }

    static EnginePeer enginePeer(RaftPeer peer) {
        return new EnginePeer(
                peer.getId().toString(), peer.getAddress(), peer.getClientAddress(), peer.getAdminAddress());
    }

    @Override
    public void close() {
        try {
            peerClient.close();
            if (stateMachine.hasStopped()) {
                awaitEndOfApplying();
            }
            server.close();
            mendVote();
        } catch (IOException e) {
            LOG.warn("Engine {}: Ratis did not close cleanly", config.engineId(), e);
        }
    }

    /**
     * An exception of the state machine makes Ratis' applying thread close the group by itself. Closed a moment earlier, Ratis would wait
     * for ever for that thread to come to the log's end, and the thread would spin ({@code StateMachineUpdater.run}).
     */
    private void awaitEndOfApplying() {
        long end = System.nanoTime() + END_OF_APPLYING.toNanos();
        while (division.getInfo().isAlive() && end - System.nanoTime() > 0) {
            LockSupport.parkNanos(1_000_000);
        }
    }
}
